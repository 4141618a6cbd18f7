"""deploy/compose.yaml as compose reads it: the whole file, and commands and settings with their variables filled in."""

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.guards.tree import ROOT

DEPLOY: Final = ROOT / "deploy"
APPLICATION: Final = ("migrate", "web", "worker", "beat")
LASTING: Final = ("postgres", "redis", "web", "worker", "beat")
VARIABLE: Final = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


def text() -> str:
    """The file as it is written."""
    return (DEPLOY / "compose.yaml").read_text()


def document() -> dict[str, Any]:
    """The file, parsed, its variables as they stand."""
    return dict(yaml.safe_load(text()))


def services() -> dict[str, dict[str, Any]]:
    """The services by name."""
    return dict(document()["services"])


def filled(value: str, variables: Mapping[str, str]) -> str:
    """Fill in variables as compose does; a required one that is missing is a KeyError."""

    def fill(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        return variables.get(name) or (rest if operator == ":-" else variables[name])

    return VARIABLE.sub(fill, value)


def command_of(service: str, variables: Mapping[str, str]) -> list[str]:
    """The service's command, word by word."""
    return [filled(word, variables) for word in services()[service]["command"]]


def environment_of(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The service's own settings."""
    return {name: filled(str(value), variables) for name, value in services()[service]["environment"].items()}


def example() -> dict[str, str]:
    """What deploy/.env.example sets; lines that are commented out stand for what may be set and are left out."""
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
