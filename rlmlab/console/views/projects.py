"""An organization's projects."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from rlmlab.console.access import member_page
from rlmlab.console.forms.projects import ProjectForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import projects_page

PAGE = 100


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def projects(request: HttpRequest, principal: Principal) -> HttpResponse:
    """List them; make one."""
    form = ProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = create_project(by=principal, **form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            return redirect("runs", principal.organization.slug, project.slug)
    after = request.GET.get("after", "")
    found = projects_page(principal, after=after, limit=PAGE + 1)
    context = {
        "principal": principal,
        "projects": found[:PAGE],
        "next": found[PAGE - 1].slug if len(found) > PAGE else "",
        "form": form,
        "creates": principal.can("project.create"),
    }
    return render(request, "console/projects.html", context, status=422 if form.errors else 200)
