"""Back up the embedded installation into a new folder."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from rlmlab.embedded.backup import back_up
from rlmlab.embedded.errors import StartError


class Command(BaseCommand):
    """Hand over to the embedded servers' part, which knows where they are."""

    help = "Back up the embedded database and the secrets into a new folder, while it runs or stopped."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *, folder: Path, **_: object) -> None:
        """Back up, and say where it is."""
        target = folder.expanduser().absolute()
        try:
            back_up(settings.RLMLAB, target)
        except StartError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Backed up to {target}. It opens the installation: keep it where only you can read it.")
