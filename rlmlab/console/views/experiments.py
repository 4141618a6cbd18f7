"""A project's experiments: their list, the form of a new one, the page of one."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from rlmlab.console.access import member_page, show_project
from rlmlab.console.forms.experiments import LIMITS, ExperimentForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Conflict, FieldError, Invalid
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions.experiments import cancel_experiment as stop_experiment
from trajectories.actions.experiments import create_experiment
from trajectories.improvement import datasets, evaluation
from trajectories.improvement.evaluation import Comparison, Kind
from trajectories.improvement.plans import Estimate, estimate_of
from trajectories.improvement.prompt_queries import labels_of, prompt_for, versions_page
from trajectories.models.prompts import PRODUCTION, SYSTEM_PROMPT
from trajectories.recent import default_model, model_names

PAGE: Final = 20
CHOICES: Final = 100
KINDS: Final = (
    (Kind.WIN, "▲ better", "ok"),
    (Kind.LOSS, "▼ worse", "bad"),
    (Kind.BOTH_RIGHT, "= both right", "calm"),
    (Kind.BOTH_WRONG, "= both wrong", "calm"),
    (Kind.MISSING, "missing", "warn"),
    (Kind.OPEN, "running", "info"),
)


@require_safe
@member_page
def experiments(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List them, newest first, with what came of them."""
    found = project_by_slug(principal, project)
    show_project(request, found)
    context = {
        "principal": principal,
        "project": found,
        "page": evaluation.experiments_page(principal, found, cursor=request.GET.get("cursor", ""), limit=PAGE),
        "starts": principal.can("experiment.run"),
    }
    return render(request, "console/experiments.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request")
@member_page
def new_experiment(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """Show the form, filled in from the address; start the experiment. A request by htmx gets the estimate alone."""
    principal.require("experiment.run")
    found = project_by_slug(principal, project)
    show_project(request, found)
    form = _form(request, principal, found)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_experiment(by=principal, project=found, request=form.request())
        except Invalid as error:
            _show(form, error)
        else:
            return redirect("experiment", principal.organization.slug, found.slug, made.id)
    context = {
        "principal": principal,
        "project": found,
        "form": form,
        "models": model_names(principal, found),
        "default_model": default_model(found),
        "estimate": _estimate(principal, found, form),
    }
    template = (
        "console/experiment_estimate.html" if request.headers.get("HX-Request") else "console/experiment_new.html"
    )
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def _form(request: HttpRequest, principal: Principal, project: Project) -> ExperimentForm:
    """Make the form: of what was sent, else of what the address asks for, with the latest versions as defaults."""
    prompt = prompt_for(principal, project, SYSTEM_PROMPT)
    labels = {label.version.number: label.name for label in labels_of(principal, prompt)}
    production = next((str(number) for number, name in labels.items() if name == PRODUCTION), "")
    rows = versions_page(principal, prompt, limit=CHOICES).items
    versions = [(str(view.version.number), _version_label(view.version.number, view.labels)) for view in rows]
    views = datasets.datasets_page(principal, project, limit=CHOICES).items
    offered = [(view.dataset.name, f"{view.dataset.name} · {view.total} items") for view in views]
    defaults = {
        "baseline": production,
        "candidate": next((number for number, _ in versions if number != production), ""),
        "dataset": offered[0][0] if offered else "",
        "split": "holdout",
    }
    data: Any = request.POST if request.method == "POST" else defaults | request.GET.dict()
    return ExperimentForm(data, datasets=offered, versions=versions)


def _version_label(number: int, labels: tuple[str, ...]) -> str:
    return " · ".join([f"v{number}", *labels])


def _estimate(principal: Principal, project: Project, form: ExperimentForm) -> Estimate | None:
    """Say what the experiment would take; None where the form cannot be carried out, and then it says why."""
    if not form.is_valid():
        return None
    try:
        return estimate_of(principal, project, form.request())
    except Invalid as error:
        _show(form, error)
        return None


def _show(form: ExperimentForm, error: Invalid) -> None:
    """Show a refusal at the fields: the form has those of the budget under their own names."""
    errors = tuple(FieldError(item.field.removeprefix("budget."), item.message) for item in error.errors)
    show_refusal(form, Invalid(error.detail, errors=errors))


@require_safe
@vary_on_headers("HX-Request")
@member_page
def experiment(request: HttpRequest, principal: Principal, project: str, experiment_id: UUID) -> HttpResponse:
    """Show what came of an experiment, item by item; a request by htmx gets the results alone."""
    place = project_by_slug(principal, project)
    show_project(request, place)
    found = evaluation.experiment_for(principal, place, experiment_id)
    seen = evaluation.comparison_of(found)
    kind = request.GET.get("kind", "")
    rows = seen.of_kind(kind) if kind in list(Kind) else seen.rows
    context = {
        "principal": principal,
        "project": place,
        "experiment": found,
        "seen": seen,
        "rows": rows,
        "kind": kind,
        "filters": [(value, label, tone, seen.count(value)) for value, label, tone in KINDS],
        "bar": _bar(seen),
        "limits": {name: found.plan["budget"][name] for name in LIMITS},
        "stops": principal.can("experiment.run"),
        "promotes": principal.can("prompt.promote"),
    }
    template = "console/experiment_results.html" if request.headers.get("HX-Request") else "console/experiment.html"
    return render(request, template, context)


def _bar(seen: Comparison) -> list[tuple[str, str, int, int]]:
    """Lay the items out side by side by what they say: (kind, words, start, width), in items."""
    order = (Kind.WIN, Kind.BOTH_RIGHT, Kind.BOTH_WRONG, Kind.LOSS, Kind.MISSING, Kind.OPEN)
    words = {kind: label for kind, label, _ in KINDS}
    counts = {kind: seen.count(kind) for kind in order} | {Kind.MISSING: seen.missing}
    laid, start = [], 0
    for kind in order:
        if counts[kind]:
            laid.append((kind.value, f"{counts[kind]} {words[kind]}", start, counts[kind]))
        start += counts[kind]
    return laid


@require_POST
@member_page
def cancel_experiment(request: HttpRequest, principal: Principal, project: str, experiment_id: UUID) -> HttpResponse:
    """Stop the runs that have not ended."""
    place = project_by_slug(principal, project)
    found = evaluation.experiment_for(principal, place, experiment_id)
    try:
        stop_experiment(by=principal, experiment=found)
    except Conflict as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "What waited is stopped; what works stops within seconds.")
    return redirect("experiment", principal.organization.slug, place.slug, found.id)
