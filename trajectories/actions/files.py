"""Storing files."""

from collections.abc import Iterable

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories import blobs
from trajectories.models import File
from trajectories.requests import clean_text

NAME_CHARACTERS = 255


def refuse_foreign(by: Principal, project: Project) -> None:
    """Go on only with a project of the principal's organization: foreign keys are not held by row-level security.

    Raises:
        NotFound: it is another's.
    """
    if project.organization_id != by.organization_id:
        raise NotFound(f'There is no project "{project.slug}".')


def store_file(*, by: Principal, project: Project, name: str, chunks: Iterable[bytes]) -> File:
    """Store a file's bytes as they are, under a name in a project; equal bytes are kept once.

    Raises:
        Invalid: the name is empty, too long, or a path.
        NotFound: the project is another organization's.
    """
    by.require("file.create")
    refuse_foreign(by, project)
    name = clean_text("file", name, NAME_CHARACTERS)
    if "/" in name or name in {".", ".."}:
        raise Invalid.field("file", "its name must not be a path")
    with scoping.organization(by.organization):
        blob = blobs.put(organization_id=by.organization_id, pieces=chunks)
        file = File.objects.create(
            organization=by.organization,
            project=project,
            name=name,
            blob=blob,
            created_by_kind=by.actor.kind,
            created_by_id=by.actor.id,
        )
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="file.create",
            object_type="file",
            object_id=file.id,
            changes={"name": name, "size": blob.size, "sha256": blob.sha256},
        )
    return file
