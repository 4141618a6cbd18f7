"""What somebody asks of a new run, checked in one place for the API and the console."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

from django.conf import settings

from rlmlab.engine.errors import MissingCredentials, UnknownModel
from rlmlab.engine.structured import unsupported
from rlmlab.engine.types import Budget
from rlmlab.errors import FieldError, Invalid
from rlmlab.tenancy.models import Organization, Project
from trajectories import environments
from trajectories.known_models import catalog

DEFAULT_COST_USD: Final = 1.0
TASK_CHARACTERS: Final = 1_000_000
TITLE_CHARACTERS: Final = 200
TAGS: Final = 20
TAG_CHARACTERS: Final = 50
FILES: Final = 1000
SEED_BITS: Final = 63
HIGHEST: Final[Mapping[str, float]] = {
    "max_tokens": 10**12,
    "max_cost_usd": 10**6,
    "max_seconds": 7 * 24 * 3600,
    "max_depth": 32,
    "max_steps": 10_000,
    "max_sub_calls": 1_000_000,
}
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
    environment: str = ""
    budget: Mapping[str, Any] = field(default_factory=dict)
    response_schema: Mapping[str, Any] | None = None
    seed: int | None = None
    tags: Sequence[str] = ()
    title: str = ""
    prompt: str = ""
    use_examples: bool = False
    use_memory: bool = False


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The request with every default filled in. `cost_limit_given` is false where 1 USD is only the default."""

    task: str
    title: str
    model: str
    sub_model: str
    environment: environments.Available
    budget: Budget
    cost_limit_given: bool
    seed: int | None
    tags: tuple[str, ...]


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

    def refuse(self) -> None:
        """Go on only when nothing was refused.

        Raises:
            Invalid: naming every wrong field.
        """
        if self.errors:
            detail = "; ".join(f"{error.field}: {error.message}" for error in self.errors)
            raise Invalid(detail, errors=tuple(self.errors))


def plan(request: RunRequest, *, organization: Organization, project: Project) -> RunPlan:
    """Fill in the defaults and check everything that needs no database.

    Raises:
        Invalid: naming every wrong field.
    """
    checks = Checks()
    task = checks.run(lambda: clean_text("task", request.task, TASK_CHARACTERS), "")
    title = checks.run(lambda: clean_text("title", request.title or title_of(task or "-"), TITLE_CHARACTERS), "")
    model = request.model or project.default_model or settings.RLMLAB.default_model or settings.RLMLAB.local_model
    priced = checks.run(lambda: _priced("model", model), None)
    sub_priced = checks.run(lambda: _priced("sub_model", request.sub_model), None) if request.sub_model else True
    wanted = request.environment or project.default_environment
    environment = checks.run(lambda: environments.resolve(wanted), environments.NONE)
    budget = checks.run(lambda: _budget(request.budget, organization), Budget())
    tags: tuple[str, ...] = checks.run(lambda: _tags(request.tags), ())
    checks.run(lambda: _check_context(request), None)
    checks.run(lambda: _check_schema(request.response_schema), None)
    seed = checks.run(lambda: _seed(request.seed), None)
    checks.refuse()
    given = budget.max_cost_usd is not None
    if not given and priced and sub_priced:
        budget = _with_cost(budget, organization)
        given = budget.max_cost_usd != DEFAULT_COST_USD
    return RunPlan(task, title, model, request.sub_model, environment, budget, given, seed, tags)


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


def _priced(name: str, model: str) -> bool:
    """Tell whether a model's price is known."""
    clean_text(name, model, TITLE_CHARACTERS)
    try:
        return catalog().check(model).price is not None
    except (UnknownModel, MissingCredentials) as error:
        raise Invalid.field(name, str(error)) from None


def _budget(wanted: Mapping[str, Any], organization: Organization) -> Budget:
    """Build the budget: what is wanted, else the default or the organization's cap, whichever is lower."""
    given = {name: value for name, value in wanted.items() if value is not None}
    if unknown := sorted(set(given) - set(HIGHEST)):
        raise Invalid.field(f"budget.{unknown[0]}", f"is not a limit; use {', '.join(HIGHEST)}")
    caps: dict[str, Any] = dict(organization.budget_caps())
    default = Budget()
    for name in ("max_tokens", "max_seconds", "max_sub_calls"):
        given.setdefault(name, min(getattr(default, name), caps.get(name, HIGHEST[name])))
    try:
        budget = Budget(**given)
    except ValueError as error:
        limit, _, message = str(error).partition(": ")
        raise Invalid.field(f"budget.{limit}", message) from None
    for name, value in given.items():
        if value > caps.get(name, HIGHEST[name]):
            whose = "your organization's cap" if name in caps else "the highest value"
            raise Invalid.field(f"budget.{name}", f"is {value:,}; {whose} is {caps.get(name, HIGHEST[name]):,}")
    return budget


def _with_cost(budget: Budget, organization: Organization) -> Budget:
    cap = organization.budget_caps().get("max_cost_usd", DEFAULT_COST_USD)
    return Budget(
        max_tokens=budget.max_tokens,
        max_cost_usd=min(DEFAULT_COST_USD, cap),
        max_seconds=budget.max_seconds,
        max_depth=budget.max_depth,
        max_steps=budget.max_steps,
        max_sub_calls=budget.max_sub_calls,
    )


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
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
        Invalid: it contains NUL, a lone surrogate or a number that JSON does not have.
    """
    for leaf in _leaves(value):
        if isinstance(leaf, str) and _UNSTORABLE.search(leaf):
            raise Invalid.field(name, "must not contain NUL characters or lone surrogates")
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise Invalid.field(name, "must not contain NaN or Infinity, which JSON does not have")


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the keys and plain values of a JSON value, however deep it is."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                waiting += [*found.keys(), *found.values()]
            case list() as found:
                waiting += found
            case leaf:
                yield leaf


def _seed(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed < 1 << SEED_BITS:
        raise Invalid.field("seed", "must be between 0 and 2^63 - 1")
    return seed
