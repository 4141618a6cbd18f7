"""What somebody asks of a new run, checked in one place for the API and the console."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from django.conf import settings

from rlmlab.engine.errors import MissingCredentials, UnknownModel
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.providers.catalog import Catalog
from rlmlab.engine.structured import unsupported
from rlmlab.engine.types import Budget
from rlmlab.errors import FieldError, Invalid
from rlmlab.tenancy.catalogs import catalog_of
from rlmlab.tenancy.limits import checked_budget, highest_of
from rlmlab.tenancy.models import Organization, Project
from trajectories import environments
from trajectories.models.runs import Mode
from trajectories.tools import clean_tools

DEFAULT_COST_USD: Final = 1.0
TASK_CHARACTERS: Final = 1_000_000
TITLE_CHARACTERS: Final = 200
TAGS: Final = 20
TAG_CHARACTERS: Final = 50
FILES: Final = 1000
SEED_BITS: Final = 63
HIGHEST_PRIORITY: Final = 10
FALLBACK_MODELS: Final = 5
DEPTH_MODELS: Final = 20
NESTED_LEVELS: Final = 100
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run as it is asked for; empty texts and None mean the default.

    `context` is a string, list or object, kept as it is. `files` are ids of the project's files. `budget` maps limits
    to numbers. `prompt` names a version as `trajectories.improvement.prompts.version_for_run` reads it.
    """

    task: str
    context: Any = None
    files: Sequence[UUID] = ()
    model: str = ""
    sub_model: str = ""
    fallback_models: Sequence[str] | None = None
    depth_models: Sequence[str] = ()
    mode: str = ""
    environment: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)
    response_schema: Mapping[str, Any] | None = None
    seed: int | None = None
    tags: Sequence[str] = ()
    title: str = ""
    prompt: str = ""
    use_examples: bool = False
    use_memory: bool = False
    priority: int = 0
    tools: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The request with every default filled in. `cost_limit_given` is false where 1 USD is only the default."""

    task: str
    title: str
    model: str
    sub_model: str
    depth_models: tuple[str, ...]
    fallback_models: tuple[str, ...]
    info: ModelInfo
    environment: environments.Available
    budget: Budget
    cost_limit_given: bool
    seed: int | None
    tags: tuple[str, ...]
    priority: int
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Models:
    """Which models a run has, what is known of the root's, and whether the price of each is known."""

    model: str
    sub_model: str
    depth_models: tuple[str, ...]
    fallback_models: tuple[str, ...]
    info: ModelInfo
    priced: bool


class Checks:
    """Runs checks and keeps what they refuse, so that one answer names all wrong fields."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def run(self, check: Callable[[], T], otherwise: T) -> T:
        """Return the check's value, or `otherwise` when it refuses."""
        try:
            return check()
        except Invalid as error:
            self.errors.extend(error.errors)
            return otherwise

    def add(self, field: str, message: str) -> None:
        """Keep an error."""
        self.errors.append(FieldError(field, message))

    def refuse(self) -> None:
        """Go on only when nothing was refused.

        Raises:
            Invalid: naming every wrong field.
        """
        if self.errors:
            detail = "; ".join(f"{error.field}: {error.message}" for error in self.errors)
            raise Invalid(detail, errors=tuple(self.errors))


