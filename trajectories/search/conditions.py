"""What a query means in SQL, over `SearchedRun`; within a scope."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db import connection
from django.db.models import Avg, FloatField, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower

from rlmlab.tenancy.models import Project
from trajectories.models import PromptVersion, Rating, Run
from trajectories.models.prompts import SYSTEM_PROMPT
from trajectories.models.runs import Origin, Purpose
from trajectories.ratings import DISPUTED_FROM, PREFERRED
from trajectories.search.grammar import Term
from trajectories.search.values import DERIVED, Bounds, days, numbers, prompt_version, whole_numbers

# Each step finds the next name by the index, however many runs have the one before.
_MODELS_IN_USE: Final = """
WITH RECURSIVE used AS (
    (SELECT model FROM trajectories_searchedrun WHERE project_id = %(project)s ORDER BY model LIMIT 1)
    UNION ALL
    SELECT (SELECT found.model FROM trajectories_searchedrun AS found
            WHERE found.project_id = %(project)s AND found.model > used.model ORDER BY found.model LIMIT 1)
    FROM used WHERE used.model IS NOT NULL
)
SELECT model FROM used WHERE model IS NOT NULL LIMIT %(limit)s
"""
MODELS: Final = 1000


def models_in_use(project: Project) -> list[str]:
    """List the models of a project's runs by name, at most a thousand."""
    with connection.cursor() as cursor:
        cursor.execute(_MODELS_IN_USE, {"project": project.id, "limit": MODELS})
        return [model for (model,) in cursor.fetchall()]


def condition(terms: Sequence[Term], project: Project, *, read: bool = False) -> Q:
    """Return what terms mean of a project's runs; without a purpose it is those that people started.

    `read`: texts are looked for run by run, without their index.
    """
    found = Q()
    if not any(term.key == "purpose" for term in terms):
        found &= Q(purpose=Purpose.USER)
    for term in terms:
        meant = _text(term, read=read) if not term.key else _KEYED[term.key.partition(".")[0]](term, project)
        found &= ~meant if term.negated else meant
    return found


def _any(parts: Sequence[Q]) -> Q:
    return reduce(or_, parts)


def _word(field: str) -> Callable[[Term, Project], Q]:
    return lambda term, _: Q(**{f"{field}__in": term.values})


def _within(field: str, bounds: Bounds[Any]) -> Q:
    """Compare a column, or an annotation, with the bounds that there are."""
    low, high = "gt" if bounds.above else "gte", "lt" if bounds.below else "lte"
    lookups = {f"{field}__{low}": bounds.low, f"{field}__{high}": bounds.high}
    return Q(**{lookup: bound for lookup, bound in lookups.items() if bound is not None})


def _range(field: str, read: Callable[[str], Bounds[Any]]) -> Callable[[Term, Project], Q]:
    return lambda term, _: _any([_within(field, read(value)) for value in term.values])


def _text(term: Term, *, read: bool) -> Q:
    return Q(**{"read_words__contains" if read else "words__contains": Lower(Value(term.values[0]))})


def _tag(term: Term, _: Project) -> Q:
    return Q(tags__overlap=list(term.values))


def _model(term: Term, project: Project) -> Q:
    """Match names, in which `*` stands for anything; a bare name also matches behind its provider's prefix."""
    known = models_in_use(project)
    return Q(model__in=[name for name in known if any(_fits(name, value) for value in term.values)])


def _fits(name: str, glob: str) -> bool:
    """Match without a regular expression: one of many `*` takes time that grows exponentially."""
    return any(_matches(text.lower(), glob.lower().split("*")) for text in {name, name.partition("/")[2]})


def _matches(text: str, parts: Sequence[str]) -> bool:
    first, *middle = parts
    if not middle:
        return text == first
    last, at = middle.pop(), len(first)
    for part in middle:
        at = text.find(part, at) + len(part)
        if at < len(part):
            return False
    return text.startswith(first) and text.endswith(last) and at <= len(text) - len(last)


def _prompt(term: Term, project: Project) -> Q:
    wanted = [found for value in term.values if (found := prompt_version(value)) is not None]
    named = _any([Q(prompt__name=name or SYSTEM_PROMPT, number=number) for name, number in wanted])
    rows = PromptVersion.objects.for_org(project.organization_id).filter(named, prompt__project=project)
    return Q(prompt_version__in=list(rows.values_list("id", flat=True)))


def _whole(project: Project) -> "QuerySet[Rating]":
    """The judgements on whole runs that count, those of other projects too: a run's ratings have no project."""
    return Rating.objects.for_org(project.organization_id).filter(current=True, span_id="")


def _preferred(figure: Callable[[Q], Any]) -> Coalesce:
    """Take a figure of the most trusted kind of raters that there is."""
    return Coalesce(*(figure(Q(rater_kind=kind)) for kind in PREFERRED), output_field=FloatField())


def _rating(term: Term, project: Project) -> Q:
    """Compare the mean of a run's most trusted raters in a dimension, as `trajectories.ratings.verdict_of` has it."""
    rows = _whole(project).filter(dimension=term.key.partition(".")[2]).order_by().values("run")
    rated = rows.annotate(mean=_preferred(lambda kind: Avg("value", filter=kind)))
    meant = _any([_within("mean", numbers(value)) for value in term.values])
    return Q(id__in=rated.filter(meant).values("run"))


def _has(term: Term, project: Project) -> Q:
    rated = {
        "rating": lambda: _whole(project),
        "correction": lambda: _whole(project).filter(correction__isnull=False),
    }
    return _any([Q(id__in=rated[value]().values("run")) for value in term.values])


def _is(term: Term, project: Project) -> Q:
    """Keep what raters disagree on, and what came from another run in one of some ways."""
    kinds = [DERIVED[value] for value in term.values if value in DERIVED]
    derived = Q(id__in=_derived(project).filter(origin__in=kinds).values("id"))
    return derived | _disputed(project) if "disputed" in term.values else derived


def _origin(term: Term, project: Project) -> Q:
    return Q(id__in=_derived(project).filter(origin_run_id__in=term.values).values("id"))


def _derived(project: Project) -> QuerySet[Run]:
    """The runs that came from another one, which an index of its own holds."""
    return Run.objects.for_org(project.organization_id).filter(project=project).exclude(origin=Origin.NONE)


def _disputed(project: Project) -> Q:
    """Keep runs of which two of the most trusted raters think differently, in any dimension."""
    rows = _whole(project).order_by().values("run", "dimension")
    spread = _preferred(lambda kind: Max("value", filter=kind) - Min("value", filter=kind))
    return Q(id__in=rows.annotate(spread=spread).filter(spread__gt=DISPUTED_FROM).values("run"))


_KEYED: Final[dict[str, Callable[[Term, Project], Q]]] = {
    "status": _word("status"),
    "reason": _word("finish_reason"),
    "purpose": _word("purpose"),
    "mode": _word("mode"),
    "model": _model,
    "prompt": _prompt,
    "tag": _tag,
    "rating": _rating,
    "has": _has,
    "is": _is,
    "origin": _origin,
    "depth": _range("depth", whole_numbers),
    "calls": _range("calls", whole_numbers),
    "tokens": _range("tokens", whole_numbers),
    "cost": _range("cost_usd", numbers),
    "seconds": _range("seconds", numbers),
    "created": _range("created_at", days),
}
