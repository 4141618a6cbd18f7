"""Labels of a prompt: names that point at one version, each move of which is kept with its grounds."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils import timezone

from rlmlab.audit.actions import record
from rlmlab.audit.actors import Actor
from rlmlab.errors import Invalid
from rlmlab.tenancy.fields import is_slug
from trajectories.models import Experiment, Promotion, Prompt, PromptLabel, PromptVersion

LABELS: Final = 50
"""As many a prompt may have: they are listed whole."""
_READS_AS_A_NUMBER: Final = re.compile(r"v?[0-9]+")


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a label moves. `evidence` is what the experiment showed; `overridden`: it did not support the move."""

    reason: str
    overridden: bool
    experiment: Experiment | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def clean_label(name: str) -> str:
    """Return a label's name; one that reads as a version's number would be ambiguous where a run names its prompt.

    Raises:
        Invalid: it is not one.
    """
    if not is_slug(name):
        raise Invalid.field("label", "must be up to 50 lower-case letters, digits and inner hyphens")
    if _READS_AS_A_NUMBER.fullmatch(name):
        raise Invalid.field("label", f'"{name}" reads as the number of a version; choose a word')
    return name


def locked(prompt: Prompt) -> Prompt:
    """Return the prompt, held until the transaction ends: its versions are numbered and its labels moved in turn."""
    return Prompt.objects.for_org(prompt.organization_id).select_for_update(of=("self",)).get(id=prompt.id)


def label_of(prompt: Prompt, name: str) -> PromptLabel | None:
    """Return a label with its version, without the text; None where there is none of this name."""
    found = PromptLabel.objects.for_org(prompt.organization_id).filter(prompt=prompt, name=name)
    return found.select_related("version").defer("version__text").first()


def point(prompt: Prompt, name: str, version: PromptVersion, *, by: Actor, grounds: Grounds) -> PromptLabel:
    """Point a label of a locked prompt at a version, and keep why.

    Raises:
        Invalid: the label is new, and the prompt has as many as it may.
    """
    label = label_of(prompt, name)
    before = label.version if label is not None else None
    if label is None:
        label = place(prompt, name, version)
    else:
        label.version, label.moved_at = version, timezone.now()
        label.save(update_fields=["version", "moved_at"])
    promotion = Promotion.objects.create(
        organization_id=prompt.organization_id,
        prompt=prompt,
        label=name,
        from_version=before,
        to_version=version,
        experiment=grounds.experiment,
        evidence=grounds.evidence,
        overridden=grounds.overridden,
        reason=grounds.reason,
        created_by_kind=by.kind,
        created_by_id=by.id,
    )
    moved = {"from": before and before.number, "to": version.number}
    record(
        organization_id=prompt.organization_id,
        actor=by,
        action="prompt.move_label",
        object_type="promotion",
        object_id=promotion.id,
        changes={"prompt": prompt.name, "label": name, "version": moved, "overridden": grounds.overridden},
    )
    return label


def place(prompt: Prompt, name: str, version: PromptVersion) -> PromptLabel:
    """Make a label.

    Raises:
        Invalid: the prompt has as many as it may.
    """
    of_prompt = PromptLabel.objects.for_org(prompt.organization_id).filter(prompt=prompt)
    if of_prompt.count() >= LABELS:
        raise Invalid.field("label", f"is one more than the {LABELS} that a prompt may have; delete another first")
    return PromptLabel.objects.create(
        organization_id=prompt.organization_id, prompt=prompt, name=name, version=version, moved_at=timezone.now()
    )
