"""Full-text search of a tenant's texts by words of another text, in PostgreSQL.

A searched column is a `tsvector` generated in two ways, as English and as it is: stems find inflected words, exact
words find names and other languages.
"""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, Value
from django.db.models.expressions import Combinable

MOST_CHARACTERS: Final = 2_000
MOST_WORDS: Final = 60
_EXACT_WEIGHT: Final = 0.05
_BY_LENGTH: Final = 1  # ts_rank's normalization: divide by 1 + the logarithm of the text's length


@dataclass(frozen=True, slots=True)
class Words:
    """A full-text query for any of some words: as English (stems, no stop words), and as they are."""

    english: SearchQuery
    exact: SearchQuery

    @property
    def either(self) -> SearchQuery:
        """Match in one way or the other: names and other languages have no English stems."""
        return self.english | self.exact

    def rank(self, column: str = "search") -> Combinable:
        """Rank by PostgreSQL's `ts_rank`; stop words, which only `exact` has, count little."""
        english, exact = (
            SearchRank(F(column), query, normalization=Value(_BY_LENGTH)) for query in (self.english, self.exact)
        )
        return english + exact * Value(_EXACT_WEIGHT)


def words_of(text: str) -> Words | None:
    """Take the first words of a text, each once; None where it has none."""
    words = list(dict.fromkeys(text.replace("\x00", " ")[:MOST_CHARACTERS].split()))[:MOST_WORDS]
    if not words:
        return None
    english, exact = (
        reduce(or_, [SearchQuery(Value(word), config=config, search_type="plain") for word in words])
        for config in ("english", "simple")
    )
    return Words(english, exact)
