"""Keeping, changing and forgetting memories."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from memory.models import Kind, Memory, MemoryChange, Status, Trust
from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal

TEXT_CHARACTERS: Final = 4_000
PINNED: Final = 20
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Kept:
    """A memory that says what was to be kept; `created` False where it was there already."""

    memory: Memory
    created: bool


def clean_memory(text: str) -> str:
    """Return a text that can be kept.

    Raises:
        Invalid: it is empty, too long, or cannot be stored.
    """
    text = text.strip()
    if not text:
        raise Invalid.field("text", "must not be empty")
    if len(text) > TEXT_CHARACTERS:
        raise Invalid.field("text", f"has {len(text):,} characters; {TEXT_CHARACTERS:,} are allowed")
    if _UNSTORABLE.search(text):
        raise Invalid.field("text", "must not contain NUL characters or lone surrogates")
    return text


def add_memory(*, by: Principal, project: Project, text: str, kind: str = Kind.FACT) -> Kept:
    """Keep what a person states; the same text again changes nothing.

    Raises:
        Invalid: text or kind is not valid.
        NotFound: the project is another organization's.
    """
    by.require("memory.manage")
    if kind not in Kind.values:
        raise Invalid.field("kind", f'"{kind}" is not a kind; use one of {", ".join(Kind.values)}')
    if project.organization_id != by.organization_id:
        raise NotFound(f'There is no project "{project.slug}".')
    new = Memory(project=project, text=clean_memory(text), kind=kind, trust=Trust.USER_STATED)
    return _keep(new, organization_id=by.organization_id, actor=by.actor)


def remember(*, organization_id: UUID, project: Project, run_id: UUID, text: str) -> Kept:
    """Keep what a run's code found worth keeping; the same text again changes nothing.

    Raises:
        Invalid: the text is not valid.
    """
    new = Memory(project=project, text=clean_memory(text), trust=Trust.AGENT_INFERRED, source_run_id=run_id)
    return _keep(new, organization_id=organization_id, actor=SYSTEM)


def _keep(new: Memory, *, organization_id: UUID, actor: Actor) -> Kept:
    """Insert a memory, or find the one that says the same; the database decides between two at once."""
    new.organization_id = organization_id
    new.text_hash = Memory.digest(new.text)
    new.created_by_kind, new.created_by_id = actor.kind, actor.id
    with scoping.organization(organization_id):
        kept = Memory.objects.for_org(organization_id).filter(project=new.project, status=Status.ACTIVE)
        same = kept.filter(text_hash=new.text_hash).select_related("project")
        if (found := same.first()) is not None:
            return Kept(found, created=False)
        try:
            with transaction.atomic():
                new.save(force_insert=True)
        except IntegrityError as error:
            if isinstance(error.__cause__, UniqueViolation) and (found := same.first()) is not None:
                return Kept(found, created=False)
            raise
        _note(new, actor, "memory.remember", {"characters": len(new.text), "project": new.project.slug})
    return Kept(new, created=True)


def change_memory(*, by: Principal, memory_id: UUID, text: str | None = None, pinned: bool | None = None) -> Memory:
    """Edit or pin a memory, or both or nothing; None leaves as it is.

    Raises:
        Invalid, NotFound, Conflict: see `edit_memory` and `pin_memory`.
    """
    by.require("memory.manage")
    with scoping.organization(by.organization):
        memory = _locked(by, memory_id)
        if text is not None:
            memory = edit_memory(by=by, memory_id=memory_id, text=text)
        if pinned is not None:
            memory = pin_memory(by=by, memory_id=memory_id, pinned=pinned)
    return memory


def edit_memory(*, by: Principal, memory_id: UUID, text: str) -> Memory:
    """Give a memory another text; it counts as a person's from then on.

    Raises:
        Invalid: the text is not valid, or another memory says the same.
        NotFound: there is no such memory.
        Conflict: it is not active.
    """
    by.require("memory.manage")
    text = clean_memory(text)
    with scoping.organization(by.organization):
        memory = _active(by, memory_id)
        if memory.text == text:
            return memory
        before = len(memory.text)
        memory.text, memory.text_hash, memory.trust = text, Memory.digest(text), Trust.HUMAN_EDITED
        _save_unlike_others(memory)
        _note(memory, by.actor, "memory.edit", {"characters": {"from": before, "to": len(text)}})
    return memory


def pin_memory(*, by: Principal, memory_id: UUID, pinned: bool) -> Memory:
    """Show a memory to every run that uses memory, or only to those that ask for it.

    Raises:
        NotFound: there is no such memory.
        Conflict: it is not active, or twenty of the project are pinned already.
    """
    by.require("memory.manage")
    with scoping.organization(by.organization):
        memory = _active(by, memory_id)
        if memory.pinned == pinned:
            return memory
        if pinned:
            Project.objects.for_org(by.organization).select_for_update().get(pk=memory.project_id)
            others = Memory.objects.for_org(by.organization).filter(project_id=memory.project_id, pinned=True)
            if others.count() >= PINNED:
                raise Conflict(f"{PINNED} memories are pinned already, and each run reads them all; unpin one first.")
        memory.pinned = pinned
        memory.save(update_fields=["pinned", "updated_at"])
        _note(memory, by.actor, "memory.pin", {"pinned": {"from": not pinned, "to": pinned}})
    return memory


def forget_memory(*, by: Principal, memory_id: UUID) -> Memory:
    """Tell no run any more; it can be brought back. Forgetting again changes nothing.

    Raises:
        NotFound: there is no such memory.
    """
    by.require("memory.manage")
    with scoping.organization(by.organization):
        memory = _locked(by, memory_id)
        if memory.status != Status.ACTIVE:
            return memory
        memory.status, memory.pinned = Status.FORGOTTEN, False
        memory.save(update_fields=["status", "pinned", "updated_at"])
        _note(memory, by.actor, "memory.forget", {})
    return memory


def restore_memory(*, by: Principal, memory_id: UUID) -> Memory:
    """Bring a forgotten memory back.

    Raises:
        Invalid: another memory says the same by now.
        NotFound: there is no such memory.
        Conflict: it was erased.
    """
    by.require("memory.manage")
    with scoping.organization(by.organization):
        memory = _locked(by, memory_id)
        if memory.status == Status.ACTIVE:
            return memory
        if memory.status == Status.ERASED:
            raise Conflict("This memory was erased for good; there is nothing to bring back.")
        memory.status = Status.ACTIVE
        _save_unlike_others(memory)
        _note(memory, by.actor, "memory.restore", {})
    return memory


def erase_memory(*, by: Principal, memory_id: UUID) -> Memory:
    """Delete the text for good, here and in the memory's history; a hash of it remains.

    Raises:
        NotFound: there is no such memory.
    """
    by.require("memory.manage")
    with scoping.organization(by.organization):
        memory = _locked(by, memory_id)
        if memory.status == Status.ERASED:
            return memory
        memory.status, memory.pinned, memory.text = Status.ERASED, False, ""
        memory.save(update_fields=["status", "pinned", "text", "updated_at"])
        _note(memory, by.actor, "memory.erase", {})
        MemoryChange.objects.for_org(by.organization).filter(memory=memory).update(text="")
    return memory


def _locked(by: Principal, memory_id: UUID) -> Memory:
    found = Memory.objects.for_org(by.organization).select_for_update(of=("self",)).select_related("project")
    memory = found.filter(pk=memory_id).first()
    if memory is None:
        raise NotFound(f"There is no memory {memory_id}.")
    return memory


def _active(by: Principal, memory_id: UUID) -> Memory:
    memory = _locked(by, memory_id)
    if memory.status != Status.ACTIVE:
        raise Conflict(f"This memory is {memory.status}; bring it back first.")
    return memory


def _save_unlike_others(memory: Memory) -> None:
    try:
        with transaction.atomic():
            memory.save(update_fields=["text", "text_hash", "trust", "status", "updated_at"])
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise Invalid.field("text", "another memory of this project says the same") from None
        raise


def _note(memory: Memory, actor: Actor, action: str, changes: Mapping[str, Any]) -> None:
    """Write the change with its text, and the audit entry without: what it holds cannot be erased."""
    unpinned = action == "memory.pin" and not memory.pinned
    MemoryChange.objects.create(
        organization_id=memory.organization_id,
        memory=memory,
        action="unpin" if unpinned else action.removeprefix("memory."),
        text=memory.text,
        actor_kind=actor.kind,
        actor_id=actor.id,
    )
    record(
        organization_id=memory.organization_id,
        actor=actor,
        action=action,
        object_type="memory",
        object_id=memory.id,
        changes=changes,
    )
