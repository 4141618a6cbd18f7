"""Stores and reads bytes by their content, in chunks of 1 MB, without ever holding them whole.

They live in PostgreSQL, so that any worker on any machine can read them. Binary parameters are bound by the server:
as literals each chunk would be built, sent and parsed at twice its size.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection

from rlmlab.scoping.ids import uuid7
from trajectories.models import Blob, BlobChunk

CHUNK_BYTES: Final = 1 << 20
_INSERT = """
INSERT INTO trajectories_blobchunk (id, organization_id, blob_id, number, data) VALUES (%s, %s, %s, %s, %b)
"""
_SELECT = "SELECT data FROM trajectories_blobchunk WHERE blob_id = %s AND number = %s"


def put(*, organization_id: UUID, pieces: Iterable[bytes]) -> Blob:
    """Store bytes that come in pieces of any size; what is there already is not kept twice.

    The content's address is known only when all of it has passed, so chunks are written first, under an id that the
    foreign key looks up at commit.
    """
    blob_id, digest, size = uuid7(), hashlib.sha256(), 0
    with _server_side_cursor() as cursor:
        for number, chunk in enumerate(rechunked(pieces)):
            digest.update(chunk)
            size += len(chunk)
            cursor.execute(_INSERT, [uuid7(), organization_id, blob_id, number, chunk])
    blob = Blob(id=blob_id, organization_id=organization_id, sha256=digest.hexdigest(), size=size)
    Blob.objects.bulk_create([blob], ignore_conflicts=True)
    kept = Blob.objects.for_org(organization_id).select_for_update(no_key=True).get(sha256=blob.sha256)
    if kept.id != blob_id:
        BlobChunk.objects.for_org(organization_id).filter(blob_id=blob_id).delete()
    return kept


def put_all(*, organization_id: UUID, contents: Collection[bytes]) -> dict[str, Blob]:
    """Store many contents that are in memory, with as many statements as for one; return the blobs by their SHA-256."""
    named = {hashlib.sha256(content).hexdigest(): content for content in contents}
    rows = [
        Blob(id=uuid7(), organization_id=organization_id, sha256=sha256, size=len(content))
        for sha256, content in sorted(named.items())  # everybody locks them in this order
    ]
    Blob.objects.bulk_create(rows, ignore_conflicts=True)
    found = Blob.objects.for_org(organization_id).select_for_update(no_key=True).filter(sha256__in=named)
    kept = {blob.sha256: blob for blob in found.order_by("sha256")}
    fresh = [row for row in rows if kept[row.sha256].id == row.id]
    with _server_side_cursor() as cursor:
        cursor.executemany(
            _INSERT,
            [
                (uuid7(), organization_id, row.id, number, chunk)
                for row in fresh
                for number, chunk in enumerate(rechunked([named[row.sha256]]))
            ],
        )
    return kept


def find(*, organization_id: UUID, sha256: str) -> Blob | None:
    """Return the blob of this content and keep it from being purged until the transaction ends."""
    return Blob.objects.for_org(organization_id).select_for_update(no_key=True).filter(sha256=sha256).first()


def read(blob: Blob) -> Iterator[bytes]:
    """Yield a blob's bytes, one chunk in memory at a time."""
    with _server_side_cursor() as cursor:
        for number in range(-(-blob.size // CHUNK_BYTES)):
            yield _chunk(cursor, blob, number)


def part(blob: Blob, start: int, length: int) -> bytes:
    """Return some of a blob's bytes, reading the chunks that they lie in and no others."""
    end = min(start + length, blob.size)
    if start >= end:
        return b""
    with _server_side_cursor() as cursor:
        chunks = [_chunk(cursor, blob, number) for number in range(start // CHUNK_BYTES, -(-end // CHUNK_BYTES))]
    first = start - start % CHUNK_BYTES
    return b"".join(chunks)[start - first : end - first]


def _chunk(cursor: psycopg.Cursor[Any], blob: Blob, number: int) -> bytes:
    row = cursor.execute(_SELECT, [blob.id, number], binary=True).fetchone()
    if row is None:
        raise LookupError(f"chunk {number} of blob {blob.id} is missing")
    return bytes(row[0])


def rechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut pieces of any size into chunks of 1 MB, the last one shorter."""
    buffer = bytearray()
    for piece in pieces:
        view = memoryview(piece)
        while view:
            taken = view[: CHUNK_BYTES - len(buffer)]
            buffer += taken
            view = view[len(taken) :]
            if len(buffer) == CHUNK_BYTES:
                yield bytes(buffer)
                buffer.clear()
    if buffer:
        yield bytes(buffer)


def _server_side_cursor() -> "psycopg.Cursor[tuple[Any, ...]]":
    """Open a cursor that binds on the server, on Django's connection and in its transaction."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
