"""Projects as the API shows and takes them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from ninja import Schema

from rlmlab.api.schemas.base import Body
from rlmlab.tenancy.models import Project


class ProjectIn(Body):
    """A new project; without a name it is called by its slug."""

    slug: str
    name: str = ""
    default_model: str = ""
    default_environment: str = "auto"


class ProjectOut(Schema):
    """A project."""

    id: UUID
    slug: str
    name: str
    default_model: str | None
    default_environment: str
    created_at: datetime

    @classmethod
    def of(cls, project: Project) -> Self:
        """Show a project."""
        return cls(
            id=project.id,
            slug=project.slug,
            name=project.name,
            default_model=project.default_model or None,
            default_environment=project.default_environment,
            created_at=project.created_at,
        )
