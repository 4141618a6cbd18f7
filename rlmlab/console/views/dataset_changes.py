"""Filling a dataset: an item by hand, a file, a run; and retiring items."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from rlmlab.console.access import member_page, show_project
from rlmlab.console.forms.datasets import ImportForm, ItemForm, RunItemForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.console.views.datasets import place_of
from rlmlab.errors import FieldError, Invalid, NotFound
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions import datasets as actions
from trajectories.improvement import datasets as reads
from trajectories.improvement.uploads import FILE_BYTES
from trajectories.queries import run_for

FIRST = "items.0."


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def new_item(request: HttpRequest, principal: Principal, project: str, dataset: str) -> HttpResponse:
    """Add an item by hand, and offer the form for the next one."""
    principal.require("dataset.manage")
    place = place_of(request, principal, project, dataset)
    form = ItemForm(*_sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            (made,) = actions.add_items(by=principal, dataset=place.view.dataset, items=[form.new()])
        except Invalid as error:
            _show(form, error)
        else:
            messages.success(request, f"Item {made.number} is added.")
            return redirect("new_item", *place.address())
    return render(
        request, "console/dataset_add.html", place.context() | {"form": form}, status=422 if form.errors else 200
    )


def _sent(request: HttpRequest) -> tuple[Any, Any]:
    """Return what a form was sent, which may be nothing at all; None for a form that is only looked at."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def _show(form: forms.Form, error: Invalid) -> None:
    """Show the errors of the only item of a list at the form's fields."""
    errors = tuple(FieldError(item.field.removeprefix(FIRST), item.message) for item in error.errors)
    show_refusal(form, Invalid(error.detail, errors=errors))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def import_items(request: HttpRequest, principal: Principal, project: str, dataset: str) -> HttpResponse:
    """Add the items of a file, all or none."""
    principal.require("dataset.manage")
    place = place_of(request, principal, project, dataset)
    form = ImportForm(*_sent(request))
    if request.method == "POST" and form.is_valid():
        file, split = form.cleaned_data["file"], form.cleaned_data["split"]
        try:
            if file.size > FILE_BYTES:
                raise Invalid.field("file", f"has {file.size:,} bytes; {FILE_BYTES:,} are allowed")
            count = actions.import_items(
                by=principal, dataset=place.view.dataset, file=file.file, name=file.name, split=split
            )
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"{count:,} items are added.")
            return redirect("dataset", *place.address())
    return render(
        request, "console/dataset_import.html", place.context() | {"form": form}, status=422 if form.errors else 200
    )


@require_POST
@member_page
def retire_item(request: HttpRequest, principal: Principal, project: str, dataset: str, number: int) -> HttpResponse:
    """Use an item no more."""
    place = place_of(request, principal, project, dataset)
    found = reads.item_of(principal, place.view.dataset, number)
    actions.retire_item(by=principal, item=found.item)
    messages.success(request, f"Item {number} is retired: new experiments leave it out.")
    return redirect("dataset", *place.address())


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def run_item(request: HttpRequest, principal: Principal, project: str, run_id: UUID) -> HttpResponse:
    """Make an item of a run, with the answer that somebody corrected, or its own."""
    principal.require("dataset.manage")
    found = project_by_slug(principal, project)
    show_project(request, found)
    run = run_for(principal, run_id)
    if run.project_id != found.id:
        raise NotFound(f"There is no run {run_id}.")
    names = [view.dataset.name for view in reads.datasets_page(principal, found).items]
    form = RunItemForm(
        request.POST or None, datasets=names, initial={"expected": _as_text(reads.expected_of(principal, run))}
    )
    if request.method == "POST" and form.is_valid():
        try:
            dataset = reads.dataset_by_name(principal, found, form.cleaned_data["dataset"]).dataset
            made = actions.add_item_from_run(
                by=principal,
                run=run,
                dataset=dataset,
                split=form.cleaned_data["split"],
                expected=form.cleaned_data["expected"],
            )
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"The run is item {made.number} of {dataset.name}.")
            return redirect("dataset", principal.organization.slug, found.slug, dataset.name)
    context: dict[str, Any] = {"principal": principal, "project": found, "run": run, "form": form, "names": names}
    return render(request, "console/dataset_run.html", context, status=422 if form.errors else 200)


def _as_text(value: Any) -> str:
    """Write an answer as a person would type it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
