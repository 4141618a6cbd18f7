"""Every address that the installation answers, with a path that leads there, and every operation of the API."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

SOME_ID: Final = "0198c0de-0000-7000-8000-000000000000"
SAMPLES: Final = {"uuid": SOME_ID, "uuidstr": SOME_ID, "int": "1", "path": "1", "slug": "acme", "str": "acme"}
REGULAR_EXPRESSIONS: Final = {
    "^api/": "api/nowhere",
    "^v1/": "v1/nowhere",
    "^(?P<app_label>audit)/$": "audit/",
    "(?P<url>.*)$": "nowhere",
}
_PARAMETER: Final = re.compile(r"<(?:(\w+):)?\w+>")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL pattern: `route` as it is declared, `path` as it can be asked for."""

    name: str
    route: str
    path: str
    module: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of the API at a path template such as `/api/v1/runs/{run_id}`."""

    method: str
    path: str
    operation: dict[str, Any]

    def at(self, **values: str) -> str:
        """Fill the path's parameters; the rest of them get a value that nobody has."""
        return re.sub(r"{(\w+)}", lambda found: values.get(found[1], SOME_ID), self.path)

    @property
    def is_openai(self) -> bool:
        """Tell whether it is for clients of OpenAI's API: keys alone let in, and errors have their form."""
        return self.path.startswith("/v1/")

    @property
    def failure_type(self) -> str:
        """The content type of its errors."""
        return "application/json" if self.is_openai else "application/problem+json"

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


def addresses() -> list[Address]:
    """Return every address there is, in the order of their declaration."""
    return list(_walk(get_resolver(), "", "/"))


def _walk(resolver: URLResolver, route: str, path: str) -> Iterator[Address]:
    for pattern in resolver.url_patterns:
        here, there = route + str(pattern.pattern), path + sample(pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, here, there)
        else:
            yield Address(pattern.name or "", here, there, pattern.callback.__module__)


def sample(pattern: URLPattern | URLResolver) -> str:
    """Return text that a pattern matches; a regular expression needs a line in REGULAR_EXPRESSIONS."""
    if isinstance(pattern.pattern, RegexPattern):
        return REGULAR_EXPRESSIONS[str(pattern.pattern)]
    return _PARAMETER.sub(lambda found: SAMPLES[found[1] or "str"], str(pattern.pattern))


def operations() -> list[Operation]:
    """Read the operations from the document that the API publishes."""
    from rlmlab.api.urls import api  # Django is set up by now

    paths: dict[str, dict[str, Any]] = api.get_openapi_schema()["paths"]
    return [Operation(method, path, found) for path, methods in paths.items() for method, found in methods.items()]
