"""Turns a run's input into blobs, and the blobs into the one descriptor that a sandbox receives."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from rlmlab.engine.media import marker
from rlmlab.engine.types import ContextInfo, ContextPartInfo
from rlmlab.errors import Invalid
from sandbox.base import ContextPart, ContextSource, context_in_memory
from trajectories import blobs, media
from trajectories.models import Blob, File, Run, RunInput
from trajectories.models.runs import ContextKind

CONTEXT_NAME: Final = "context"
_SLICE_CHARACTERS: Final = 1 << 20
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def attach(run: Run, *, context: Any, files: Sequence[UUID]) -> list[RunInput]:
    """Store a run's context and name its files, set the run's `context_kind` and `context_size`, return the inputs.

    A context alone stays a string or what JSON it is; files alone are a dict of name → text; both together are a dict
    with the key `context` beside the files. In the place of an image or a sound stands what it is.

    Raises:
        Invalid: a file is not the project's, two share a name, or an image or a sound is too large.
    """
    found = _files(run, files, taken=set() if context is None else {CONTEXT_NAME})
    kind = _kind(context, has_files=bool(found))
    inputs = [RunInput(organization_id=run.organization_id, run=run, name=file.name, blob=file.blob) for file in found]
    media.note_types(inputs)
    if context is not None:
        as_json = kind in {ContextKind.JSON, ContextKind.MIXED}
        pieces = json_pieces(context) if as_json else text_pieces(context)
        blob = blobs.put(organization_id=run.organization_id, pieces=pieces)
        name = CONTEXT_NAME if found else ""
        inputs.insert(0, RunInput(organization_id=run.organization_id, run=run, name=name, blob=blob))
    for position, entry in enumerate(inputs):
        entry.position = position
    run.context_kind = kind
    run.context_size = sum(entry.blob.size for entry in inputs)
    return inputs


def _files(run: Run, ids: Sequence[UUID], taken: set[str]) -> list[File]:
    rows = File.objects.for_org(run.organization_id).filter(project_id=run.project_id, id__in=ids)
    known = {file.id: file for file in rows.select_related("blob")}
    for at, file_id in enumerate(ids):
        if file_id not in known:
            raise Invalid.field(f"files.{at}", f"there is no file {file_id} in this project")
        name = known[file_id].name
        if name in taken:
            raise Invalid.field(f"files.{at}", f'the name "{name}" is there twice')
        taken.add(name)
    return [known[file_id] for file_id in ids]


def _kind(context: Any, *, has_files: bool) -> ContextKind:
    if context is None:
        return ContextKind.FILES if has_files else ContextKind.NONE
    if not isinstance(context, str):
        return ContextKind.MIXED if has_files else ContextKind.JSON
    if not has_files:
        return ContextKind.TEXT
    # a file's bytes are decoded otherwise than a string's lone surrogates are encoded
    return ContextKind.MIXED if _SURROGATE.search(context) else ContextKind.FILES


def text_pieces(text: str) -> Iterator[bytes]:
    """Encode a string as it is, lone surrogates included, without a second copy of it."""
    for start in range(0, len(text), _SLICE_CHARACTERS):
        yield text[start : start + _SLICE_CHARACTERS].encode("utf-8", "surrogatepass")


def json_pieces(value: Any) -> Iterator[bytes]:
    """Write a JSON document item by item, so that only the largest item is held twice."""
    if isinstance(value, str):
        yield json.dumps(value).encode("ascii")
        return
    is_list = isinstance(value, list)
    yield b"[" if is_list else b"{"
    parts = value if isinstance(value, list) else value.items()
    for at, part in enumerate(parts):
        head = ", " if at else ""
        item = json.dumps(part) if is_list else f"{json.dumps(part[0])}: {json.dumps(part[1])}"
        yield f"{head}{item}".encode("ascii")
    yield b"]" if is_list else b"}"


def inputs_of(run: Run) -> list[RunInput]:
    """Return a run's inputs with their blobs, in order."""
    rows = RunInput.objects.for_org(run.organization_id).filter(run=run)
    return list(rows.select_related("blob").order_by("position"))


def info(run: Run, inputs: Sequence[RunInput]) -> ContextInfo | None:
    """Describe a run's input as the model is told of it; None where it has none."""
    match run.context_kind:
        case ContextKind.NONE:
            return None
        case ContextKind.FILES:
            return ContextInfo("files", run.context_size, tuple(map(_told, inputs)))
        case ContextKind.TEXT:
            return ContextInfo("text", run.context_size)
        case _:
            shown = tuple(_told(entry) for entry in inputs if entry.media_type)
            return ContextInfo("json", run.context_size, shown)


def _told(entry: RunInput) -> ContextPartInfo:
    return ContextPartInfo(entry.name, entry.blob.size, entry.media_type)


def open_source(run: Run, inputs: Sequence[RunInput]) -> ContextSource | None:
    """Copy a run's input from the database into an anonymous memory file, chunk by chunk."""
    match run.context_kind:
        case ContextKind.NONE:
            return None
        case ContextKind.FILES if any(entry.media_type for entry in inputs):
            return context_in_memory("json", _object(inputs, as_it_is=None))
        case ContextKind.FILES:
            return context_in_memory("files", _all_bytes(inputs), tuple(_parts(inputs)))
        case ContextKind.TEXT:
            return context_in_memory("text", _all_bytes(inputs))
        case ContextKind.JSON:
            return context_in_memory("json", _all_bytes(inputs))
        case _:
            return context_in_memory("json", _object(inputs, as_it_is=0))


def _all_bytes(inputs: Iterable[RunInput]) -> Iterator[bytes]:
    for entry in inputs:
        yield from blobs.read(entry.blob)


def _parts(inputs: Iterable[RunInput]) -> Iterator[ContextPart]:
    offset = 0
    for entry in inputs:
        yield ContextPart(entry.name, offset, entry.blob.size)
        offset += entry.blob.size


def _object(inputs: Sequence[RunInput], *, as_it_is: int | None) -> Iterator[bytes]:
    """Write one JSON object: each file as a string, media as what tells of it, one entry as the JSON that it is."""
    shown = {file.name: file for file in media.references(inputs)}
    for at, entry in enumerate(inputs):
        yield f"{', ' if at else '{'}{json.dumps(entry.name)}: ".encode("ascii")
        if entry.name in shown:
            yield json.dumps(marker(shown[entry.name])).encode("ascii")
        else:
            yield from blobs.read(entry.blob) if at == as_it_is else _as_json_string(entry.blob)
    yield b"}"


def _as_json_string(blob: Blob) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    yield b'"'
    for chunk in blobs.read(blob):
        yield json.dumps(decoder.decode(chunk))[1:-1].encode("ascii")
    yield json.dumps(decoder.decode(b"", final=True))[1:-1].encode("ascii") + b'"'
