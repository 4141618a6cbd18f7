from trajectories.models.blobs import Blob, BlobChunk, File
from trajectories.models.checks import DemoCheck
from trajectories.models.events import Event, Span
from trajectories.models.idempotency import IdempotencyKey
from trajectories.models.runs import Run, RunInput, Tombstone

__all__ = [
    "Blob",
    "BlobChunk",
    "DemoCheck",
    "Event",
    "File",
    "IdempotencyKey",
    "Run",
    "RunInput",
    "Span",
    "Tombstone",
]
