"""Projects, and that another organization's are not found."""

import pytest

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.queries import project_by_slug, projects_page

pytestmark = pytest.mark.django_db


def test_create_project_stores_and_records(ada: Principal) -> None:
    made = create_project(by=ada, slug="papers", default_model="openai/gpt-5-mini", default_environment="docker")
    found = project_by_slug(ada, "papers")
    assert found == made
    assert (found.name, found.default_model, found.default_environment) == ("papers", "openai/gpt-5-mini", "docker")
    assert str(found) == "papers"
    with scoping.organization(ada.organization):
        entry = AuditEntry.objects.get(object_id=made.id)
    assert (entry.action, entry.actor_id) == ("project.create", ada.actor.id)
    assert entry.changes == {"slug": "papers", "name": "papers"}


def test_two_organizations_may_use_one_slug(ada: Principal, bo: Principal) -> None:
    assert project_by_slug(ada, "demo") != project_by_slug(bo, "demo")


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"slug": "demo"}, 'slug: "demo" is taken'),
        ({"slug": "new"}, 'slug: "new" is reserved; choose another'),
        ({"slug": "x", "name": "a\x00"}, "name: must not contain control characters or lone surrogates"),
        ({"slug": "x", "default_model": "m" * 201}, "default_model: has 201 characters; 200 are allowed"),
    ],
)
def test_create_project_refuses_a_bad_field(ada: Principal, fields: dict[str, str], detail: str) -> None:
    with pytest.raises(Invalid) as caught:
        create_project(by=ada, **fields)
    assert caught.value.detail == detail
    assert [project.slug for project in projects_page(ada)] == ["demo"]


def test_viewer_sees_projects_and_makes_none(vera: Principal) -> None:
    assert project_by_slug(vera, "demo").slug == "demo"
    with pytest.raises(PermissionMissing):
        create_project(by=vera, slug="papers")


def test_another_organizations_project_is_not_found(ada: Principal, bo: Principal) -> None:
    create_project(by=ada, slug="papers")
    with pytest.raises(NotFound, match='no project "papers"'):
        project_by_slug(bo, "papers")


def test_projects_page_goes_on_behind_a_slug(ada: Principal, bo: Principal) -> None:
    for slug in ("b", "a", "c"):
        create_project(by=ada, slug=slug)
    assert [project.slug for project in projects_page(ada, limit=2)] == ["a", "b"]
    assert [project.slug for project in projects_page(ada, after="b")] == ["c", "demo"]
    assert [project.slug for project in projects_page(bo)] == ["demo"]


def test_projects_page_makes_the_same_queries_for_one_and_three(
    ada: Principal, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert len(projects_page(ada)) == 1
    create_project(by=ada, slug="b")
    create_project(by=ada, slug="c")
    with django_assert_num_queries(5):  # type: ignore[operator]
        assert len(projects_page(ada)) == 3


def test_project_row_refuses_what_the_action_would(ada: Principal) -> None:
    with pytest.raises(Exception, match="project_slug_is_valid"), scoping.organization(ada.organization):
        Project.objects.create(organization=ada.organization, slug="Not Valid", name="x")
