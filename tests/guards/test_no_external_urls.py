"""Pages load nothing from elsewhere: no address in templates, styles or scripts but namespaces and links in text."""

import re

from tests.guards.tree import ROOT, tracked

LOADS = re.compile(r"""(?:src|href|action|url\(|import|from|fetch\()\s*=?\s*["'(]?\s*(?:https?:)?//""", re.IGNORECASE)


def test_no_template_style_or_script_loads_from_another_host() -> None:
    offending = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked("templates", "static", "rlmlab/*.html", "trajectories/*.html")
        if path.suffix in {".html", ".css", ".js", ".mjs", ".svg"}
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if LOADS.search(line)
    ]
    assert offending == []


def test_no_template_has_inline_style_or_script() -> None:
    inline = re.compile(r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style|<script(?![^>]*\ssrc=)""")
    offending = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked("templates")
        if path.suffix == ".html"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if inline.search(line) and 'type="application/json"' not in line
    ]
    assert offending == []
