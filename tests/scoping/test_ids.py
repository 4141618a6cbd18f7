"""Ids sort by time."""

import time
from uuid import RFC_4122

from rlmlab.scoping.ids import uuid7


def test_uuid7_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after + 1  # a carry out of the random bits, at worst


def test_uuid7_sorts_by_time() -> None:
    made = [uuid7() for _ in range(10_000)]
    assert made == sorted(made)
    assert {item.version for item in made} == {7}
    assert len(set(made)) == 10_000
