"""No file is longer than a reader can hold."""

from tests.guards.tree import ROOT, tracked

LIMITS = {"*.py": 400, "*.js": 250, "*.mjs": 250, "*.css": 250, "*.html": 250}


def test_no_file_is_over_its_limit() -> None:
    over = [
        f"{path.relative_to(ROOT)}: {lines} lines, at most {limit}"
        for pattern, limit in LIMITS.items()
        for path in tracked(pattern)
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > limit
    ]
    assert over == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [str(path.relative_to(ROOT)) for path in tracked("*.py") if path.stem in vague] == []
