"""The endpoint for clients of OpenAI's API: projects as models, runs as chat completions."""

from collections.abc import Iterator
from typing import Annotated, Final

from asgiref.sync import async_to_sync
from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Header, Router

from rlmlab.api import open_streams, openai_errors
from rlmlab.api.auth import ApiRequest
from rlmlab.api.completions import Following
from rlmlab.api.schemas.completions import Chunks, Completion
from rlmlab.api.schemas.openai import CompletionIn, ErrorOut, LimitHeaders, ModelOut, ModelsOut, project_of
from rlmlab.scoping.pages import HIGHEST_LIMIT
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug, projects_page
from trajectories.actions.idempotency import IdempotentRequest
from trajectories.actions.runs import start_run

router = Router(tags=["OpenAI-compatible"])
RUN_HEADER: Final = "X-RLM-Run"
COST_HEADER: Final = "X-RLM-Cost-USD"
IGNORED_HEADER: Final = "X-RLM-Ignored"
STREAM: Final = "text/event-stream"
IdempotencyKey = Annotated[str | None, Header(None, alias="Idempotency-Key")]
FORMATS: Final = {"responses": {200: {"content": {STREAM: {"schema": {"type": "string"}}}}}}
FAILURES: Final = dict.fromkeys((400, 401, 403, 404, 409, 422, 429, 502, 504), ErrorOut)


@router.post(
    "/chat/completions",
    response={200: Completion, **FAILURES},
    summary="Run a chat completion",
    openapi_extra=FORMATS,
)
def post_completion(
    request: ApiRequest, body: CompletionIn, limits: Header[LimitHeaders], idempotency_key: IdempotencyKey
) -> HttpResponseBase:
    """Start a run of the project that `model` names (`rlm/<project>`), wait for its answer and give it as a completion.

    What is short is the run's task: the system's text, the conversation so far, the user's last message. A text of more
    than 4,000 characters, and each file, becomes a document in `context`: one is that string, several are a dict by
    name. With `rlm.task`, the whole conversation is the input. `rlm` takes the run's other fields (`extra_body` in
    OpenAI's SDKs): models, budget, environment, prompt, tools and so on; limits can be headers as well.

    `usage` is that of the whole run, the header `X-RLM-Run` its id. When the client goes away before the run has ended,
    the run is stopped, unless `rlm.detach`. A stream sends steps and sub-calls as `reasoning_content` (unless
    `rlm.progress` is false), comments while nothing happens, and the answer when it is there. Repeated under its
    `Idempotency-Key`, a request gets the answer of the same run. A run that fails is an error whose `type` is
    `run_failed`, in a stream as its last event.
    """
    key = None if idempotency_key is None else IdempotentRequest(idempotency_key, request.fingerprint)
    following = _started(request, body, limits, key)
    response = _answer(body, following)
    response[RUN_HEADER] = str(following.run.id)
    if body.ignored:
        response[IGNORED_HEADER] = ", ".join(body.ignored)
    return response


def _started(
    request: ApiRequest, body: CompletionIn, limits: LimitHeaders, idempotent: IdempotentRequest | None
) -> Following:
    """Start the run; the request, which may hold a large input, is not kept while its answer is waited for."""
    project = project_by_slug(request.auth, body.project)
    wanted = body.take_request(limits.budget())
    place = open_streams.take(request.auth)
    run = start_run(by=request.auth, project=project, request=wanted, idempotent=idempotent)
    return Following(request.auth, run, place, body.rlm.detach)


def _answer(body: CompletionIn, following: Following) -> HttpResponseBase:
    """Answer with a stream, or wait."""
    if not body.stream:
        return _waited(body.model, following)
    chunks = Chunks(following.run, body.model, with_usage=body.wants_usage)
    response = StreamingHttpResponse(
        following.streamed(chunks, with_progress=body.rlm.progress), content_type=f"{STREAM}; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def _waited(model: str, following: Following) -> HttpResponse:
    """Wait in the event loop; this request's thread sleeps meanwhile and holds no connection to the database."""
    close_old_connections()
    run = async_to_sync(following.ended)()
    if not run.answered:
        return openai_errors.answer(*openai_errors.problem_of_run(run))
    response = HttpResponse(Completion.of(run, model).model_dump_json(), content_type="application/json")
    if run.cost_usd is not None:
        response[COST_HEADER] = f"{run.cost_usd:.6f}"
    return response


@router.get("/models", response={200: ModelsOut, 401: ErrorOut, 429: ErrorOut}, summary="List models")
def list_models(request: ApiRequest) -> ModelsOut:
    """List the organization's projects as models."""
    owner = request.auth.organization.slug
    return ModelsOut(data=[ModelOut.of(project, owner) for project in _projects(request.auth)])


@router.get(
    "/models/{path:model}", response={200: ModelOut, 401: ErrorOut, 404: ErrorOut, 429: ErrorOut}, summary="Get a model"
)
def get_model(request: ApiRequest, model: str) -> ModelOut:
    """Return a project as a model."""
    return ModelOut.of(project_by_slug(request.auth, project_of(model)), request.auth.organization.slug)


def _projects(principal: Principal) -> Iterator[Project]:
    """Yield all projects by slug: clients of this list know no pages."""
    page = projects_page(principal, limit=HIGHEST_LIMIT)
    while page:
        yield from page
        page = projects_page(principal, after=page[-1].slug, limit=HIGHEST_LIMIT)