def plan(request: RunRequest, *, organization: Organization, project: Project) -> RunPlan:
    """Fill in the defaults, and check everything but what the run refers to.

    Raises:
        Invalid: naming every wrong field.
    """
    checks = Checks()
    task = checks.run(lambda: clean_text("task", request.task, TASK_CHARACTERS), "")
    title = checks.run(lambda: clean_text("title", request.title or title_of(task or "-"), TITLE_CHARACTERS), "")
    models = _models(checks, request, organization, project)
    wanted = request.environment or project.default_environment
    environment = checks.run(lambda: environments.resolve(wanted), environments.NONE)
    budget = checks.run(lambda: _budget(request.budget, organization, project), Budget())
    tags: tuple[str, ...] = checks.run(lambda: clean_tags(request.tags), ())
    tools: tuple[str, ...] = checks.run(lambda: clean_tools(request.tools, project), ())
    checks.run(lambda: _check_context(request), None)
    if request.mode not in {"", *Mode.values}:
        checks.add("mode", f"must be one of {', '.join(Mode.values)}")
    checks.run(lambda: _check_schema(request.response_schema), None)
    seed = checks.run(lambda: _seed(request.seed), None)
    if abs(request.priority) > HIGHEST_PRIORITY:
        checks.add("priority", f"must be between -{HIGHEST_PRIORITY} and {HIGHEST_PRIORITY}")
    checks.refuse()
    given = budget.max_cost_usd is not None
    if not given and models.priced:
        budget = _with_cost(budget, organization, project)
        given = budget.max_cost_usd != DEFAULT_COST_USD
    return RunPlan(
        task=task,
        title=title,
        model=models.model,
        sub_model=models.sub_model,
        depth_models=models.depth_models,
        fallback_models=models.fallback_models,
        info=models.info,
        environment=environment,
        budget=budget,
        cost_limit_given=given,
        seed=seed,
        tags=tags,
        priority=request.priority,
        tools=tools,
    )


def clean_text(name: str, value: str, limit: int) -> str:
    """Return a text that is not empty, not too long and can be stored.

    Raises:
        Invalid: it is not such a text.
    """
    if not value.strip():
        raise Invalid.field(name, "must not be empty")
    if len(value) > limit:
        raise Invalid.field(name, f"has {len(value):,} characters; {limit:,} are allowed")
    if found := _UNSTORABLE.search(value):
        kind = "NUL characters" if found[0] == "\x00" else "lone surrogates"
        raise Invalid.field(name, f"must not contain {kind} (the first stands at {found.start()})")
    return value


def title_of(task: str) -> str:
    """Make a title of a task: its first line that says something, cut at 200 characters."""
    line = " ".join(next((line for line in task.splitlines() if line.strip()), task).split())
    return line if len(line) <= TITLE_CHARACTERS else f"{line[: TITLE_CHARACTERS - 1]}…"


def _models(checks: Checks, request: RunRequest, organization: Organization, project: Project) -> _Models:
    """Choose the run's models, the request's before the project's before the installation's, and check each."""
    catalog = catalog_of(organization)
    by_depth = _by_depth(checks, request)
    first = request.model or (by_depth[0] if by_depth else "")
    model = first or project.default_model or settings.RLMLAB.default_model or settings.RLMLAB.local_model
    sub_model = request.sub_model or project.default_sub_model
    fallbacks = list(project.fallback_models if request.fallback_models is None else request.fallback_models)
    if len(fallbacks) > FALLBACK_MODELS:
        checks.add("fallback_models", f"has {len(fallbacks)} items; {FALLBACK_MODELS} are allowed")
        fallbacks = []
    named = [("model", model), *([("sub_model", sub_model)] if sub_model else [])]
    named += [(f"fallback_models.{at}", name) for at, name in enumerate(fallbacks)]
    named += [(f"depth_models.{at}", name) for at, name in enumerate(by_depth) if at and name]
    unknown = ModelInfo(model, None)
    infos = [checks.run(partial(_info, catalog, field, name), unknown) for field, name in named]
    others = dict.fromkeys(name for name in fallbacks if name != model)
    by_depth = (model, *by_depth[1:]) if by_depth else ()
    return _Models(model, sub_model, by_depth, tuple(others), infos[0], all(info.price is not None for info in infos))


def _info(catalog: Catalog, field: str, model: str) -> ModelInfo:
    """Describe a model that can be called."""
    clean_text(field, model, TITLE_CHARACTERS)
    try:
        return catalog.check(model)
    except (UnknownModel, MissingCredentials) as error:
        raise Invalid.field(field, str(error)) from None


