"""Make an embedded installation from a backup."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rlmlab.embedded.backup import restore
from rlmlab.embedded.errors import StartError


class Command(BaseCommand):
    """Hand over to the embedded servers' part, which makes the database."""

    help = "Make an installation from a backup, in a data directory that holds none."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *, folder: Path, **_: object) -> None:
        """Restore, and say what to do next."""
        try:
            restore(settings.RLMLAB, folder.expanduser().absolute())
        except StartError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Restored into {settings.RLMLAB.data_dir}. Start it with `make run`.")
