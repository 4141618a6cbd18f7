"""Files of a project."""

from http import HTTPStatus

from ninja import File, Router, Status
from ninja.files import UploadedFile

from rlmlab.api.auth import ApiRequest
from rlmlab.api.schemas.files import FileOut
from rlmlab.tenancy.queries import project_by_slug
from trajectories.actions.files import store_file

router = Router(tags=["files"])


@router.post("/{slug}/files", response={201: FileOut}, summary="Store a file")
def post_file(request: ApiRequest, slug: str, file: File[UploadedFile]) -> Status[FileOut]:
    """Store an uploaded file byte for byte; larger ones wait on disk, none is held whole in memory."""
    project = project_by_slug(request.auth, slug)
    stored = store_file(by=request.auth, project=project, name=file.name or "", chunks=file.chunks())
    return Status(HTTPStatus.CREATED, FileOut.of(stored))
