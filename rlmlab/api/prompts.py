"""Prompts of a project: versions, labels and their moves."""

from http import HTTPStatus

from ninja import Router, Status

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.prompts import (
    LabelIn,
    LabelOut,
    PromotionOut,
    PromptOut,
    VersionIn,
    VersionOut,
    VersionSummary,
)
from rlmlab.tenancy.queries import project_by_slug
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.promotion import Move, delete_label, move_label
from trajectories.improvement.prompts import create_version
from trajectories.models import Prompt

router = Router(tags=["prompts"])
ONE = "/{slug}/prompts/{prompt}"


def _prompt(request: ApiRequest, slug: str, name: str) -> Prompt:
    return queries.prompt_for(request.auth, project_by_slug(request.auth, slug), name)


@router.get("/{slug}/prompts", response=ListOf[PromptOut], summary="List prompts")
def list_prompts(request: ApiRequest, slug: str, cursor: Cursor, limit: Limit) -> ListOf[PromptOut]:
    """List a project's prompts by name; runs use the one called `system`."""
    project = project_by_slug(request.auth, slug)
    return listed(queries.prompts_page(request.auth, project, cursor=cursor, limit=limit), PromptOut.of)


@router.get(ONE, response=PromptOut, summary="Get a prompt")
def get_prompt(request: ApiRequest, slug: str, prompt: str) -> PromptOut:
    """Return a prompt."""
    return PromptOut.of(queries.prompt_view(request.auth, _prompt(request, slug, prompt)))


@router.get(f"{ONE}/versions", response=ListOf[VersionSummary], summary="List versions of a prompt")
def list_versions(request: ApiRequest, slug: str, prompt: str, cursor: Cursor, limit: Limit) -> ListOf[VersionSummary]:
    """List a prompt's versions without their texts, newest first."""
    found = _prompt(request, slug, prompt)
    return listed(queries.versions_page(request.auth, found, cursor=cursor, limit=limit), VersionSummary.of)


@router.post(f"{ONE}/versions", response={201: VersionOut}, summary="Add a version to a prompt")
def post_version(request: ApiRequest, slug: str, prompt: str, body: VersionIn) -> Status[VersionOut]:
    """Add a version; no label points at it yet, so that nothing changes for runs that do not ask for it."""
    found = _prompt(request, slug, prompt)
    version = create_version(by=request.auth, prompt=found, **body.model_dump())
    return Status(HTTPStatus.CREATED, VersionOut.of(queries.version_for(request.auth, found, version.number)))


@router.get(f"{ONE}/versions/{{number}}", response=VersionOut, summary="Get a version of a prompt")
def get_version(request: ApiRequest, slug: str, prompt: str, number: int) -> VersionOut:
    """Return a version with its text, and the system prompt that models get with it."""
    return VersionOut.of(queries.version_for(request.auth, _prompt(request, slug, prompt), number))


@router.get(f"{ONE}/labels", response=ListOf[LabelOut], summary="List labels of a prompt")
def list_labels(request: ApiRequest, slug: str, prompt: str, cursor: Cursor, limit: Limit) -> ListOf[LabelOut]:
    """List a prompt's labels by name."""
    found = _prompt(request, slug, prompt)
    return listed(queries.labels_page(request.auth, found, cursor=cursor, limit=limit), LabelOut.of)


@router.put(f"{ONE}/labels/{{label}}", response=LabelOut, summary="Move a label of a prompt")
def put_label(request: ApiRequest, slug: str, prompt: str, label: str, body: LabelIn) -> LabelOut:
    """Point a label at a version and keep why; it is made where there is none. What points there already stays."""
    move = Move(label, **body.model_dump())
    return LabelOut.of(move_label(by=request.auth, prompt=_prompt(request, slug, prompt), move=move))


@router.delete(f"{ONE}/labels/{{label}}", response={204: None}, summary="Delete a label of a prompt")
def remove_label(request: ApiRequest, slug: str, prompt: str, label: str) -> Status[None]:
    """Delete a label; the history of its moves stays. `production` cannot be deleted."""
    delete_label(by=request.auth, prompt=_prompt(request, slug, prompt), name=label)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.get(f"{ONE}/promotions", response=ListOf[PromotionOut], summary="List moves of a prompt's labels")
def list_promotions(request: ApiRequest, slug: str, prompt: str, cursor: Cursor, limit: Limit) -> ListOf[PromotionOut]:
    """List who moved which label where, why and on which evidence, newest first."""
    found = _prompt(request, slug, prompt)
    return listed(queries.promotions_page(request.auth, found, cursor=cursor, limit=limit), PromotionOut.of)
