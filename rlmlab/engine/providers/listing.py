"""The list of known models, searched: a page of it at a time, never all of the thousands that there are."""

from dataclasses import dataclass

from rlmlab.engine.errors import UnknownModel
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.providers.catalog import EMBEDDED_MODEL, Catalog, PriceSource


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as the list shows it."""

    info: ModelInfo
    source: PriceSource
    is_callable: bool


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: all of the words, in any order; only what can be called; behind the name `after`."""

    words: str = ""
    only_callable: bool = False
    after: str = ""
    limit: int = 50


def search(catalog: Catalog, wanted: Search) -> list[Listed]:
    """Return up to `limit` models by name."""
    words = wanted.words.lower().split()
    found: list[Listed] = []
    for name in names_of(catalog):
        if name <= wanted.after or not all(word in name.lower() for word in words):
            continue
        is_callable = catalog.is_callable(name)
        if wanted.only_callable and not is_callable:
            continue
        found.append(Listed(catalog.info(name), catalog.price_source(name), is_callable))
        if len(found) == wanted.limit:
            break
    return found


def names_of(catalog: Catalog) -> list[str]:
    """Return the names of all models that chat: the map's, the embedded one, and what else has a price."""
    priced = {*catalog.own_prices, *catalog.access.prices}
    shown = {name for name in priced if "/" in name and _is_known(catalog, name)}
    return sorted({*catalog.names, EMBEDDED_MODEL, *shown})


def _is_known(catalog: Catalog, name: str) -> bool:
    try:
        catalog.info(name)
    except UnknownModel:
        return False
    return True
