"""The cache of sub-calls as the API shows it."""

from ninja import Schema


class EmptiedCache(Schema):
    """How many answers were forgotten."""

    removed: int
