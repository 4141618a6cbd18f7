"""Run the whole installation in this terminal."""

import os
import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Hand over to the supervisor, which needs no Django in memory."""

    help = "Start PostgreSQL, Valkey, web and worker; stop them all on Ctrl-C."
    requires_system_checks = []

    def handle(self, **_options: object) -> None:
        """Replace this process by the supervisor."""
        os.execv(sys.executable, [sys.executable, "-m", "rlmlab.embedded"])  # noqa: S606 - ourselves
