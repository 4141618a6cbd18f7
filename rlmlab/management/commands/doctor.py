"""Say what works on this machine, what is missing and how to get it."""

import json
import sys

from django.core.management.base import BaseCommand, CommandParser

from rlmlab.management.doctor.examination import as_json, as_text, examine, preventing
from rlmlab.management.doctor.findings import State


class Command(BaseCommand):
    """Needs no server to run; says which do not."""

    help = "Say what works here, what is missing and how to get it. Exit code 0: runs can be executed."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **_options: object) -> None:
        """Print the report; end with 1 where no run can be executed."""
        report = examine()
        self.stdout.write(_dumped(as_json(report)) if json else as_text(report, self._paint))
        if preventing(report):
            sys.exit(1)

    def _paint(self, state: State, text: str) -> str:
        styles = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "missing": self.style.ERROR}
        return styles[state](text) if state in styles else text


def _dumped(report: dict[str, object]) -> str:
    return json.dumps(report, ensure_ascii=False, indent=1)
