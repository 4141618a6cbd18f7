"""The data of the contract tests is what it is taken for."""

import json
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXPECTATIONS = {"denied", "contained_error", "killed_time", "killed_memory", "truncated", "ok"}


@pytest.mark.parametrize(("name", "at_least"), [("redteam.json", 130), ("idioms.json", 70)])
def test_identifiers_are_unique(name: str, at_least: int) -> None:
    entries = json.loads((HERE / name).read_text("utf-8"))
    assert [each for each, count in Counter(entry["id"] for entry in entries).items() if count > 1] == []
    assert len(entries) >= at_least


def test_expectations_are_known_outcomes() -> None:
    entries = json.loads((HERE / "redteam.json").read_text("utf-8"))
    expected = {entry["expect"] for entry in entries}
    by_environment = {each for entry in entries for each in entry.get("expect_by_environment", {}).values()}
    assert expected | by_environment <= EXPECTATIONS
