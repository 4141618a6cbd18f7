"""A project's datasets and their items."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from rlmlab.console.access import member_page, show_project
from rlmlab.console.forms.datasets import DatasetForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Invalid
from rlmlab.scoping.pages import Page
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions.datasets import create_dataset
from trajectories.improvement import datasets as reads
from trajectories.improvement.datasets import DatasetView
from trajectories.models import Item
from trajectories.models.datasets import Split

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page about a dataset is, and who looks."""

    principal: Principal
    project: Project
    view: DatasetView

    def context(self) -> dict[str, Any]:
        """Return it for a template."""
        return {
            "principal": self.principal,
            "project": self.project,
            "dataset": self.view.dataset,
            "counts": self.view.counts,
            "total": self.view.total,
            "manages": self.principal.can("dataset.manage"),
        }

    def address(self) -> tuple[str, str, str]:
        """Return what the dataset's URLs are made of."""
        return (self.principal.organization.slug, self.project.slug, self.view.dataset.name)


def place_of(request: HttpRequest, principal: Principal, project: str, dataset: str) -> Place:
    """Find a dataset by its address, and make its project the navigation's."""
    found = project_by_slug(principal, project)
    show_project(request, found)
    return Place(principal, found, reads.dataset_by_name(principal, found, dataset))


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def datasets(request: HttpRequest, principal: Principal, project: str) -> HttpResponse:
    """List them; make one."""
    found = project_by_slug(principal, project)
    show_project(request, found)
    form = DatasetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_dataset(by=principal, project=found, **form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            return redirect("dataset", principal.organization.slug, found.slug, made.name)
    context = {
        "principal": principal,
        "project": found,
        "page": reads.datasets_page(principal, found, after=request.GET.get("after", ""), limit=PAGE),
        "form": form,
        "manages": principal.can("dataset.manage"),
    }
    return render(request, "console/datasets.html", context, status=422 if form.errors else 200)


@require_safe
@member_page
def dataset(request: HttpRequest, principal: Principal, project: str, dataset: str) -> HttpResponse:
    """Show a dataset's items, newest first, all or those of a split."""
    place = place_of(request, principal, project, dataset)
    split, cursor = request.GET.get("split", ""), request.GET.get("cursor", "")
    page: Page[Item] = Page([], "")
    problem = ""
    try:
        page = reads.items_page(principal, place.view.dataset, split=split, cursor=cursor, limit=PAGE)
    except Invalid as error:
        problem = error.detail
    filters = [("", "All", place.view.total)]
    filters += [(value, label, place.view.counts[value]) for value, label in Split.choices]
    context = place.context() | {"page": page, "split": split, "filters": filters, "problem": problem}
    context["experiments"] = principal.can("experiment.run")
    return render(request, "console/dataset.html", context, status=422 if problem else 200)


@require_safe
@member_page
def item(request: HttpRequest, principal: Principal, project: str, dataset: str, number: int) -> HttpResponse:
    """Show an item: its task, the beginning of its input, the answer it should get."""
    place = place_of(request, principal, project, dataset)
    found = reads.item_of(principal, place.view.dataset, number)
    context = place.context() | {"found": found, "item": found.item, "heading": f"Item {number}"}
    return render(request, "console/dataset_item.html", context)


@require_safe
@member_page
def export_dataset(request: HttpRequest, principal: Principal, project: str, dataset: str) -> HttpResponseBase:
    """Hand out the items in use as JSONL."""
    place = place_of(request, principal, project, dataset)
    lines = reads.export_lines(principal, place.view.dataset)
    response = StreamingHttpResponse(lines, content_type="application/jsonl")
    response["Content-Disposition"] = f'attachment; filename="{place.view.dataset.name}.jsonl"'
    return response
