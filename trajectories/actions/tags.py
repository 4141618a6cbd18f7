"""Saying what a run is about: its tags and its title, also after it has ended."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import NotFound
from rlmlab.tenancy.principals import Principal
from trajectories.models import Run
from trajectories.requests import TITLE_CHARACTERS, clean_tags, clean_text


def tag_run(*, by: Principal, run: Run, tags: Sequence[str] | None = None, title: str | None = None) -> Run:
    """Set a run's tags, its title or both; what is None stays, and what stays as it is leaves no entry.

    Raises:
        Invalid: a tag or the title is not valid; nothing is changed.
        NotFound: the organization has no such run.
    """
    by.require("run.tag")
    wanted: dict[str, Any] = {}
    if tags is not None:
        wanted["tags"] = list(clean_tags(tags))
    if title is not None:
        wanted["title"] = clean_text("title", title, TITLE_CHARACTERS).strip()
    with scoping.organization(by.organization):
        found = _locked(by, run.id)
        differing = {column: value for column, value in wanted.items() if getattr(found, column) != value}
        before = {column: getattr(found, column) for column in differing}
        for column, value in differing.items():
            setattr(found, column, value)
        if differing:
            found.save(update_fields=list(differing))
        if "title" in differing:
            _record_title(by, found, before["title"])
        if "tags" in differing:
            _record_tags(by, found, before["tags"])
    return found


def _locked(by: Principal, run_id: UUID) -> Run:
    found = Run.objects.for_org(by.organization).shown().select_for_update(of=("self",), no_key=True)
    run = found.filter(id=run_id).first()
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    return run


def _record_title(by: Principal, run: Run, before: str) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action="run.rename",
        object_type="run",
        object_id=run.id,
        changes={"title": {"from": before, "to": run.title}},
    )


def _record_tags(by: Principal, run: Run, before: list[str]) -> None:
    record(
        organization_id=by.organization_id,
        actor=by.actor,
        action="run.tag",
        object_type="run",
        object_id=run.id,
        changes={"title": run.title, "tags": {"from": before, "to": run.tags}},
    )
