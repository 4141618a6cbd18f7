"""Reads of prompts, their versions, labels and promotions; each opens the scope it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Greatest, Length

from rlmlab import scoping
from rlmlab.errors import Invalid, NotFound
from rlmlab.scoping.models import OrgQuerySet
from rlmlab.scoping.pages import DEFAULT_LIMIT, Page, decode_cursor, encode_cursor
from rlmlab.tenancy.authors import Author, names_of
from rlmlab.tenancy.fields import is_slug
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.improvement.prompts import ensure_system_prompt
from trajectories.models import Promotion, Prompt, PromptLabel, PromptVersion
from trajectories.models.prompts import PRODUCTION

HIGHEST_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PromptView:
    """A prompt as lists show it; `production` is the number of the version that the label points at."""

    prompt: Prompt
    versions: int
    production: int | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version without its text: how long it is, who wrote it, and the labels that point at it."""

    version: PromptVersion
    characters: int
    author: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromotionView:
    """A move of a label, with both versions (without their texts): who made it, and who wrote where it went."""

    promotion: Promotion
    author: str
    writer: str


def prompts_page(
    principal: Principal, project: Project, *, cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[PromptView]:
    """List a project's prompts by name; the one that runs use is always among them.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("prompt.view")
    if cursor and not is_slug(cursor):
        raise Invalid.field("cursor", "is not a cursor of this list")
    ensure_system_prompt(project)
    with scoping.organization(principal.organization):
        found = Prompt.objects.for_org(principal.organization).filter(project=project, name__gt=cursor)
        rows = _views(principal, found.order_by("name")[: limit + 1])
    return Page(rows[:limit], rows[limit - 1].prompt.name if len(rows) > limit else "")


def prompt_view(principal: Principal, prompt: Prompt) -> PromptView:
    """Return a prompt as lists show it."""
    principal.require("prompt.view")
    with scoping.organization(principal.organization):
        return _views(principal, Prompt.objects.for_org(principal.organization).filter(id=prompt.id))[0]


def _views(principal: Principal, prompts: OrgQuerySet[Prompt]) -> list[PromptView]:
    of_prompt = {"prompt": OuterRef("id")}
    versions = PromptVersion.objects.for_org(principal.organization).filter(**of_prompt).order_by("-number")
    labels = PromptLabel.objects.for_org(principal.organization).filter(**of_prompt)
    rows = prompts.annotate(
        versions=Subquery(versions.values("number")[:1], output_field=IntegerField()),
        production=Subquery(labels.filter(name=PRODUCTION).values("version__number")[:1]),
        changed_at=Greatest(
            Subquery(versions.values("created_at")[:1]),
            Subquery(labels.order_by("-moved_at").values("moved_at")[:1]),
        ),
    )
    return [PromptView(row, row.versions, row.production, row.changed_at) for row in rows]


def prompt_for(principal: Principal, project: Project, name: str) -> Prompt:
    """Return a project's prompt.

    Raises:
        NotFound: it has none of this name.
    """
    principal.require("prompt.view")
    ensure_system_prompt(project)
    with scoping.organization(principal.organization):
        found = Prompt.objects.for_org(principal.organization).filter(project=project, name=name)
        prompt = found.first() if is_slug(name) else None
    if prompt is None:
        raise NotFound(f'There is no prompt "{name}".')
    return prompt


def versions_page(
    principal: Principal, prompt: Prompt, *, cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[VersionView]:
    """List a prompt's versions without their texts, newest first.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("prompt.view")
    with scoping.organization(principal.organization):
        found = PromptVersion.objects.for_org(principal.organization).filter(prompt=prompt)
        if cursor:
            found = found.filter(number__lt=_number_of(cursor))
        rows = list(found.annotate(characters=Length("text")).defer("text").order_by("-number")[: limit + 1])
        more = str(rows[limit - 1].number) if len(rows) > limit else ""
        pointing = labels_by_version(principal, rows[:limit])
    names = names_of(principal.organization, [author_of(row) for row in rows[:limit]])
    listed = [VersionView(row, row.characters, names[author_of(row)], pointing.get(row.id, ())) for row in rows[:limit]]
    return Page(listed, more)


def _number_of(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or int(cursor[:20]) > HIGHEST_NUMBER:
        raise Invalid.field("cursor", "is not a cursor of this list")
    return int(cursor)


def author_of(row: PromptVersion | Promotion) -> Author:
    """Return who made a row, as it keeps them."""
    return row.created_by_kind, row.created_by_id


def labels_by_version(principal: Principal, versions: Sequence[PromptVersion]) -> dict[UUID, tuple[str, ...]]:
    """Return the names of the labels that point at each version."""
    with scoping.organization(principal.organization):
        found = PromptLabel.objects.for_org(principal.organization).filter(version__in=versions).order_by("name")
        pointing: dict[UUID, tuple[str, ...]] = {}
        for version_id, name in found.values_list("version_id", "name"):
            pointing[version_id] = (*pointing.get(version_id, ()), name)
    return pointing


def version_for(principal: Principal, prompt: Prompt, number: int) -> VersionView:
    """Return a version of a prompt with its text.

    Raises:
        NotFound: the prompt has no such version.
    """
    principal.require("prompt.view")
    with scoping.organization(principal.organization):
        found = PromptVersion.objects.for_org(principal.organization).filter(prompt=prompt, number=number)
        version = found.first() if 0 < number <= HIGHEST_NUMBER else None
    if version is None:
        raise NotFound(f'The prompt "{prompt.name}" has no version {number}.')
    names = names_of(principal.organization, [author_of(version)])
    labels = labels_by_version(principal, [version]).get(version.id, ())
    return VersionView(version, len(version.text), names[author_of(version)], labels)


def labels_of(principal: Principal, prompt: Prompt) -> list[PromptLabel]:
    """List a prompt's labels by name with their versions, without the texts; there are never many."""
    principal.require("prompt.view")
    with scoping.organization(principal.organization):
        found = PromptLabel.objects.for_org(principal.organization).filter(prompt=prompt)
        return list(found.select_related("version").defer("version__text").order_by("name"))


def labels_page(
    principal: Principal, prompt: Prompt, *, cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[PromptLabel]:
    """Page through `labels_of`.

    Raises:
        Invalid: the cursor cannot be read.
    """
    if cursor and not is_slug(cursor):
        raise Invalid.field("cursor", "is not a cursor of this list")
    rows = [label for label in labels_of(principal, prompt) if label.name > cursor]
    return Page(rows[:limit], rows[limit - 1].name if len(rows) > limit else "")


def promotions_page(
    principal: Principal, prompt: Prompt, *, cursor: str = "", limit: int = DEFAULT_LIMIT
) -> Page[PromotionView]:
    """List the moves of a prompt's labels, newest first.

    Raises:
        Invalid: the cursor cannot be read.
    """
    principal.require("prompt.view")
    condition = Q(prompt=prompt)
    if cursor:
        at, row_id = decode_cursor(cursor)
        condition &= Q(created_at__lte=at) & ~Q(created_at=at, id__gte=row_id)
    with scoping.organization(principal.organization):
        found = Promotion.objects.for_org(principal.organization).filter(condition)
        brought = found.select_related("from_version", "to_version", "experiment")
        deferred = brought.defer("from_version__text", "to_version__text", "experiment__plan")
        rows = list(deferred.order_by("-created_at", "-id")[: limit + 1])
    authors = [(author_of(row), author_of(row.to_version)) for row in rows[:limit]]
    names = names_of(principal.organization, {author for pair in authors for author in pair})
    more = encode_cursor(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else ""
    listed = zip(rows, authors, strict=False)
    return Page([PromotionView(row, names[mover], names[writer]) for row, (mover, writer) in listed], more)
