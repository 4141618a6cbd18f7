"""Create the first organization, its admin user and its first project; idempotent."""

import json
import os
from dataclasses import asdict
from typing import Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from rlmlab.errors import DomainError
from rlmlab.tenancy.actions.bootstrap import Wishes, bootstrap

DEFAULTS: Final = {"organization": "main", "email": "admin@localhost", "password": "", "project": "demo"}


class Command(BaseCommand):
    """Hand the wishes to the action, and print what it made."""

    help = "Create an organization, its admin user and a project where they are missing, and a fresh API key."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take each value as an option; its default is the environment's."""
        parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        for name, default in DEFAULTS.items():
            variable = f"RLMLAB_BOOTSTRAP_{name.upper()}"
            parser.add_argument(
                f"--{name}",
                default=os.environ.get(variable) or default,
                help=f"or {variable}; {default!r} if not given",
            )

    def handle(self, *, json: bool, organization: str, email: str, password: str, project: str, **_: object) -> None:
        """Print the slugs, the key, and the password where this call made it or was given it."""
        wishes = Wishes(organization=organization, email=email, password=password, project=project)
        try:
            made = bootstrap(wishes)
        except DomainError as error:
            raise CommandError(error.detail) from None
        except ProgrammingError:
            raise CommandError("the database is not migrated: run manage.py migrate first") from None
        except OperationalError as error:
            raise CommandError(f"the database does not answer: {error}") from None
        self._print(as_json=json, values={"url": _url(), **asdict(made)})

    def _print(self, *, as_json: bool, values: dict[str, str | None]) -> None:
        if as_json:
            self.stdout.write(json.dumps(values))
            return
        for name, value in values.items():
            self.stdout.write(f"{name:<13}{value or '(unchanged)'}")


def _url() -> str:
    host = settings.RLMLAB.host
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{settings.RLMLAB.port}"
