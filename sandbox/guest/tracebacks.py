"""Errors of a cell as the model sees them: frames of cells only, 1-based lines of the cell, no path of the host."""

import types
from collections.abc import Mapping
from typing import Any

MAX_MESSAGE = 4000
MAX_FRAMES = 20


def describe(error: BaseException, filename: str, sources: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the fields of `CellError` for an error raised while the cell `filename` ran."""
    name = type(error).__name__
    message = _message(error)
    if isinstance(error, SyntaxError) and error.filename == filename:
        line = error.lineno
        frames = [_frame(filename, line or 1, None, sources)]
        message = error.msg
    else:
        found = list(_cell_frames(error.__traceback__))
        line = next((number for file, number, _ in reversed(found) if file == filename), None)
        if len(found) > MAX_FRAMES:
            half = MAX_FRAMES // 2
            frames = [_frame(*entry, sources) for entry in found[:half]]
            frames.append(f"  … {len(found) - 2 * half} more frames …\n")
            frames += [_frame(*entry, sources) for entry in found[-half:]]
        else:
            frames = [_frame(*entry, sources) for entry in found]
    last = f"{name}: {message}" if message else name
    text = "Traceback (most recent call last):\n" + "".join(frames) + last + "\n"
    return {"type": name, "message": message, "line": line, "traceback": text}


def _cell_frames(traceback: types.TracebackType | None) -> Any:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename.startswith("<cell-"):
            yield code.co_filename, traceback.tb_lineno, code.co_name
        traceback = traceback.tb_next


def _frame(filename: str, line: int, function: str | None, sources: Mapping[str, list[str]]) -> str:
    lines = sources.get(filename, [])
    place = "" if function in {None, "<module>"} else f", in {function}"
    head = f'  File "{filename}", line {line}{place}\n'
    return head + f"    {lines[line - 1].strip()[:200]}\n" if 0 < line <= len(lines) else head


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as failure:  # noqa: BLE001 - the cell's own __str__ may raise anything
        text = f"<its message cannot be shown: {type(failure).__name__}>"
    if len(text) > MAX_MESSAGE:
        text = f"{text[:MAX_MESSAGE]}… ({len(text)} characters)"
    return text
