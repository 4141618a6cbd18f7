"""Prompts as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field, WithJsonSchema

from rlmlab.api.schemas.base import Body
from trajectories.improvement.prompt_queries import PromotionView, PromptView, VersionView
from trajectories.improvement.prompts import composed
from trajectories.models import PromptLabel

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class VersionIn(Body):
    """A new version: its text, and a line on what is different."""

    text: str
    note: str = ""


class LabelIn(Body):
    """Where a label shall point, and why; `experiment` null: the latest that compared the two versions."""

    version: Number
    reason: str
    experiment: Annotated[UUID, Field(strict=False)] | None = None


class PromptOut(Schema):
    """A prompt; `production` is the number of the version that runs get."""

    name: str
    versions: int
    production: int | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, view: PromptView) -> Self:
        """Show a prompt."""
        return cls(
            name=view.prompt.name,
            versions=view.versions,
            production=view.production,
            created_at=view.prompt.created_at,
            changed_at=view.changed_at,
        )


class VersionSummary(Schema):
    """A version as lists show it; `builtin`: it is what a release of RLM Lab teaches."""

    number: int
    note: str
    builtin: bool
    characters: int
    labels: list[str]
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, view: VersionView) -> Self:
        """Show a version."""
        return cls(**version_summary(view))


class VersionOut(VersionSummary):
    """A version with its text; `composed` is the system prompt that models get with it, tiny local ones aside."""

    text: str
    composed: str

    @classmethod
    def of(cls, view: VersionView) -> Self:
        """Show a version whose text is at hand."""
        text = view.version.text
        return cls(**version_summary(view), text=text, composed=composed(text))


class LabelOut(Schema):
    """A label."""

    name: str
    version: int
    moved_at: datetime

    @classmethod
    def of(cls, label: PromptLabel) -> Self:
        """Show a label whose version is at hand."""
        return cls(name=label.name, version=label.version.number, moved_at=label.moved_at)


class PromotionOut(Schema):
    """A move of a label; `overridden`: no held-out evidence supported it. `from_version` null: the label was new."""

    id: UUID
    label: str
    from_version: int | None
    to_version: int
    reason: str
    overridden: bool
    experiment: UUID | None
    evidence: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, view: PromotionView) -> Self:
        """Show a promotion whose versions are at hand."""
        row = view.promotion
        return cls(
            id=row.id,
            label=row.label,
            from_version=row.from_version.number if row.from_version is not None else None,
            to_version=row.to_version.number,
            reason=row.reason,
            overridden=row.overridden,
            experiment=row.experiment_id,
            evidence=row.evidence,
            created_by=view.author,
            created_at=row.created_at,
        )


def version_summary(view: VersionView) -> dict[str, Any]:
    """Return what every view of a version shows."""
    return {
        "number": view.version.number,
        "note": view.version.note,
        "builtin": view.version.builtin,
        "characters": view.characters,
        "labels": list(view.labels),
        "created_by": view.author,
        "created_at": view.version.created_at,
    }
