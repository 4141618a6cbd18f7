from trajectories.models.blobs import Blob, BlobChunk, File
from trajectories.models.cache import CachedAnswer
from trajectories.models.checks import DemoCheck
from trajectories.models.datasets import Dataset, Item
from trajectories.models.events import Event, Span
from trajectories.models.examples import Example, RunExample
from trajectories.models.experiments import Experiment, ExperimentRun, Promotion
from trajectories.models.idempotency import IdempotencyKey
from trajectories.models.prompts import Prompt, PromptLabel, PromptVersion
from trajectories.models.ratings import Rating
from trajectories.models.runs import Run, RunInput, Tombstone
from trajectories.models.search import SearchedRun
from trajectories.models.turns import Turn

__all__ = [
    "Blob",
    "BlobChunk",
    "CachedAnswer",
    "Dataset",
    "DemoCheck",
    "Event",
    "Example",
    "Experiment",
    "ExperimentRun",
    "File",
    "IdempotencyKey",
    "Item",
    "Promotion",
    "Prompt",
    "PromptLabel",
    "PromptVersion",
    "Rating",
    "Run",
    "RunExample",
    "RunInput",
    "SearchedRun",
    "Span",
    "Tombstone",
    "Turn",
]
