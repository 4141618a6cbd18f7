"""Bring database and static files up to date; what `up` runs before the web and the worker start."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from rlmlab.tenancy.queries import any_organization
from trajectories import readiness


class Command(BaseCommand):
    """One process for migrate, collectstatic and bootstrap, since each start of Python costs a second."""

    help = "Migrate the database, collect static files; on the first start, bootstrap. Prints JSON."

    def handle(self, **_options: object) -> None:
        """Run what is needed; only one JSON object goes to stdout, an empty one when nothing was bootstrapped."""
        if (found := readiness.broker()) != readiness.OK:
            raise CommandError(f"The broker {found}. Start it, or set REDIS_URL or RLMLAB_BROKER_URL to another.")
        self.check(tags=[Tags.database], databases=["default"])  # a role that row-level security does not bind
        call_command("migrate", interactive=False, verbosity=0)
        collect_if_changed()
        if any_organization():
            self.stdout.write("{}")
        else:
            call_command("bootstrap", json=True, stdout=self.stdout)


def collect_if_changed() -> None:
    """Collect, hash and compress the static files, unless they are those of the last time: that takes seconds."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    fingerprint = static_fingerprint()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(fingerprint)


def static_fingerprint() -> str:
    """Return a hash over name, size and time of every static file."""
    mark = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            status = Path(storage.path(name)).stat()
            mark.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return mark.hexdigest()
