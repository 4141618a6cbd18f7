"""The list of a project's runs."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from rlmlab.console.access import member_page, show_project
from rlmlab.errors import Invalid
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.models import Run
from trajectories.ratings import Verdict
from trajectories.search.facets import Facet
from trajectories.search.grammar import Term, parse, text_of
from trajectories.search.pages import Listing, listing_of
from trajectories.search.values import KEYS

PAGE = 50
ROWS = "rows"
"""The part of the page that is asked for again and again while it is open."""

SYNTAX = {key: meant.wanted for key, meant in KEYS.items() if key == "rating.correct" or "." not in key}


@dataclass(frozen=True, slots=True)
class Row:
    """A run of the list and what its ratings come to."""

    run: Run
    verdict: Verdict | None

    @property
    def tags(self) -> str:
        """Return the run's tags as JSON, for the editor."""
        return json.dumps(self.run.tags)

    @property
    def state(self) -> str:
        """Return what changes whenever the row looks different."""
        shown = (self.run.status, self.run.last_seq, self.run.title, self.run.tags, self.verdict)
        return f"{zlib.crc32(repr(shown).encode('utf-8', 'replace')):08x}"


@require_safe
@vary_on_headers("HX-Request", "HX-Target")
@member_page
def runs(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List them, newest first; a request by htmx gets the list alone, or the rows alone where it asks for them."""
    found = project_by_slug(principal, project)
    show_project(request, found)
    query, cursor = request.GET.get("query", "").strip(), request.GET.get("cursor", "")
    context: dict[str, Any] = {
        "principal": principal,
        "project": found,
        "query": query,
        "cursor": cursor,
        "known_tags": "[]",
        "keys": SYNTAX,
        "launches": principal.can("run.create"),
        "tags_runs": principal.can("run.tag"),
    }
    rows_only = request.headers.get("HX-Target") == ROWS
    try:
        terms = parse(query)
        listing = listing_of(principal, found, terms, cursor=cursor, limit=PAGE, with_facets=not rows_only)
        context |= _shown(listing) | _filters(listing.facets, terms)
    except Invalid as error:
        context["problem"] = error.errors[0].message
    part = "rows" if rows_only else "list"
    template = f"console/runs_{part}.html" if request.headers.get("HX-Request") else "console/runs.html"
    return render(request, template, context, status=422 if "problem" in context else 200)


def _shown(listing: Listing) -> dict[str, Any]:
    rows = [Row(run, listing.verdicts.get(run.id)) for run in listing.page.items]
    return {"rows": rows, "next_cursor": listing.page.next_cursor}


def _filters(facets: Sequence[Facet], terms: Sequence[Term]) -> dict[str, Any]:
    """Return what can be clicked: choices, and the terms that are in the query with what is left without each."""
    tags = [choice.label for facet in facets if facet.name == "Tag" for choice in facet.choices]
    chips = [(str(term), text_of([*terms[:at], *terms[at + 1 :]])) for at, term in enumerate(terms)]
    return {"facets": facets, "chips": chips, "known_tags": json.dumps(tags)}
