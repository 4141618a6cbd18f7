"""The run page, which is the largest, stays light: its scripts and styles as a browser fetches them, compressed."""

import gzip
import re
from pathlib import Path
from typing import Final

from tests.guards.tree import ROOT

STATIC: Final = ROOT / "static"
TEMPLATES: Final = (ROOT / "templates/document.html", ROOT / "templates/console/run.html")
MOST_BYTES: Final = 200_000
ASSET: Final = re.compile(r"""static '([^']+\.(?:js|css))'""")
IMPORT: Final = re.compile(r"""(?:from|import)\s*"(\.[^"]+)\"""")


def fetched() -> set[Path]:
    """Return what the page's templates name, and what its modules import in turn."""
    waiting = [STATIC / name for page in TEMPLATES for name in ASSET.findall(page.read_text())]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop().resolve()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".js":
            waiting += [path.parent / name for name in IMPORT.findall(path.read_text())]
    return found


def test_the_run_page_stays_under_its_weight() -> None:
    files = fetched()
    names = {path.name for path in files}
    assert {"tokens.css", "run.js", "rlm-timeline.js", "run-spend.js", "lit.js"} <= names
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < MOST_BYTES
