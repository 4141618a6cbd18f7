"""Projects."""

from http import HTTPStatus

from ninja import Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.projects import ProjectIn, ProjectOut, ProjectPatch
from rlmlab.scoping.pages import Page
from rlmlab.tenancy.actions.projects import configure_project, create_project
from rlmlab.tenancy.queries import project_by_slug, projects_page

router = Router(tags=["projects"])


@router.get("", response=ListOf[ProjectOut], summary="List projects")
def list_projects(request: ApiRequest, cursor: Cursor, limit: Limit) -> ListOf[ProjectOut]:
    """List the organization's projects by slug."""
    rows = projects_page(request.auth, after=cursor, limit=limit + 1)
    more = rows[limit - 1].slug if len(rows) > limit else ""
    return listed(Page(rows[:limit], more), ProjectOut.of)


@router.post("", response={201: ProjectOut}, summary="Create a project")
def post_project(request: ApiRequest, body: ProjectIn) -> Status[ProjectOut]:
    """Make a project."""
    project = create_project(by=request.auth, **body.model_dump())
    return Status(HTTPStatus.CREATED, ProjectOut.of(project))


@router.get("/{slug}", response=ProjectOut, summary="Get a project")
def get_project(request: ApiRequest, slug: str) -> ProjectOut:
    """Return a project with its settings."""
    return ProjectOut.of(project_by_slug(request.auth, slug))


@router.patch("/{slug}", response=ProjectOut, summary="Change a project's settings")
def patch_project(request: ApiRequest, slug: str, body: ProjectPatch) -> ProjectOut:
    """Change what is given and nothing else."""
    project = project_by_slug(request.auth, slug)
    return ProjectOut.of(configure_project(by=request.auth, project=project, changes=body.changes()))
