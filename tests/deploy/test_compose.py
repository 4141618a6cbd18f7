"""deploy/compose.yaml: its services, what each may do and know, and that nobody can start it with a known password."""

from typing import Any, Final

import pytest
from psycopg.conninfo import conninfo_to_dict

from rlmlab.env import Environment
from tests.deploy.composition import (
    APPLICATION,
    DEPLOY,
    LASTING,
    VARIABLE,
    command_of,
    document,
    environment_of,
    example,
    services,
    text,
)
from tests.guards.tree import ROOT

SECRETS: Final = {
    "POSTGRES_PASSWORD": "p" * 20,
    "RLMLAB_OWNER_PASSWORD": "o" * 20,
    "RLMLAB_APP_PASSWORD": "a" * 20,
    "REDIS_PASSWORD": "r" * 20,
    "RLMLAB_SECRET_KEY": "s" * 20,
    "RLMLAB_ENCRYPTION_KEYS": "e" * 43 + "=",
}
VARIABLES: Final = {**SECRETS, "RLMLAB_ALLOWED_HOSTS": "rlm.example.com"}
OF_COMPOSE_ONLY: Final = {
    "COMPOSE_PROJECT_NAME", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "RLMLAB_OWNER_PASSWORD", "RLMLAB_APP_PASSWORD",
}  # fmt: skip
OF_PROVIDERS: Final = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}


def settings() -> set[str]:
    """The names of all settings, as an operator writes them."""
    fields = Environment.model_fields.items()
    return {str(field.validation_alias or f"RLMLAB_{name.upper()}") for name, field in fields}


def named_in_example() -> set[str]:
    """The variables that the example names, those that are commented out too."""
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    words = (line.removeprefix("#").partition("=") for line in lines)
    return {name for name, equals, _ in words if equals and name.isidentifier() and name.isupper()}


def test_each_process_is_a_service_of_its_own() -> None:
    assert set(services()) == {"postgres", "redis", "migrate", "web", "worker", "beat"}
    assert command_of("web", VARIABLES)[2:7] == ["daphne", "-b", "0.0.0.0", "-p", "8000"]
    assert command_of("worker", VARIABLES)[:6] == ["celery", "-A", "rlmlab.celery", "worker", "-P", "threads"]
    assert command_of("beat", VARIABLES)[:4] == ["celery", "-A", "rlmlab.celery", "beat"]
    assert "manage.py migrate" in command_of("migrate", VARIABLES)[-1]


def test_one_process_alone_beats_and_no_embedded_server_is_started() -> None:
    words = [word for name in APPLICATION for word in command_of(name, VARIABLES)]
    assert words.count("beat") == 1
    assert {"-B", "--beat", "up", "prepare", "rlmlab.embedded"}.isdisjoint(words)
    assert all({"DATABASE_URL", "REDIS_URL"} <= set(environment_of(name, VARIABLES)) for name in APPLICATION)


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_service_has_a_health_check_and_comes_back(name: str) -> None:
    service = services()[name]
    check = service["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)
    assert service["restart"] == "unless-stopped"


def test_what_asks_for_health_asks_its_own_service() -> None:
    web, worker, beat = (command_of(name, VARIABLES) for name in ("web", "worker", "beat"))
    asked = {name: services()[name]["healthcheck"]["test"] for name in ("web", "worker", "beat")}
    program = ["CMD", "python", "deploy/healthcheck.py"]
    assert asked == {
        "web": [*program, "web", web[web.index("-p") + 1]],
        "worker": [*program, "worker"],
        "beat": [*program, "beat", beat[beat.index("--schedule") + 1]],
    }
    assert worker[worker.index("-n") + 1] == "worker@%h"
    assert beat[-2:] == ["--", "beat.sync_every=1"]  # else the file is written every three minutes only


def test_nothing_starts_before_the_schema_is_there() -> None:
    assert services()["migrate"]["restart"] == "no"
    assert services()["migrate"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    for name in ("web", "worker", "beat"):
        assert services()[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_compose_refuses_to_start_without_each_secret() -> None:
    operators: dict[str, set[str]] = {}
    for name, operator, _ in VARIABLE.findall(text()):
        operators.setdefault(name, set()).add(operator)
    assert {name for name, found in operators.items() if found == {":?"}} == set(VARIABLES)
    assert {name: found for name, found in operators.items() if name not in VARIABLES} == {
        "RLMLAB_LOG_LEVEL": {":-"},
        "RLMLAB_PORT": {":-"},
    }
    assert example() == {"COMPOSE_PROJECT_NAME": "rlmlab", **dict.fromkeys(VARIABLES, "")}


def test_the_example_names_settings_that_exist() -> None:
    assert named_in_example() - OF_COMPOSE_ONLY - OF_PROVIDERS - settings() == set()
    known = {name for service in APPLICATION for name in environment_of(service, VARIABLES)}
    assert known - OF_COMPOSE_ONLY - settings() == set()


def test_the_file_with_the_secrets_is_not_committed_and_not_in_the_image() -> None:
    assert "deploy/.env" in (ROOT / ".gitignore").read_text().splitlines()
    kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!deploy")]
    assert kept == ["!deploy/healthcheck.py"]


def test_only_migrations_know_the_owner_and_only_the_database_its_superuser() -> None:
    for name in ("web", "worker", "beat"):
        found = environment_of(name, VARIABLES)
        assert "RLMLAB_OWNER_DATABASE_URL" not in found
        assert conninfo_to_dict(found["DATABASE_URL"])["user"] == "rlmlab_app"
    for name in APPLICATION:
        found = environment_of(name, VARIABLES)
        assert services()[name]["env_file"] == [".env"]
        assert (found["POSTGRES_PASSWORD"], found["RLMLAB_OWNER_PASSWORD"]) == ("", "")
        assert SECRETS["POSTGRES_PASSWORD"] not in "".join(found.values())
    owner = conninfo_to_dict(environment_of("migrate", VARIABLES)["RLMLAB_OWNER_DATABASE_URL"])
    assert (owner["user"], owner["password"]) == ("rlmlab_owner", SECRETS["RLMLAB_OWNER_PASSWORD"])


@pytest.mark.parametrize("name", APPLICATION)
def test_a_container_of_ours_may_do_nothing_that_it_need_not(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true", "seccomp=./seccomp-worker.json"]
    assert service["init"] is True
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])
    assert service["image"] == f"rlmlab:{version()}"


def version() -> str:
    """The version in pyproject.toml."""
    line = next(line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version"))
    return line.split('"')[1]


def mounts(service: dict[str, Any]) -> list[str]:
    return [mount.split(":")[0] for mount in service.get("volumes", [])]


def test_data_lies_in_named_volumes_and_nothing_of_the_host_is_mounted_but_one_script() -> None:
    found = {name: mounts(service) for name, service in services().items() if "volumes" in service}
    assert found == {
        "postgres": ["postgres", "./postgres/10-roles.sh"],
        "redis": ["redis"],
        "worker": ["models"],
    }
    assert set(document()["volumes"]) == {"postgres", "redis", "models"}
    assert (DEPLOY / "postgres" / "10-roles.sh").stat().st_mode & 0o111 == 0o111
    for path in DEPLOY.rglob("*"):
        assert not path.is_file() or "docker.sock" not in path.read_text()
    assert all("privileged" not in service and "user" not in service for service in services().values())


def test_only_the_web_is_reached_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:${RLMLAB_PORT:-8000}:8000"]}
    assert document()["networks"] == {"servers": {"internal": True}, "outside": {}}
    outside = {name for name, service in services().items() if "outside" in service["networks"]}
    assert outside == {"web", "worker"}
