"""Projects, through their page."""

import pytest
from django.test import Client

from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import projects_page
from tests.console.page import links_of, text_of

pytestmark = pytest.mark.django_db

PROJECTS = "/o/acme/projects"


def test_a_project_is_made_and_opens(as_ada: Client, ada: Principal) -> None:
    response = as_ada.post(PROJECTS, {"slug": "papers", "name": "Papers", "default_environment": "restricted"})
    assert (response.status_code, response["Location"]) == (302, "/o/acme/p/papers/runs")
    made = next(project for project in projects_page(ada) if project.slug == "papers")
    assert (made.name, made.default_environment) == ("Papers", "restricted")


@pytest.mark.parametrize(("slug", "said"), [("demo", "is taken"), ("No Good", ""), ("", "This field is required.")])
def test_a_bad_short_name_is_refused_at_its_field(as_ada: Client, ada: Principal, slug: str, said: str) -> None:
    response = as_ada.post(PROJECTS, {"slug": slug, "name": "x"})
    assert response.status_code == 422
    assert said in " ".join(response.context["form"].errors["slug"])
    assert [project.slug for project in projects_page(ada)] == ["demo"]


def test_a_viewer_reads_projects_and_makes_none(as_vera: Client, ada: Principal) -> None:
    page = as_vera.get(PROJECTS)
    assert "/o/acme/p/demo/runs" in links_of(page)
    assert "New project" not in text_of(page)
    assert as_vera.post(PROJECTS, {"slug": "papers"}).status_code == 403
    assert len(projects_page(ada)) == 1


def test_many_projects_are_paged(as_ada: Client, ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.console.views.projects.PAGE", 1)
    as_ada.post(PROJECTS, {"slug": "zebra"})
    first = as_ada.get(PROJECTS)
    assert [project.slug for project in first.context["projects"]] == ["demo"]
    second = as_ada.get(PROJECTS, {"after": first.context["next"]})
    assert [project.slug for project in second.context["projects"]] == ["zebra"]
