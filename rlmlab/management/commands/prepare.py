"""Bring database and static files up to date; what `up` runs before the web and the worker start."""

from django.core.management import call_command
from django.core.management.base import BaseCommand

from rlmlab.tenancy.queries import any_organization


class Command(BaseCommand):
    """One process for migrate, collectstatic and bootstrap, since each start of Python costs a second."""

    help = "Migrate the database, collect static files; on the first start, bootstrap. Prints JSON."

    def handle(self, **_options: object) -> None:
        """Run what is needed; only one JSON object goes to stdout, an empty one when nothing was bootstrapped."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if any_organization():
            self.stdout.write("{}")
        else:
            call_command("bootstrap", json=True, stdout=self.stdout)
