"""Writes an earlier run down as a worked example, to be frozen and shown to later runs of the same kind.

What taught models most were corrections of failed runs (they moved 22 of 40 held-out answers to 40 of 40, replayed
successes moved none), so that a corrected run shows first what was wrong and why.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlmlab.engine.prompts.fences import TILDES, neutral, unfenced

MOST_CHARS = 2_500
TASK_CHARS = 500
INPUT_CHARS = 200
ANSWER_CHARS = 300
COMMENT_CHARS = 400
LEAST_STEP_CHARS = 240  # a step that is shown at all gets this much
STEP_WORDS = 60  # of our own around each step
REPLY_SHARE = 2 / 3
HEAD_SHARE = 2 / 3
BUDGET_LINES = re.compile(r"^\[Budget left: .*\n?", re.MULTILINE)

Step = tuple[str, str]
"""One turn: the model's reply, and the observation that it was shown."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a reviewer said of a wrong answer; `steps` are steps that lead to the right one, where there are any."""

    answer: Any
    comment: str = ""
    steps: Sequence[Step] = ()


def render_example(
    task: str, described: str, steps: Sequence[Step], answer: Any, correction: Correction | None = None
) -> str:
    """Return the text of an example, at most `MOST_CHARS` long, with nothing in it that could pass for a turn.

    `described` is what the run's model was told of its input (`texts.describe`). With a correction, `answer` is the one
    that was wrong, and `steps` are left out: they led there.
    """
    head = [f"Task: {_short(task, TASK_CHARS)}", f"Input: {_short(described, INPUT_CHARS)}"]
    if correction is None:
        return _joined(head, steps, [f"Answer: {_short(_text(answer), ANSWER_CHARS)}"])
    head.append(f"Answer that was wrong: {_short(_text(answer), ANSWER_CHARS)}")
    if correction.comment.strip():
        head.append(f"What a reviewer said: {_short(correction.comment, COMMENT_CHARS)}")
    return _joined(head, correction.steps, [f"Right answer: {_short(_text(correction.answer), ANSWER_CHARS)}"])


def clip(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters: head and tail, with the number of those left out between them."""
    if len(text) <= limit:
        return text
    mark = f" […{len(text):,} characters, not all shown…] "
    room = limit - len(mark)
    if room <= 0:
        return text[:limit]
    head = round(room * HEAD_SHARE)
    return f"{text[:head]}{mark}{text[len(text) - (room - head) :]}"


def _short(text: str, limit: int) -> str:
    """Make a foreign text of one field harmless and short."""
    return clip(unfenced(neutral(text.strip())), limit)


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, default=str)


def _joined(head: list[str], steps: Sequence[Step], tail: list[str]) -> str:
    """Put the steps, as many of them as fit, between what always stands."""
    used = sum(len(part) + 2 for part in (*head, *tail))
    return "\n\n".join([*head, *_steps(steps, MOST_CHARS - used), *tail])


def _steps(steps: Sequence[Step], room: int) -> list[str]:
    """Write steps into `room` characters: the first and the last ones, each with its share."""
    if not steps:
        return []
    most = (room - STEP_WORDS) // (LEAST_STEP_CHARS + STEP_WORDS)  # two at least, by the limits of the other fields
    numbered = list(enumerate(steps, start=1))
    if len(numbered) > most:
        numbered = [*numbered[:1], *numbered[len(numbered) - most + 1 :]]
    share = (room - STEP_WORDS) // len(numbered) - STEP_WORDS
    written = [_step(number, step, share) for number, step in numbered]
    missing = len(steps) - len(numbered)
    return [written[0], f"({missing} steps are not shown.)", *written[1:]] if missing else written


def _step(number: int, step: Step, share: int) -> str:
    """Write one step: its reply keeps its code fences, which show the form; what it saw keeps none."""
    observed = unfenced(neutral(BUDGET_LINES.sub("", step[1]).strip()))
    reply = TILDES.sub("```", neutral(step[0].strip()))
    observed = clip(observed, max(share - len(reply), round(share * (1 - REPLY_SHARE)))) or "(nothing)"
    return f"Step {number}, the reply:\n{clip(reply, share - len(observed))}\nWhat it printed:\n{observed}"
