"""The images and sounds among a run's inputs: told by their bytes, read by their hash."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils.http import content_disposition_header

from rlmlab import scoping
from rlmlab.engine.events import MediaReference
from rlmlab.engine.media import LARGEST_RUN, problem_of
from rlmlab.engine.sniffing import HEAD_BYTES, media_type_of
from rlmlab.errors import Invalid, NotFound
from trajectories import blobs
from trajectories.database import Database
from trajectories.models import Run, RunInput

_FIRST_BYTES: Final = 64  # enough to tell anything but the size of a JPEG
_JPEG: Final = b"\xff\xd8\xff"
_POLICY: Final = "default-src 'none'; sandbox"
_AT_ONCE: Final = 16  # heads in memory
_HEADS: Final = """
SELECT blob_id, substring(data FROM 1 FOR %s) FROM trajectories_blobchunk WHERE number = 0 AND blob_id = ANY(%s)
"""


def note_types(files: Sequence[RunInput]) -> None:
    """Set the media type of each file that is an image or a sound; what is none stays text.

    Raises:
        Invalid: one is too large for any model, or all of them are too much for a run.
    """
    types = dict(_types({entry.blob_id for entry in files}))
    total = 0
    for at, entry in enumerate(files):
        media_type, head = types.get(entry.blob_id, ("", b""))
        if not media_type:
            continue
        entry.media_type = media_type
        total += entry.blob.size
        if problem := problem_of(media_type, head, entry.blob.size):
            raise Invalid.field(f"files.{at}", f'"{entry.name}" {problem}')
        if total > LARGEST_RUN:
            raise Invalid.field("files", f"the images and sounds have more than {LARGEST_RUN:,} bytes together")


def _types(blob_ids: set[UUID]) -> Iterator[tuple[UUID, tuple[str, bytes]]]:
    """Tell the media among some blobs, each with its first bytes."""
    jpegs = []
    for blob_id, head in _heads(list(blob_ids), _FIRST_BYTES):
        if head.startswith(_JPEG):
            jpegs.append(blob_id)
        elif media_type := media_type_of(head):
            yield blob_id, (media_type, head)
    for start in range(0, len(jpegs), _AT_ONCE):
        for blob_id, head in _heads(jpegs[start : start + _AT_ONCE], HEAD_BYTES):
            if media_type := media_type_of(head):
                yield blob_id, (media_type, head)


def _heads(blob_ids: list[UUID], size: int) -> list[tuple[UUID, bytes]]:
    if not blob_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_HEADS, [size, blob_ids])
        return [(blob_id, bytes(head)) for blob_id, head in cursor.fetchall()]


def references(inputs: Sequence[RunInput]) -> tuple[MediaReference, ...]:
    """Name the media among a run's inputs as its events do."""
    return tuple(
        MediaReference(name=entry.name, media_type=entry.media_type, size=entry.blob.size, sha256=entry.blob.sha256)
        for entry in inputs
        if entry.media_type
    )


def media_input(run: Run, sha256: str) -> RunInput:
    """Return the image or sound of a hash among a run's inputs.

    Raises:
        NotFound: the run has no such input, or it is text.
    """
    with scoping.organization(run.organization_id):
        rows = RunInput.objects.for_org(run.organization_id).filter(run=run, blob__sha256=sha256).exclude(media_type="")
        found = rows.select_related("blob").order_by("position").first()
    if found is None:
        raise NotFound(f"The run {run.id} has no image or sound {sha256[:64]!r}.")
    return found


def content(entry: RunInput) -> bytes:
    """Read an image or a sound, whose size was limited when the run was made."""
    with scoping.organization(entry.organization_id):
        return b"".join(blobs.read(entry.blob))


def headers_of(entry: RunInput) -> dict[str, str]:
    """Return what its bytes must be sent with: as what they are, and as nothing that a browser would run."""
    return {
        "Content-Type": entry.media_type,
        "Content-Disposition": content_disposition_header(as_attachment=False, filename=entry.name) or "inline",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=3600",
    }


class RunMedia:
    """Reads a run's own media for the engine."""

    def __init__(self, inputs: Sequence[RunInput], database: Database) -> None:
        self._inputs = {entry.blob.sha256: entry for entry in inputs if entry.media_type}
        self._database = database

    async def read(self, sha256: str) -> bytes:
        """Return the bytes of one of the run's inputs."""
        return await self._database(partial(content, self._inputs[sha256]))
