"""docs/operations.md lists every setting as it is."""

import subprocess
import sys

from tests.guards.tree import ROOT


def test_the_table_of_settings_is_the_one_that_the_code_prints() -> None:
    command = [sys.executable, "-m", "scripts.settings_table"]
    table = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert table.count("\n") > 20
    assert table in (ROOT / "docs" / "operations.md").read_text()