def _by_depth(checks: Checks, request: RunRequest) -> tuple[str, ...]:
    """Return the table of models by depth, the root's first; empty names mean the usual model."""
    names = tuple(name.strip() for name in request.depth_models)
    if len(names) > DEPTH_MODELS:
        checks.add("depth_models", f"has {len(names)} items; {DEPTH_MODELS} are allowed")
        return ()
    if request.model and names and names[0] not in {"", request.model}:
        checks.add("depth_models.0", f"names {names[0][:200]!r}, and model another one: leave one of them out")
    return names


def _budget(wanted: Mapping[str, Any], organization: Organization, project: Project) -> Budget:
    """Build the budget: what is wanted, else the project's limit or the engine's, as far as the caps let it."""
    given = {name: value for name, value in wanted.items() if value is not None}
    default, highest = Budget(), highest_of(organization)
    for name in highest.keys() - {"max_cost_usd"}:
        usual = getattr(project, name)
        given.setdefault(name, min(getattr(default, name) if usual is None else usual, highest[name]))
    return checked_budget(given, organization)


def _with_cost(budget: Budget, organization: Organization, project: Project) -> Budget:
    """Add the cost limit of runs that name none: the project's, else 1 USD, as far as the cap lets it."""
    usual = DEFAULT_COST_USD if project.max_cost_usd is None else project.max_cost_usd
    return replace(budget, max_cost_usd=min(usual, highest_of(organization)["max_cost_usd"]))


def clean_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return each tag once, without spaces around it.

    Raises:
        Invalid: there are too many, or one is empty, too long or cannot be stored.
    """
    if len(tags) > TAGS:
        raise Invalid.field("tags", f"has {len(tags)} items; {TAGS} are allowed")
    return tuple(dict.fromkeys(clean_text(f"tags.{at}", tag, TAG_CHARACTERS).strip() for at, tag in enumerate(tags)))


def _check_context(request: RunRequest) -> None:
    if request.context is not None and not isinstance(request.context, str | list | dict):
        raise Invalid.field("context", "must be a string, a list or an object")
    if len(request.files) > FILES:
        raise Invalid.field("files", f"has {len(request.files)} items; {FILES} are allowed")


def _check_schema(schema: Mapping[str, Any] | None) -> None:
    if schema is None:
        return
    if (problem := unsupported(schema)) is not None:
        name, _, message = problem.partition(": ")
        raise Invalid.field(name, message)
    refuse_unstorable("response_schema", schema)


def refuse_unstorable(name: str, value: Any) -> None:
    """Go on only with a JSON value that the database can keep.

    Raises:
        Invalid: it contains NUL, a lone surrogate or a number that JSON does not have, or is nested so deeply that
            writing it as JSON again might need more stack than reading it did.
    """
    for leaf, level in _leaves(value):
        if level > NESTED_LEVELS:
            raise Invalid.field(name, f"is nested more than {NESTED_LEVELS} levels deep")
        if isinstance(leaf, str) and _UNSTORABLE.search(leaf):
            raise Invalid.field(name, "must not contain NUL characters or lone surrogates")
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise Invalid.field(name, "must not contain NaN or Infinity, which JSON does not have")


def _leaves(value: Any) -> Iterator[tuple[Any, int]]:
    """Yield the keys, plain values and empty parts of a JSON value, each with its level, however deep that is."""
    waiting = [(value, 0)]
    while waiting:
        match waiting.pop():
            case (dict() as found, level) if found:
                waiting += [(part, level + 1) for part in (*found.keys(), *found.values())]
            case (list() as found, level) if found:
                waiting += [(part, level + 1) for part in found]
            case leaf:
                yield leaf


def _seed(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed < 1 << SEED_BITS:
        raise Invalid.field("seed", "must be between 0 and 2^63 - 1")
    return seed
