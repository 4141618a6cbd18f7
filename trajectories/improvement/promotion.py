"""Moving labels: which version is in production, who decided it, and on which evidence."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.tenancy.principals import Principal
from trajectories.improvement.evidence import chosen_evidence, latest_evidence
from trajectories.improvement.labels import Grounds, clean_label, label_of, locked, point
from trajectories.improvement.prompts import refuse_foreign_prompt
from trajectories.models import Prompt, PromptLabel, PromptVersion
from trajectories.models.prompts import PRODUCTION
from trajectories.requests import clean_text

REASON_CHARACTERS: Final = 2000
LEAST_REASON: Final = 10


@dataclass(frozen=True, slots=True)
class Move:
    """Where a label shall point, and why.

    `experiment` None: the latest that compared the two versions. `seen` is the version at which its mover saw the label
    (0: it was not there), None where that does not matter.
    """

    label: str
    version: int
    reason: str
    experiment: UUID | None = None
    seen: int | None = None


def move_label(*, by: Principal, prompt: Prompt, move: Move) -> PromptLabel:
    """Point a label at a version, and keep why; one that points there already stays as it is.

    Raises:
        Invalid: the label's name, the version, the reason or the experiment is not valid.
        Conflict: the label was moved since it was seen.
        NotFound: the prompt is another organization's.
    """
    by.require("prompt.promote")
    refuse_foreign_prompt(by, prompt)
    name = clean_label(move.label)
    reason = _clean_reason(name, move.reason)
    with scoping.organization(by.organization):
        prompt = locked(prompt)
        version = _version(prompt, move.version)
        label = label_of(prompt, name)
        if label is not None and label.version_id == version.id:
            return label
        if move.seen is not None and move.seen != (label.version.number if label is not None else 0):
            raise Conflict(f"The label {name} was moved meanwhile. Look at it again before you decide.")
        before = None if label is None else label.version
        return point(prompt, name, version, by=by.actor, grounds=_grounds(by, move, before, version, reason))


def _grounds(by: Principal, move: Move, before: PromptVersion | None, after: PromptVersion, reason: str) -> Grounds:
    """Return why a label moves, with what was measured; a new label comes from nowhere, so nothing can be compared."""
    if before is None:
        if move.experiment is not None:
            raise Invalid.field("experiment", "cannot be evidence: the label is new, so that nothing was compared")
        return Grounds(reason, overridden=True)
    latest = latest_evidence(by, before, after)
    found = latest if move.experiment is None else chosen_evidence(move.experiment, before, after)
    if found is None:
        return Grounds(reason, overridden=True)
    # an earlier experiment may be named, but does not count where a later one has finished: see latest_evidence
    counts = latest is not None and latest.experiment.id == found.experiment.id
    supported = counts and found.supports
    return Grounds(reason, overridden=not supported, experiment=found.experiment, evidence=found.snapshot())


def _clean_reason(label: str, reason: str) -> str:
    reason = clean_text("reason", reason.strip(), REASON_CHARACTERS)
    if label == PRODUCTION and len(reason) < LEAST_REASON:
        raise Invalid.field("reason", f"must have at least {LEAST_REASON} characters: every new run depends on it")
    return reason


def _version(prompt: Prompt, number: int) -> PromptVersion:
    found = PromptVersion.objects.for_org(prompt.organization_id).filter(prompt=prompt, number=number)
    version = found.defer("text").first()
    if version is None:
        raise Invalid.field("version", f'the prompt "{prompt.name}" has no version {number}')
    return version


def delete_label(*, by: Principal, prompt: Prompt, name: str) -> None:
    """Delete a label; the history of its moves stays.

    Raises:
        Conflict: it is `production`, which runs use.
        NotFound: there is no such label, or the prompt is another organization's.
    """
    by.require("prompt.promote")
    refuse_foreign_prompt(by, prompt)
    with scoping.organization(by.organization):
        label = label_of(locked(prompt), name)
        if label is None:
            raise NotFound(f'The prompt "{prompt.name}" has no label "{name}".')
        if name == PRODUCTION:
            raise Conflict(f"The label {PRODUCTION} cannot be deleted: runs use the version it points at.")
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="prompt.delete_label",
            object_type="prompt_label",
            object_id=label.id,
            changes={"prompt": prompt.name, "label": name, "version": {"from": label.version.number, "to": None}},
        )
        label.delete()
