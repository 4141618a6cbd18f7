"""Changing a run's tags and title."""

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.principals import PermissionMissing, Principal
from tests.factories.runs import finished_run, make_run, reload
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.tags import tag_run
from trajectories.models import Run


@pytest.fixture
def run(acme: Tenant) -> Run:
    return make_run(acme.principal, acme.project, title="Count", tags=["night"])


def entries(tenant: Tenant) -> list[AuditEntry]:
    with scoping.organization(tenant.organization):
        found = AuditEntry.objects.for_org(tenant.organization).filter(action__in=["run.tag", "run.rename"])
        return list(found.order_by("id"))


def test_tags_are_set_and_recorded(acme: Tenant, run: Run) -> None:
    changed = tag_run(by=acme.principal, run=run, tags=[" day ", "x", "day"])
    assert changed.tags == reload(run).tags == ["day", "x"]
    [entry] = entries(acme)
    assert (entry.action, entry.object_type, entry.object_id) == ("run.tag", "run", run.id)
    assert entry.changes == {"title": "Count", "tags": {"from": ["night"], "to": ["day", "x"]}}


def test_a_title_is_set_and_recorded(acme: Tenant, run: Run) -> None:
    changed = tag_run(by=acme.principal, run=run, title=" Count the birds ")
    assert (changed.title, reload(run).title, changed.tags) == ("Count the birds", "Count the birds", ["night"])
    [entry] = entries(acme)
    assert (entry.action, entry.changes) == ("run.rename", {"title": {"from": "Count", "to": "Count the birds"}})


def test_a_run_that_has_ended_can_be_tagged(acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project)
    tag_run(by=acme.principal, run=run, tags=["kept"], title="Kept")
    stored = reload(run)
    assert (stored.tags, stored.title, stored.status) == (["kept"], "Kept", "succeeded")
    assert [entry.action for entry in entries(acme)] == ["run.rename", "run.tag"]


def test_what_stays_leaves_no_entry(acme: Tenant, run: Run) -> None:
    tag_run(by=acme.principal, run=run, tags=["night"], title="Count")
    tag_run(by=acme.principal, run=run)
    assert entries(acme) == []


def test_all_tags_can_be_taken_away(acme: Tenant, run: Run) -> None:
    assert tag_run(by=acme.principal, run=run, tags=[]).tags == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tags": [""]}, "tags.0"),
        ({"tags": ["x" * 51]}, "tags.0"),
        ({"tags": ["ok", "a\x00b"]}, "tags.1"),
        ({"tags": [str(number) for number in range(21)]}, "tags"),
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"tags": ["ok"], "title": "\ud800"}, "title"),
    ],
)
def test_what_a_launch_would_refuse_is_refused(acme: Tenant, run: Run, fields: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        tag_run(by=acme.principal, run=run, **fields)  # type: ignore[arg-type]
    assert caught.value.errors[0].field == field
    assert reload(run).tags == ["night"]


def test_an_editor_tags_and_a_reviewer_does_not(acme: Tenant, run: Run) -> None:
    tag_run(by=make_member(acme.organization, "ed@acme.example", Role.EDITOR), run=run, tags=["ed"])
    with pytest.raises(PermissionMissing):
        tag_run(by=make_member(acme.organization, "rea@acme.example", Role.REVIEWER), run=run, tags=["rea"])
    assert reload(run).tags == ["ed"]


def test_another_organizations_run_is_not_there(bo: Principal, run: Run) -> None:
    with pytest.raises(NotFound):
        tag_run(by=bo, run=run, tags=["bo"])
