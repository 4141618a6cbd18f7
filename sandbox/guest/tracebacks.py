"""Errors of a cell as the model sees them: frames of cells only, 1-based lines of the cell, no path of the host."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_MESSAGE = 4000
MAX_FRAMES = 20


@dataclass(frozen=True, slots=True)
class _Frame:
    filename: str
    line: int
    function: str = "<module>"

    def render(self, sources: Mapping[str, list[str]]) -> str:
        lines = sources.get(self.filename, [])
        place = "" if self.function == "<module>" else f", in {self.function}"
        head = f'  File "{self.filename}", line {self.line}{place}\n'
        return head + f"    {lines[self.line - 1].strip()[:200]}\n" if 0 < self.line <= len(lines) else head


def describe(error: BaseException, filename: str, sources: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the fields of `CellError` for an error raised while the cell `filename` ran."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == filename:
        message = error.msg
        frames = [_Frame(filename, error.lineno or 1)]
    else:
        message = _message(error)
        frames = list(_cell_frames(error.__traceback__))
    line = next((frame.line for frame in reversed(frames) if frame.filename == filename), None)
    last = f"{name}: {message}" if message else name
    text = f"Traceback (most recent call last):\n{_render(frames, sources)}{last}\n"
    return {"type": name, "message": message, "line": line, "traceback": text}


def _cell_frames(traceback: types.TracebackType | None) -> Iterator[_Frame]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename.startswith("<cell-"):
            yield _Frame(code.co_filename, traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next


def _render(frames: list[_Frame], sources: Mapping[str, list[str]]) -> str:
    if len(frames) <= MAX_FRAMES:
        return "".join(frame.render(sources) for frame in frames)
    half = MAX_FRAMES // 2
    hidden = f"  … {len(frames) - 2 * half} more frames …\n"
    return _render(frames[:half], sources) + hidden + _render(frames[-half:], sources)


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as failure:  # noqa: BLE001 - the cell's own __str__ may raise anything
        text = f"<its message cannot be shown: {type(failure).__name__}>"
    if len(text) > MAX_MESSAGE:
        text = f"{text[:MAX_MESSAGE]}… ({len(text)} characters)"
    return text
