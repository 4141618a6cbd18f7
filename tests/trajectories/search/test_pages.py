"""A list of runs with all that it shows."""

import pytest

from rlmlab.errors import Invalid
from rlmlab.tenancy.principals import Principal
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.search.grammar import parse
from trajectories.search.pages import Listing, listing_of


def listing(tenant: Tenant, query: str = "", *, cursor: str = "", with_facets: bool = True) -> Listing:
    terms = parse(query)
    return listing_of(tenant.principal, tenant.project, terms, cursor=cursor, limit=2, with_facets=with_facets)


def test_a_listing_has_runs_verdicts_and_facets(acme: Tenant) -> None:
    rated = finished_run(acme.principal, acme.project, title="rated")
    rate_run(by=acme.principal, run=rated, judgement=Judgement("correct", 0.5))
    make_run(acme.principal, acme.project, title="new")
    found = listing(acme)
    assert ([run.title for run in found.page.items], found.page.next_cursor) == (["new", "rated"], "")
    assert {run_id: verdict.correct for run_id, verdict in found.verdicts.items()} == {rated.id: 0.5}
    assert [facet.name for facet in found.facets] == ["Status", "Model", "Mode", "Tag", "Rating", "Prompt"]
    assert listing(acme, with_facets=False).facets == []


def test_a_listing_goes_on_behind_its_cursor(acme: Tenant) -> None:
    for number in range(3):
        make_run(acme.principal, acme.project, title=f"{number}")
    first = listing(acme)
    assert [run.title for run in first.page.items] == ["2", "1"]
    assert [run.title for run in listing(acme, cursor=first.page.next_cursor).page.items] == ["0"]
    for query in ("", "text"):
        with pytest.raises(Invalid) as caught:
            listing(acme, query, cursor="nonsense")
        assert caught.value.errors[0].field == "cursor"


def test_another_organizations_project_lists_nothing(acme: Tenant, bo: Principal) -> None:
    make_run(acme.principal, acme.project, tags=["secret"])
    found = listing_of(bo, acme.project, parse(""), cursor="", limit=2, with_facets=True)
    assert (found.page.items, found.verdicts) == ([], {})
    assert {facet.name: facet.choices for facet in found.facets}["Tag"] == []
