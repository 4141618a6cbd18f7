"""What a project's runs can be filtered by with a click: each choice is the query with its term put in or taken out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rlmlab.tenancy.models import Project
from trajectories.models import PromptVersion, SearchedRun
from trajectories.models.prompts import SYSTEM_PROMPT
from trajectories.models.runs import Mode, Purpose, RunStatus
from trajectories.search.conditions import models_in_use
from trajectories.search.grammar import Term, chosen, text_of, toggled

COUNTED: Final = 1000
"""So many of the newest runs are looked at; counts are shown where these are all."""
MODELS: Final = 50
TAGS: Final = 20
VERSIONS: Final = 20
MODES: Final = (Mode.DIRECT.value, Mode.REPL.value, Mode.RLM.value)
RATINGS: Final = {
    "Right": Term("rating.correct", (">=0.8",)),
    "Wrong": Term("rating.correct", ("<0.5",)),
    "Disputed": Term("is", ("disputed",)),
    "Corrected": Term("has", ("correction",)),
    "Not rated": Term("has", ("rating",), negated=True),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value: the query that clicking it makes, whether it is in the query now, and how many runs have it."""

    label: str
    query: str
    active: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one kind, and what to say where there are none."""

    name: str
    choices: Sequence[Choice]
    empty: str = ""

    @property
    def active(self) -> int:
        """Return how many are in the query."""
        return sum(choice.active for choice in self.choices)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the newest runs have: how many have each value. `complete`: they are all that there are."""

    statuses: Mapping[str, int]
    models: Mapping[str, int]
    modes: Mapping[str, int]
    tags: Mapping[str, int]
    versions: Mapping[str, int]
    complete: bool

    def count(self, counts: Mapping[str, int], value: str) -> int | None:
        return counts.get(value, 0) if self.complete else None


def facets_in(project: Project, terms: Sequence[Term]) -> list[Facet]:
    """Return what a project's runs can be filtered by, besides the terms of a query; within a scope."""
    seen = _seen(project)
    models = sorted(models_in_use(project), key=lambda name: -seen.models.get(name, 0))[:MODELS]
    rows = PromptVersion.objects.for_org(project.organization_id).filter(prompt__project=project)
    numbers = rows.filter(prompt__name=SYSTEM_PROMPT).order_by("-number").values_list("number", flat=True)
    versions = [f"v{number}" for number in numbers[:VERSIONS]]
    return [
        Facet("Status", _choices(terms, "status", RunStatus.values, seen, seen.statuses)),
        Facet("Model", _choices(terms, "model", models, seen, seen.models), "No model was used yet."),
        Facet("Mode", _choices(terms, "mode", MODES, seen, seen.modes)),
        Facet("Tag", _tags(terms, seen), "No run has a tag yet."),
        Facet("Rating", _ratings(terms)),
        Facet("Prompt", _choices(terms, "prompt", versions, seen, seen.versions), "No prompt was used yet."),
    ]


def _seen(project: Project) -> _Seen:
    runs = SearchedRun.objects.for_org(project.organization_id).filter(project=project, purpose=Purpose.USER)
    columns = ("status", "model", "tags", "prompt_version__number", "mode")
    rows = list(runs.order_by("-created_at", "-id").values_list(*columns)[: COUNTED + 1])
    return _Seen(
        statuses=Counter(row[0] for row in rows),
        models=Counter(row[1] for row in rows),
        modes=Counter(row[4] for row in rows),
        tags=dict(Counter(tag for row in rows for tag in row[2]).most_common()),
        versions=Counter(f"v{row[3]}" for row in rows),
        complete=len(rows) <= COUNTED,
    )


def _choices(
    terms: Sequence[Term], key: str, values: Sequence[str], seen: _Seen, counts: Mapping[str, int]
) -> list[Choice]:
    active = {value for term in terms if term.key == key and not term.negated for value in term.values}
    return [
        Choice(value, text_of(toggled(terms, key, value)), value in active, seen.count(counts, value))
        for value in values
    ]


def _tags(terms: Sequence[Term], seen: _Seen) -> list[Choice]:
    """Offer tags, each as a term of its own: a run may have several of them."""
    wanted = {tag: Term("tag", (tag,)) for tag in list(seen.tags)[:TAGS]}
    return [
        Choice(tag, text_of(chosen(terms, term)), term in terms, seen.count(seen.tags, tag))
        for tag, term in wanted.items()
    ]


def _ratings(terms: Sequence[Term]) -> list[Choice]:
    """Offer judgements, of which one at a time makes sense."""
    others = tuple(RATINGS.values())
    return [
        Choice(label, text_of(chosen(terms, term, instead_of=others)), term in terms) for label, term in RATINGS.items()
    ]
