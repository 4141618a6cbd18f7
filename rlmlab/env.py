"""Settings from the process environment, read once and validated; an error names the variable.

`RLMLAB_<NAME>` sets the field `<name>`; `DATABASE_URL` and `REDIS_URL` keep the names that everybody uses.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

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


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Environment(BaseSettings):
    """Every setting of an installation; docs/operations.md lists them from here."""

    model_config = SettingsConfigDict(env_prefix="RLMLAB_", frozen=True, extra="ignore", populate_by_name=True)

    # where it listens and keeps its data
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(default_factory=default_data_dir)
    database_url: Annotated[str | None, Field(validation_alias="DATABASE_URL")] = None
    owner_database_url: str | None = None
    redis_url: Annotated[str | None, Field(validation_alias="REDIS_URL")] = None

    # the web process
    debug: bool = False
    secret_key: str | None = None
    allowed_hosts: Names = ()
    trusted_origins: Names = ()
    https: bool = False
    max_request_bytes: Annotated[int, Field(ge=1024)] = 512 << 20
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # models
    default_model: str | None = None
    local_model: str = "local/gemma-3-270m"
    local_model_url: str | None = None
    local_model_idle_seconds: Annotated[float, Field(gt=0)] = 300.0
    local_model_threads: Annotated[int, Field(ge=1)] = 1
    model_prices: Path | None = None

    # runs
    default_environment: Literal["auto", "restricted", "native", "docker", "monty", "wasm"] = "auto"
    sandbox_level: Literal["any", "full"] = "any"
    sandbox_profile: Literal["quick", "default", "analysis", "extended"] = "default"
    worker_runs: Annotated[int, Field(ge=1, le=1024)] = 64
    lease_seconds: Annotated[float, Field(gt=0)] = 15.0
    heartbeat_seconds: Annotated[float, Field(gt=0)] = 5.0
    sweep_seconds: Annotated[float, Field(gt=0)] = 5.0


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return name if name.isupper() else f"RLMLAB_{name.upper()}"


def read_environment() -> Environment:
    """Read and validate the settings.

    Raises:
        BadEnvironment: naming each wrong variable.
    """
    try:
        return Environment()
    except ValidationError as error:
        lines = [f"{_variable(item['loc'])}: {item['msg']} (got {item['input']!r})" for item in error.errors()]
        raise BadEnvironment("\n".join(lines)) from None
