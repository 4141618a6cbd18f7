"""Making projects."""

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.tenancy.fields import clean_environment, clean_slug, clean_text, unique
from rlmlab.tenancy.models import EnvironmentName, Project
from rlmlab.tenancy.principals import Principal


def create_project(
    *,
    by: Principal,
    slug: str,
    name: str = "",
    default_model: str = "",
    default_environment: str = EnvironmentName.AUTO,
) -> Project:
    """Make a project; without a name it is called by its slug.

    Raises:
        Invalid: a field is not valid, or the slug is taken.
    """
    by.require("project.create")
    project = Project(
        organization=by.organization,
        slug=clean_slug("slug", slug),
        name=clean_text("name", name or slug),
        default_model=clean_text("default_model", default_model, limit=200, blank=True),
        default_environment=clean_environment("default_environment", default_environment),
    )
    with scoping.organization(by.organization):
        with unique("project_slug_once_per_organization", "slug", f'"{slug}" is taken'):
            project.save(force_insert=True)
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="project.create",
            object_type="project",
            object_id=project.id,
            changes={"slug": project.slug, "name": project.name},
        )
    return project
