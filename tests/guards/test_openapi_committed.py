"""docs/openapi.json is the API's contract as it is served, so that a change of it shows in a review."""

import json
import os
import subprocess
import sys

import pytest
from django.test import Client

from tests.guards.tree import ROOT

COMMITTED = ROOT / "docs" / "openapi.json"


def test_the_committed_document_is_the_one_that_the_script_prints() -> None:
    command = [sys.executable, "scripts/openapi.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment).stdout
    assert printed == COMMITTED.read_text(), "run: .venv/bin/python scripts/openapi.py > docs/openapi.json"


def test_the_committed_document_is_the_one_that_is_served(client: Client) -> None:
    served = client.get("/api/openapi.json")
    assert served.status_code == 200
    assert served.json() == json.loads(COMMITTED.read_text())


@pytest.mark.parametrize("part", ["summary", "description", "operationId", "tags"])
def test_every_operation_says_what_it_is(part: str) -> None:
    paths = json.loads(COMMITTED.read_text())["paths"]
    assert [path for path, methods in paths.items() for found in methods.values() if not found.get(part)] == []
