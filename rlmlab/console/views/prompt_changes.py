"""What changes a prompt: a new version, a label's move, a label's end."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from rlmlab.console.access import member_page
from rlmlab.console.forms.prompts import MoveForm, VersionForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.console.views.prompts import Place, place_of, version_of
from rlmlab.errors import Conflict, Invalid
from rlmlab.tenancy.principals import Principal
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.differences import difference
from trajectories.improvement.evidence import latest_evidence
from trajectories.improvement.promotion import Move, delete_label, move_label
from trajectories.improvement.prompt_queries import VersionView
from trajectories.improvement.prompts import NOTE_CHARACTERS, TEXT_CHARACTERS, create_version, teaches_the_repl
from trajectories.models import PromptLabel
from trajectories.models.prompts import PRODUCTION


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def new_version(request: HttpRequest, principal: Principal, project: str, prompt: str) -> HttpResponse:
    """Write a version, starting from the text of another."""
    principal.require("prompt.edit")
    place = place_of(request, principal, project, prompt)
    base = version_of(place, request.GET.get("from"), queries.prompt_view(principal, place.prompt).versions)
    form = VersionForm(request.POST or None, initial={"text": base.version.text})
    if request.method == "POST" and form.is_valid():
        try:
            made = create_version(by=principal, prompt=place.prompt, **form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"v{made.number} is saved. No label points at it yet.")
            return _to_prompt(place, version=made.number, against=base.version.number, saved=1)
    context = place.context() | {
        "base": base,
        "form": form,
        "teaches": teaches_the_repl(form["text"].value() or ""),
        "most": TEXT_CHARACTERS,
        "most_note": NOTE_CHARACTERS,
    }
    return render(request, "console/prompts_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def move(request: HttpRequest, principal: Principal, project: str, prompt: str) -> HttpResponse:
    """Show what a label's move would change and what speaks for it; move it."""
    principal.require("prompt.promote")
    place = place_of(request, principal, project, prompt)
    asked = request.POST or request.GET
    if not asked.get("version"):
        return _to_prompt(place, show="history")
    target = version_of(place, asked.get("version"), 1)
    name = asked.get("label", "")
    label = next((row for row in queries.labels_of(principal, place.prompt) if row.name == name), None)
    form = MoveForm(request.POST or None, initial={"label": name, "reason": _reason(request, label)})
    if request.method == "POST" and form.is_valid():
        try:
            moved = move_label(by=principal, prompt=place.prompt, move=Move(**form.cleaned_data))
        except (Invalid, Conflict) as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"The label {moved.name} points at v{moved.version.number}.")
            return _to_prompt(place, version=moved.version.number, show="history")
    context = place.context() | _shown(place, label, target) | {"form": form, "name": name}
    return render(request, "console/prompts_move.html", context, status=422 if form.errors else 200)


@require_POST
@member_page
def remove_label(request: HttpRequest, principal: Principal, project: str, prompt: str, label: str) -> HttpResponse:
    """Delete a label."""
    place = place_of(request, principal, project, prompt)
    try:
        delete_label(by=principal, prompt=place.prompt, name=label)
        messages.success(request, f"The label {label} is deleted.")
    except Conflict as error:
        messages.error(request, error.detail)
    return _to_prompt(place, show="history")


def _shown(place: Place, label: PromptLabel | None, target: VersionView) -> dict[str, object]:
    """Return what a move's page shows: where the label stands, what would change, what was measured."""
    if label is None:
        return {"target": target, "before": None, "production": PRODUCTION}
    before = version_of(place, str(label.version.number), 1)
    return {
        "target": target,
        "before": before,
        "difference": difference(before.version.text, target.version.text),
        "evidence": latest_evidence(place.principal, before.version, target.version),
        "production": PRODUCTION,
    }


def _reason(request: HttpRequest, label: PromptLabel | None) -> str:
    """Propose a reason for putting a label back; any other is for its mover to give."""
    undone = request.GET.get("undo") and label is not None
    return f"Put back: undoes the move to v{label.version.number}." if undone and label is not None else ""


def _to_prompt(place: Place, **query: str | int) -> HttpResponse:
    path = reverse("prompt", args=[place.principal.organization.slug, place.project.slug, place.prompt.name])
    return redirect(f"{path}?{urlencode(query)}")
