#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path


def run(arguments: list[str]) -> None:
    """Run one command; a database that does not answer is one line and no traceback."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - after the settings are named
    from django.db import OperationalError  # noqa: PLC0415

    try:
        execute_from_command_line(arguments)
    except OperationalError as error:
        if "connection" not in str(error):
            raise
        reason = " ".join(str(error).split())
        sys.exit(f"Error: The database does not answer. Start it with `make run`, or set DATABASE_URL. ({reason})")


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rlmlab.settings")
    try:
        run(sys.argv)
    except ModuleNotFoundError as error:
        if error.name is None or (Path(__file__).parent / error.name.split(".")[0]).exists():
            raise
        sys.exit(f"Error: The Python package {error.name} is missing. Run `make setup`.")


if __name__ == "__main__":
    main()
