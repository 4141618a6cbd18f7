"""The images and sounds among a run's inputs."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from ninja import Router

from rlmlab.api.auth import ApiRequest
from trajectories import media, queries

router = Router(tags=["runs"])
BINARY: Final[dict[str, Any]] = {
    "responses": {
        200: {
            "description": "The bytes, under the media type that they have.",
            "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in ("image/*", "audio/*")},
        }
    }
}


@router.get(
    "/runs/{uuid:run_id}/media/{str:sha256}", openapi_extra=BINARY, summary="Get an image or a sound of the input"
)
def get_media(request: ApiRequest, run_id: UUID, sha256: str) -> HttpResponse:
    """Return an image or a sound among the run's inputs, by the SHA-256 that its messages name it by.

    Its type was told from its bytes. Whoever opens it by its address gets no script and no markup out of it.
    """
    run = queries.run_for(request.auth, run_id)
    found = media.media_input(run, sha256)
    return HttpResponse(media.content(found), headers=media.headers_of(found))
