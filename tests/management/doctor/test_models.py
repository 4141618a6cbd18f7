"""What is told about models."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from rlmlab.management.doctor import models
from rlmlab.management.doctor.findings import Finding

SECRET = "sk-very-secret-value"


def configure(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    monkeypatch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update=values))


def test_the_default_model_is_the_local_one_and_is_there() -> None:
    assert models.default_model() == Finding("default model", "ok", "local/gemma-3-270m", needed=True)
    assert models.local_packages().state == "ok"


@pytest.mark.parametrize(
    ("name", "problem"),
    [("nonsense", "Unknown model 'nonsense'"), ("anthropic/claude-x", "No credentials for anthropic")],
)
def test_a_default_model_that_cannot_be_called_prevents_runs(
    monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    configure(monkeypatch, default_model=name)
    found = models.default_model()
    assert found.prevents_runs
    assert found.detail.startswith(problem)


def test_packages_of_the_local_model_that_lack_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LOCAL_PACKAGES", {"no_such_package": "its server"})
    assert models.default_model().prevents_runs
    assert models.local_packages().detail == "not installed: no_such_package (its server)"
    configure(monkeypatch, local_model_url="http://127.0.0.1:1/v1")
    assert not models.default_model().prevents_runs
    assert models.local_packages().detail == "local/… is answered by RLMLAB_LOCAL_MODEL_URL"


def test_weights_are_measured_where_they_are_assembled(tmp_path: Path) -> None:
    assert models.weights(tmp_path).state == "none"
    assert models.weights(tmp_path / "nothing").detail.startswith("not assembled yet")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "some.gguf").write_bytes(bytes(3 << 20))
    assert models.weights(tmp_path) == Finding("local weights", "ok", f"3 MB in {tmp_path / 'models'}")


def test_providers_are_named_by_the_variables_that_are_set() -> None:
    assert models.providers({}).state == "none"
    found = models.providers({"AZURE_API_BASE": "https://x", "AZURE_API_KEY": SECRET, "GEMINI_API_KEY": ""})
    assert found.detail == "azure (AZURE_API_BASE + AZURE_API_KEY)"
