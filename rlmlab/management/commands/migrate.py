"""Migrate as the owner role: the application's own role may not change the schema."""

from django.core.management.base import CommandParser
from django.core.management.commands import migrate


class Command(migrate.Command):
    """Django's command with another default database."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Default `--database` to the owner alias."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
