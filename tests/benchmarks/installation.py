"""An installation for benchmarks that need one: the embedded servers with an empty database, worker, web process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.environment import DATA_DIR  # before Django reads its settings

import django  # isort: skip

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.places import Places, places
from rlmlab.embedded.supervisor import Supervisor


@contextmanager
def servers() -> Iterator[Places]:
    """Run PostgreSQL and Valkey in a data directory of their own, migrated; Django is set up."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rlmlab.settings")
    where = places(DATA_DIR)
    supervisor = Supervisor(lambda *_: None)
    try:
        supervisor.start(postgres.prepare(where), lambda: postgres.is_ready(where))
        postgres.provision(where)
        supervisor.start(valkey.prepare(where), lambda: valkey.is_ready(where))
        django.setup()
        from django.core.management import call_command

        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
        yield where
    finally:
        with suppress(KeyboardInterrupt):
            supervisor.stop()
