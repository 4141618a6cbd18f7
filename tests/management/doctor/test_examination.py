"""Everything is looked at, whatever hangs, and told to people and to machines."""

import time
from collections.abc import Sequence
from threading import Event

from rlmlab.management.doctor.examination import as_json, as_text, examine, preventing
from rlmlab.management.doctor.findings import Area, Finding


def test_an_area_that_hangs_is_a_finding_and_the_others_are_told() -> None:
    thawed = Event()

    def hang() -> Sequence[Finding]:
        thawed.wait(20)
        return []

    started = time.monotonic()
    report = examine([Area("Ice", hang), Area("Fire", lambda: [Finding("fire", "ok", "burns")])], seconds=0.2)
    assert time.monotonic() - started < 2
    thawed.set()
    assert list(report) == ["Ice", "Fire"]
    assert (report["Ice"][0].name, report["Ice"][0].state) == ("no answer", "missing")
    assert report["Fire"] == [Finding("fire", "ok", "burns")]
    assert preventing(report) == ["no answer"]


def test_signs_are_letters_too_and_gaps_say_how_to_get_what_is_missing() -> None:
    report = {
        "Things": [
            Finding("a", "ok", "here"),
            Finding("long name", "warn", "weak", "Do this."),
            Finding("b", "missing", "away", "Do that.", needed=True),
            Finding("c", "none", "not part of this version"),
        ]
    }
    assert as_text(report, lambda _state, sign: sign).splitlines() == [
        "Things",
        "  ✓ ok       a          here",
        "  ! warn     long name  weak",
        "                        → Do this.",
        "  ✗ missing  b          away",
        "                        → Do that.",
        "  · none     c          not part of this version",
        "",
        "Runs cannot be executed: b.",
    ]
    assert as_json(report)["can_run"] is False
    assert as_json(report)["areas"]["Things"][1] == {
        "name": "long name", "state": "warn", "detail": "weak", "remedy": "Do this.", "needed": False,
    }  # fmt: skip


def test_what_is_not_needed_prevents_nothing() -> None:
    report = {"Things": [Finding("a", "missing", "away"), Finding("b", "warn", "weak", needed=True)]}
    assert preventing(report) == []
