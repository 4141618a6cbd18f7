"""Garbage of a worker: what is there at its start is not looked at again, what comes later is."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from trajectories import garbage


class Node:
    """Something that refers to itself, so that only a collection ends it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_is_there_is_not_looked_at_again() -> None:
    before = gc.get_freeze_count()
    kept = Node()
    garbage.settle()
    assert gc.get_freeze_count() > before
    assert all(found is not kept for found in gc.get_objects())


def test_what_comes_later_is_collected() -> None:
    garbage.settle()
    seen = weakref.ref(Node())
    assert seen() is not None
    gc.collect()
    assert seen() is None


def test_garbage_of_the_start_is_gone() -> None:
    seen = weakref.ref(Node())
    garbage.settle()
    assert seen() is None


def test_youngest_objects_are_looked_at_less_often() -> None:
    _, middle, old = gc.get_threshold()
    garbage.settle()
    assert gc.get_threshold() == (garbage.ALLOCATIONS, middle, old)
