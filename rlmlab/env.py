"""Settings from the process environment, read once and validated; an error names the variable.

`RLMLAB_<NAME>` sets the field `<name>`; `DATABASE_URL` and `REDIS_URL` keep the names that everybody uses.
"""

import base64
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class BadEnvironment(Exception):
    """One line for each variable that is wrong, and what would be right."""


def default_data_dir() -> Path:
    """Return where data lives when nobody says: root's under /var/lib, anybody else's under their home."""
    if os.geteuid() == 0:
        return Path("/var/lib/rlmlab")
    return Path.home() / ".local" / "share" / "rlmlab"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _split(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


FERNET_BYTES = 32
SECRET = frozenset({"secret_key", "encryption_keys", "broker_url"})


def _fernet_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    for number, key in enumerate(keys, start=1):
        try:
            length = len(base64.urlsafe_b64decode(key))
        except ValueError:
            length = 0
        if length != FERNET_BYTES:
            raise ValueError(f"key {number} is not a Fernet key: 32 bytes in URL-safe base64")
    return keys


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
FernetKeys = Annotated[Names, AfterValidator(_fernet_keys)]


def _set(default: Any, meaning: str, **rules: Any) -> Any:
    return Field(default=default, description=meaning, **rules)


class Environment(BaseSettings):
    """Every setting of an installation; docs/operations.md lists them from here."""

    model_config = SettingsConfigDict(
        env_prefix="RLMLAB_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    # where it listens and keeps its data
    host: str = _set("127.0.0.1", "address the console listens on")
    port: int = _set(8000, "its port", ge=1, le=65535)
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=default_data_dir, description="data, sockets, logs, secrets"
    )
    database_url: str | None = _set(None, "PostgreSQL as the application's role", validation_alias="DATABASE_URL")
    owner_database_url: str | None = _set(None, "the same database as the role that owns the tables")
    redis_url: str | None = _set(
        None, "Valkey or Redis: broker and live channel", validation_alias="REDIS_URL", pattern="^rediss?://"
    )
    broker_url: str | None = _set(
        None,
        "RabbitMQ (`amqp://…`, `amqps://…`), or another Valkey or Redis, as the broker; else the one of REDIS_URL",
        pattern="^(amqps?|rediss?)://",
        repr=False,
    )

    # the web process
    debug: bool = _set(False, "Django's debug pages; never where others can reach it")
    secret_key: str | None = _set(
        None, "key that signs sessions; made and kept in the data directory when not set", repr=False
    )
    encryption_keys: FernetKeys = _set(
        (),
        "Fernet keys for stored provider keys, separated by commas: the first encrypts, all decrypt; "
        "made and kept in the data directory when not set",
        repr=False,
    )
    allowed_hosts: Names = _set((), "host names under which the console is reached, separated by commas")
    trusted_origins: Names = _set((), "origins allowed to post forms, with scheme, behind a proxy")
    https: bool = _set(False, "cookies and redirects for HTTPS behind a proxy that terminates it")
    max_request_bytes: int = _set(512 << 20, "largest request body", ge=1024)
    api_requests_per_second: int = _set(
        200, "API requests a second that a key, or a person's session, may make for long", ge=100, le=100_000
    )
    api_burst_seconds: float = _set(
        2.0, "how many seconds' worth of them may come at once after a pause", ge=1, le=3600
    )
    api_open_streams: int = _set(
        1000,
        "event streams, WebSockets and completions that a key, or a person in an organization, may have open at once "
        "at one web process",
        ge=1,
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _set("INFO", "how much the processes log")

    compaction_share: float = _set(
        0.6, "share of a model's window at which a level's conversation is summarised", gt=0, le=1
    )
    compaction_tokens: int = _set(
        100_000, "tokens at which it is summarised at the latest, however large the window", ge=2000
    )

    # models
    default_model: str | None = _set(None, "model of runs and projects that name none; else the local model")
    local_model: str = _set("local/gemma-3-270m", "name of the local model")
    local_model_url: str | None = _set(
        None, "an OpenAI-compatible server for local/… models, instead of the embedded one"
    )
    local_model_idle_seconds: float = _set(300.0, "idle seconds after which the embedded model server stops", gt=0)
    local_model_threads: int = _set(1, "threads of the embedded model server", ge=1)
    model_prices: Path | None = _set(None, "JSON file of prices that override LiteLLM's")
    allow_private_base_urls: bool = _set(
        False, "organizations' own base URLs may lead to this machine and into private networks"
    )

    # runs
    default_environment: Literal["auto", "restricted", "native", "docker", "monty", "wasm"] = _set(
        "auto", "where code of runs and projects that name no environment runs"
    )
    sandbox_level: Literal["any", "full"] = _set("any", "`full` refuses to run where a part of the jail is missing")
    sandbox_profile: Literal["quick", "default", "analysis", "extended"] = _set("default", "limits of a cell")
    worker_runs: int = _set(64, "runs that one worker works on at once", ge=1, le=1024)
    lease_seconds: float = _set(15.0, "how long a worker owns a run without a sign of life", gt=0)
    heartbeat_seconds: float = _set(5.0, "seconds between its signs of life", gt=0)
    sweep_seconds: float = _set(5.0, "seconds between looks for runs whose worker is gone", gt=0)


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return name if name.isupper() else f"RLMLAB_{name.upper()}"


def _given(problem: Any) -> str:
    """Quote what was given, but for secrets."""
    return "" if problem["loc"][0] in SECRET else f" (got {problem['input']!r})"


def read_environment() -> Environment:
    """Read and validate the settings.

    Raises:
        BadEnvironment: naming each wrong variable.
    """
    try:
        return Environment()
    except ValidationError as error:
        lines = [f"{_variable(item['loc'])}: {item['msg']}{_given(item)}" for item in error.errors()]
        raise BadEnvironment("\n".join(lines)) from None
