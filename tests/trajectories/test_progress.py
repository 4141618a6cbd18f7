"""What people who wait are told of a run."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trajectories.progress import line
from trajectories.wire import StoredEvent

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(type_: str, depth: int = 0, **payload: Any) -> StoredEvent:
    return StoredEvent(1, AT, "s", "r", depth, type_, json.dumps(payload))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (event("span_started", kind="step", name="step 2", data={"number": 2}), "Step 2\n"),
        (event("span_started", 1, kind="step", name="step 1", data={"number": 1}), "  Step 1\n"),
        (event("span_started", kind="tool_call", name="grep", data={}), "  grep\n"),
        (
            event("span_started", kind="sub_call", name="m", data={"function": "llm_query", "prompt": "\n Is  it?\nx"}),
            "  llm_query: Is it?\n",
        ),
        (
            event(
                "span_started",
                kind="sub_call",
                name="m",
                data={"function": "llm_query_batched", "prompt": "a" * 200, "index": 0, "batch_size": 7},
            ),
            f"  llm_query_batched (7 at once): {'a' * 99}…\n",
        ),
        (event("span_started", kind="sub_call", name="m", data={"function": "x", "prompt": "a", "index": 3}), ""),
        (event("span_started", kind="model_call", name="m"), ""),
        (event("log", level="warning", message="The model failed."), "  The model failed.\n"),
        (event("log", level="info", message="Nothing."), ""),
        (event("code", cell=1, code="1"), ""),
    ],
)
def test_a_line_for_what_matters(told: StoredEvent, text: str) -> None:
    assert line(told) == text
