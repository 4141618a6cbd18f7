"""Memories of a project."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from ninja import Query, Router, Status

from memory import actions, queries
from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.memories import MemoryChangeIn, MemoryIn, MemoryOut
from rlmlab.scoping.fulltext import MOST_CHARACTERS
from rlmlab.tenancy.queries import project_by_slug

router = Router(tags=["memories"])


@router.get("/projects/{slug}/memories", response=ListOf[MemoryOut], summary="List memories")
def list_memories(
    request: ApiRequest,
    slug: str,
    cursor: Cursor,
    limit: Limit,
    query: Annotated[str, Query("", max_length=MOST_CHARACTERS, description="Any of these words.")],
    status: Annotated[str, Query("active", description="active, forgotten or erased")],
) -> ListOf[MemoryOut]:
    """List a project's memories, newest first."""
    project = project_by_slug(request.auth, slug)
    page = queries.memories_page(request.auth, project, query=query, status=status, cursor=cursor, limit=limit)
    return listed(page, MemoryOut.of)


@router.post("/projects/{slug}/memories", response={200: MemoryOut, 201: MemoryOut}, summary="Keep a memory")
def post_memory(request: ApiRequest, slug: str, body: MemoryIn) -> Status[MemoryOut]:
    """Keep a memory; 200 with the earlier one where the same text is kept already."""
    project = project_by_slug(request.auth, slug)
    kept = actions.add_memory(by=request.auth, project=project, text=body.text, kind=body.kind)
    return Status(HTTPStatus.CREATED if kept.created else HTTPStatus.OK, MemoryOut.of(kept.memory))


@router.get("/memories/{uuid:memory_id}", response=MemoryOut, summary="Get a memory")
def get_memory(request: ApiRequest, memory_id: UUID) -> MemoryOut:
    """Return a memory."""
    return MemoryOut.of(queries.memory_for(request.auth, memory_id))


@router.patch("/memories/{uuid:memory_id}", response=MemoryOut, summary="Edit or pin a memory")
def patch_memory(request: ApiRequest, memory_id: UUID, body: MemoryChangeIn) -> MemoryOut:
    """Change text, pin, or both; nothing is changed when one of them is refused."""
    changed = actions.change_memory(by=request.auth, memory_id=memory_id, text=body.text, pinned=body.pinned)
    return MemoryOut.of(changed)


@router.delete("/memories/{uuid:memory_id}", response=MemoryOut, summary="Forget a memory")
def delete_memory(
    request: ApiRequest,
    memory_id: UUID,
    erase: Annotated[bool, Query(False, description="Delete the text for good.")],
) -> MemoryOut:
    """Forget a memory; it can be restored unless it is erased."""
    act = actions.erase_memory if erase else actions.forget_memory
    return MemoryOut.of(act(by=request.auth, memory_id=memory_id))


@router.post("/memories/{uuid:memory_id}/restore", response=MemoryOut, summary="Restore a forgotten memory")
def restore_memory(request: ApiRequest, memory_id: UUID) -> MemoryOut:
    """Bring a forgotten memory back."""
    return MemoryOut.of(actions.restore_memory(by=request.auth, memory_id=memory_id))
