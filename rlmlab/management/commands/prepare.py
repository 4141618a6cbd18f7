"""Bring database and static files up to date; what `up` runs before the web and the worker start."""

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """One process for migrate, collectstatic and bootstrap, since each start of Python costs a second."""

    help = "Migrate the database, collect static files and bootstrap the first organization (JSON on stdout)."

    def handle(self, **_options: object) -> None:
        """Run the three commands; only bootstrap's JSON goes to stdout."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("bootstrap", json=True, stdout=self.stdout)
