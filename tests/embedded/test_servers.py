"""The embedded servers start, keep their data and stop."""

import psycopg
import redis

from rlmlab.embedded import postgres, valkey
from rlmlab.embedded.places import Places


def test_postgres_gives_the_application_a_role_that_row_level_security_binds(servers: Places) -> None:
    settings = postgres.connection_settings(servers, postgres.APPLICATION)
    with psycopg.connect(**settings) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False)


def test_valkey_keeps_an_append_only_file_and_never_evicts(servers: Places) -> None:
    client = redis.Redis.from_url(f"unix://{servers.valkey_socket}")
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()
    assert valkey.is_ready(servers)
