"""Run a question of the demo project on the local model and say whether plain code finds the answer right."""

import time
from typing import Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rlmlab.errors import DomainError
from rlmlab.tenancy.principals import Principal, system_principal
from rlmlab.tenancy.queries import organization_by_slug, project_by_slug
from trajectories.actions.demo import settle_demo, start_demo
from trajectories.demo.source import SourceMissing
from trajectories.demo.tasks import DEMO_TASK, TASKS
from trajectories.models import DemoCheck
from trajectories.queries import demo_checks, run_for

POLL_SECONDS: Final = 0.3


class Command(BaseCommand):
    """Start the run, wait for its end, settle it, print one line."""

    help = "Run a question of the demo project on the local model and check its answer by plain code."

    def add_arguments(self, parser: CommandParser) -> None:
        """Choose organization, project and question."""
        parser.add_argument("--organization", default="main")
        parser.add_argument("--project", default="demo")
        parser.add_argument("--task", default=DEMO_TASK.key, choices=[task.key for task in TASKS], metavar="KEY")
        parser.add_argument("--once", action="store_true", help="only if no run of the demo has ended in this project")
        parser.add_argument("--list", action="store_true", help="list the questions and end")

    def handle(self, *, organization: str, project: str, task: str, once: bool, list: bool, **_: object) -> None:  # noqa: A002
        """Print what was asked, what came back and whether it was right."""
        if list:
            self.stdout.write("\n".join(f"{entry.key:<28}{entry.question}" for entry in TASKS))
            return
        try:
            found = organization_by_slug(organization)
            if found is None:
                raise CommandError(f"There is no organization {organization}.")
            by = system_principal(found)
            check = self._check(by, project, task, once=once)
        except (DomainError, SourceMissing) as error:
            raise CommandError(str(error)) from None
        if check is not None:
            self._report(self._settled(by, check))

    def _check(self, by: Principal, slug: str, task_key: str, *, once: bool) -> DemoCheck | None:
        project = project_by_slug(by, slug)
        if once:
            earlier = demo_checks(by, project)
            if any(check.passed is not None for check in earlier):
                return None
            if earlier:
                return earlier[0]
        task = next(task for task in TASKS if task.key == task_key)
        return start_demo(by=by, project=project, task=task)

    def _settled(self, by: Principal, check: DemoCheck) -> DemoCheck:
        while check.passed is None:
            time.sleep(POLL_SECONDS)
            check = settle_demo(by=by, run=run_for(by, check.run_id))
        return check

    def _report(self, check: DemoCheck) -> None:
        verdict = "right" if check.passed else "WRONG"
        self.stdout.write(
            f"Demo: “{check.question}” over 1.1 MB of Python's own source, asked of {settings.RLMLAB.local_model} "
            f"(a tiny local model; a provider's key gives you a better one).\n"
            f"  Its answer {check.got or '(none)'!r} is {verdict}; plain code says {check.expected!r}."
        )
        if check.run.error_message:
            self.stdout.write(f"  Its run failed: {check.run.error_message}")
