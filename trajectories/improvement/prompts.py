"""Versions of prompts: what the engine teaches, what people write instead, and which of them a run gets."""

import re
from typing import Final

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.audit.actors import SYSTEM, Actor
from rlmlab.engine.prompts import full, opening
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy import fields
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.improvement.labels import Grounds, label_of, locked, place, point
from trajectories.models import Prompt, PromptLabel, PromptVersion
from trajectories.models.prompts import PRODUCTION, SYSTEM_PROMPT
from trajectories.requests import clean_text

TEXT_CHARACTERS: Final = 100_000
TEXT_LINES: Final = 5_000
NOTE_CHARACTERS: Final = 500
BUILTIN_NOTE: Final = "What this release of RLM Lab teaches."
NEW_BUILTIN: Final = "A new release of RLM Lab teaches another text, and the label stood at that of the one before."
_REFERENCE: Final = re.compile(
    r"(?:(?P<prompt>[a-z0-9-]{1,50})@)?(?:v?(?P<number>[0-9]{1,9})|(?P<label>[a-z0-9-]{1,50}))"
)
_LINE_END: Final = re.compile(r"\r\n?")


def ensure_system_prompt(project: Project) -> Prompt:
    """Return the prompt that a project's runs use; what this release teaches is one of its versions.

    A release that teaches a new text adds a version, and moves `production` only where it stood at the text of the
    release before: who chose another keeps it. A text that is there already is never added again, so that two releases
    that work side by side during a deployment do not take turns.
    """
    with scoping.organization(project.organization_id):
        return _taught(project) or _teach(project)


def _taught(project: Project) -> Prompt | None:
    found = PromptVersion.objects.for_org(project.organization_id).filter(
        prompt__project=project, prompt__name=SYSTEM_PROMPT, builtin=True, text=full.SYSTEM
    )
    version = found.select_related("prompt").defer("text").first()
    return None if version is None else version.prompt


def _teach(project: Project) -> Prompt:
    of_organization = {"organization_id": project.organization_id}
    made, _ = Prompt.objects.get_or_create(project=project, name=SYSTEM_PROMPT, defaults=of_organization)
    prompt = locked(made)
    if (found := _taught(project)) is not None:  # somebody was faster
        return found
    builtin = PromptVersion.objects.for_org(prompt.organization_id).filter(prompt=prompt, builtin=True)
    before = builtin.defer("text").order_by("-number").first()
    version = _add(prompt, full.SYSTEM, BUILTIN_NOTE, by=SYSTEM, builtin=True)
    production = label_of(prompt, PRODUCTION)
    if production is None:
        place(prompt, PRODUCTION, version)
    elif before is not None and production.version_id == before.id:
        point(prompt, PRODUCTION, version, by=SYSTEM, grounds=Grounds(NEW_BUILTIN, overridden=True))
    return prompt


def create_version(*, by: Principal, prompt: Prompt, text: str, note: str = "") -> PromptVersion:
    """Add a version to a prompt; no label points at it yet.

    Raises:
        Invalid: the text is empty, too long, cannot be stored or is the latest version's; or the note is not valid.
        NotFound: the prompt is another organization's.
    """
    by.require("prompt.edit")
    refuse_foreign_prompt(by, prompt)
    text = clean_text("text", _LINE_END.sub("\n", text), TEXT_CHARACTERS)
    if (lines := text.count("\n")) > TEXT_LINES:
        raise Invalid.field("text", f"has {lines:,} lines; {TEXT_LINES:,} are allowed")
    note = fields.clean_text("note", note, limit=NOTE_CHARACTERS, blank=True)
    with scoping.organization(by.organization):
        return _add(locked(prompt), text, note, by=by.actor)


def _add(prompt: Prompt, text: str, note: str, *, by: Actor, builtin: bool = False) -> PromptVersion:
    """Number a version of a locked prompt."""
    latest = PromptVersion.objects.for_org(prompt.organization_id).filter(prompt=prompt).order_by("-number").first()
    if latest is not None and latest.text == text and not builtin:
        raise Invalid.field("text", f"is the text of v{latest.number}, the latest version: nothing is changed")
    version = PromptVersion.objects.create(
        organization_id=prompt.organization_id,
        prompt=prompt,
        number=latest.number + 1 if latest is not None else 1,
        text=text,
        note=note,
        builtin=builtin,
        created_by_kind=by.kind,
        created_by_id=by.id,
    )
    record(
        organization_id=prompt.organization_id,
        actor=by,
        action="prompt.create_version",
        object_type="prompt_version",
        object_id=version.id,
        changes={"prompt": prompt.name, "version": version.number, "characters": len(text), "note": note},
    )
    return version


def refuse_foreign_prompt(by: Principal, prompt: Prompt) -> None:
    """Go on only with a prompt of the principal's organization.

    Raises:
        NotFound: it is another's.
    """
    if prompt.organization_id != by.organization_id:
        raise NotFound(f'There is no prompt "{prompt.name}".')


def version_for_run(project: Project, reference: str) -> PromptVersion:
    """Return the version that a new run gets, with its prompt and without its text; within a scope.

    A reference is empty (what `production` points at), a label, a version's number (`3` or `v3`), or one of these
    behind the prompt's name (`system@3`).

    Raises:
        Invalid: there is no such label or version.
    """
    prompt = ensure_system_prompt(project)
    parts = _REFERENCE.fullmatch(reference or PRODUCTION)
    version = None
    if parts is not None and (parts["prompt"] or SYSTEM_PROMPT) == SYSTEM_PROMPT:
        version = _numbered(prompt, int(parts["number"])) if parts["number"] else _labelled(prompt, parts["label"])
    if version is None:
        known = PromptLabel.objects.for_org(project.organization_id).filter(prompt=prompt).order_by("name")
        names = ", ".join(known.values_list("name", flat=True))
        raise Invalid.field("prompt", f'"{reference[:50]}" is neither a version\'s number nor a label ({names})')
    version.prompt = prompt
    return version


def _numbered(prompt: Prompt, number: int) -> PromptVersion | None:
    found = PromptVersion.objects.for_org(prompt.organization_id).filter(prompt=prompt, number=number)
    return found.defer("text").first()


def _labelled(prompt: Prompt, name: str) -> PromptVersion | None:
    label = label_of(prompt, name)
    return None if label is None else label.version


def teaches_the_repl(text: str) -> bool:
    """Tell whether a text says itself what the engine otherwise adds: the REPL, and how to submit."""
    return all(word in text for word in opening.TAUGHT)


def composed(text: str) -> str:
    """Return the system prompt that a model gets with this text, a tiny local model and the project's memory aside."""
    return opening.system_text(ModelInfo("", None), text)


def own_text(version: PromptVersion) -> str | None:
    """Return the text that the engine shall use instead of its own; None: its own, which a tiny model gets shorter.

    What an earlier release taught is a text like any other: this release's own would not be the version's.
    """
    return None if version.builtin and version.text == full.SYSTEM else version.text
