"""Whatever the engine can say, the run page shows: each event type, kind of span, status, channel and end."""

import json
import re
import subprocess
from typing import Any, Final, get_args

import pytest

from rlmlab.engine import calls, events
from tests.console.test_script import node
from tests.guards.tree import ROOT

ELEMENTS: Final = sorted((ROOT / "static" / "js" / "elements").glob("*.js"))
LIBRARY: Final = ROOT / "static" / "js" / "lib"

# an event of each type, with something to show
SHOWN: Final[tuple[events.Payload, ...]] = (
    events.SpanStarted(kind="run", name="run", path="1", data={"task": "Count."}),
    events.SpanFinished(kind="run", status="ok", seconds=1.0, usage=events.Usage(input_tokens=3, output_tokens=1)),
    events.Message(role="assistant", content="I look first."),
    events.Code(cell=1, code="print(1)"),
    events.Output(channel="stdout", text="1"),
    events.Answer(content="42", dialect="answer"),
    events.BudgetState(spent={"max_tokens": 4}, limits={"max_tokens": 10}),
    events.Memory(action="recalled", data={"query": "x"}),
    events.Log(level="warning", message="The call was made again."),
)


def wire(payload: events.Payload) -> tuple[str, dict[str, Any]]:
    found = payload.model_dump(mode="json")
    return found.pop("type"), found


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    """What the page's store makes of each event, asked of the store itself."""
    program = node()
    assert program is not None, "Node.js is needed: run make, which installs it where the system has none"
    given = json.dumps(dict(wire(payload) for payload in SHOWN))
    command = [program, str(ROOT / "tests" / "guards" / "shown_fields.mjs")]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def words_of(table: str, file: str) -> set[str]:
    """Read the keys of a table in a module of the page."""
    source = (LIBRARY / file).read_text()
    found = re.search(rf"const {table} = {{\n(.*?)\n}};", source, re.DOTALL)
    assert found is not None, f"{file} has no table {table}"
    return set(re.findall(r'^  "?([\w-]+)"?:', found[1], re.MULTILINE))


def test_the_guard_has_an_event_of_each_type() -> None:
    assert {wire(payload)[0] for payload in SHOWN} == set(get_args(events.EventType))
    assert len(SHOWN) == len(get_args(get_args(events.AnyPayload)[0]))


def test_the_page_takes_every_event_type_and_no_other(stored: dict[str, Any]) -> None:
    assert set(stored["types"]) == set(get_args(events.EventType))


@pytest.mark.parametrize("kind", get_args(events.EventType))
def test_what_an_event_changes_is_shown(stored: dict[str, Any], kind: str) -> None:
    shown = "\n".join(path.read_text() for path in ELEMENTS)
    fields = stored["fields"][kind]
    assert fields != []
    assert [name for name in fields if re.search(rf"\.{name}\b|\{{[^}}\n]*\b{name}\b[^}}\n]*\}} = ", shown)] != []


def test_every_purpose_of_a_model_call_has_words() -> None:
    source = (ROOT / "static" / "js" / "elements" / "rlm-details.js").read_text()
    found = re.search(r"const PURPOSES = {(.*?)};", source, re.DOTALL)
    assert found is not None
    assert set(re.findall(r"(\w+):", found[1])) == set(get_args(calls.Purpose))


def test_every_kind_of_span_has_a_word_and_a_picture() -> None:
    assert words_of("KINDS", "span-names.js") == set(get_args(events.SpanKind))
    assert words_of("ICONS", "span-names.js") == set(get_args(events.SpanKind))


def test_every_status_has_a_look() -> None:
    wanted = {*get_args(events.SpanStatus), *get_args(events.RunStatus)}
    assert words_of("STATUSES", "status.js") == wanted


def test_every_end_of_a_run_has_words() -> None:
    assert words_of("FINISH_REASONS", "status.js") == set(get_args(events.FinishReason))


def test_every_channel_of_output_has_a_name() -> None:
    source = (ROOT / "static" / "js" / "elements" / "cell-parts.js").read_text()
    found = re.search(r"const CHANNELS = {(.*?)};", source)
    assert found is not None
    channels = get_args(events.Output.model_fields["channel"].annotation)
    assert set(re.findall(r"(\w+):", found[1])) == set(channels)
