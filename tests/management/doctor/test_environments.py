"""What is told about where code runs."""

from typing import Any

import pytest
from django.conf import settings

from rlmlab.management.doctor import environments
from sandbox import registry
from sandbox.errors import EnvironmentUnavailable


def configure(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    monkeypatch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update=values))


class Missing:
    level = "unknown"

    async def start(self) -> None:
        raise EnvironmentUnavailable("the kernel refuses the seccomp filter")

    async def close(self) -> None:
        """Have nothing to close."""


class Weak(Missing):
    async def start(self) -> None:
        self.level = "no_landlock"


def test_the_restricted_environment_is_started_and_others_are_honest() -> None:
    found = environments.look()
    assert [each.name for each in found] == ["restricted", "native", "docker", "monty", "wasm"]
    assert found[0].detail.startswith("level ")
    assert found[0].detail.endswith(" ms")
    assert found[0].needed
    absent = [each for each in found if each.name not in registry.FACTORIES]
    assert {(each.state, each.detail) for each in absent} <= {("none", "not part of this version")}


@pytest.mark.parametrize(
    ("default", "name", "prevents"),
    [("auto", "restricted", True), ("restricted", "restricted", True), ("docker", "restricted", False)],
)
def test_an_environment_that_cannot_start_prevents_runs_where_it_is_the_default(
    monkeypatch: pytest.MonkeyPatch, default: str, name: str, prevents: bool
) -> None:
    configure(monkeypatch, default_environment=default)
    monkeypatch.setattr(environments, "FACTORIES", {name: Missing})
    found = environments.environment(name)
    assert found.detail == "the kernel refuses the seccomp filter"
    assert found.prevents_runs == prevents


def test_a_default_that_this_version_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, default_environment="wasm")
    monkeypatch.setattr(environments, "FACTORIES", {})
    found = environments.environment("wasm")
    assert found.prevents_runs
    assert found.remedy == "Set RLMLAB_DEFAULT_ENVIRONMENT to auto."


@pytest.mark.parametrize(("demanded", "state"), [("any", "warn"), ("full", "missing")])
def test_a_missing_wall_is_a_warning_unless_all_are_demanded(
    monkeypatch: pytest.MonkeyPatch, demanded: str, state: str
) -> None:
    configure(monkeypatch, sandbox_level=demanded)
    monkeypatch.setattr(environments, "FACTORIES", {"restricted": Weak})
    found = environments.environment("restricted")
    assert (found.state, "level no_landlock" in found.detail) == (state, True)
