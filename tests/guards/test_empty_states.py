"""A list on a page says what to do when it is empty: `{% else %}` of its `{% if %}`, or `{% empty %}`."""

from collections.abc import Iterator
from typing import Final

import pytest
from django.template import engines
from django.template.base import FilterExpression, Node, NodeList, Template
from django.template.defaulttags import ForNode, IfNode
from django.template.smartif import Literal, TokenBase

from tests.guards.tree import ROOT, tracked

# loop → why it is never empty, or why nothing is the right thing to show then
WITHOUT: Final = {
    "templates/components/field.html: field.errors": "no error, no message",
    "templates/components/field.html: field.field.choices": "the choices of a form are constants",
    "templates/components/form_errors.html: form.non_field_errors": "no error, no message",
    "templates/components/messages.html: messages": "nothing happened, nothing is said",
    "templates/console/audit.html: entry.changes": "what an entry without changes did, its sentence says",
    "templates/console/audit.html: presets": "a constant",
    "templates/console/components.html: statuses": "a constant",
    "templates/console/dataset.html: filters": "a constant",
    "templates/console/dataset_import.html: form.file.errors": "no error, no message",
    "templates/console/experiment_estimate.html: field.errors": "no error, no message",
    "templates/console/experiment_estimate.html: form": "a form has fields",
    "templates/console/experiment_estimate.html: form.non_field_errors": "no error, no message",
    "templates/console/experiment_new.html: models": "suggestions of a field",
    "templates/console/experiment_results.html: bar": "shown where there are items",
    "templates/console/experiment_results.html: filters": "a constant",
    "templates/console/fork_form.html: environments": "a constant",
    "templates/console/fork_form.html: models": "suggestions of a field",
    "templates/console/fork_form.html: prompt_labels": "the first choice is the run's own",
    "templates/console/fork_form.html: prompt_versions.items": "the first choice is the run's own",
    "templates/console/launch.html: environments": "a constant",
    "templates/console/launch.html: models": "suggestions of a field",
    "templates/console/launch_tools.html: tools": "a constant",
    "templates/console/project_settings.html: form.limits": "the limits that there are",
    "templates/console/project_settings.html: models": "suggestions of a field",
    "templates/console/providers/keys.html: offered": "a constant",
    "templates/console/members.html: allowed": "a constant",
    "templates/console/members.html: capabilities": "a constant",
    "templates/console/members.html: members": "who looks at it is a member",
    "templates/console/members.html: roles": "a constant",
    "templates/console/overview_days.html: days": "the last thirty",
    "templates/console/overview_days.html: overview.days": "the last thirty; shown where there are runs",
    "templates/console/prompts_changes.html: view.labels": "a version may have none",
    "templates/console/prompts_diff.html: difference.hunks": "shown where something differs",
    "templates/console/prompts_diff.html: hunk.lines": "a hunk is around a change",
    "templates/console/prompts_diff.html: hunk.rows": "a hunk is around a change",
    "templates/console/prompts_line.html: line.parts": "a line has at least one",
    "templates/console/prompts_move.html: form.experiment.errors": "no error, no message",
    "templates/console/prompts_move.html: form.version.errors": "no error, no message",
    "templates/console/prompts_new.html: form.text.errors": "no error, no message",
    "templates/console/prompts_side.html: line.parts": "a line has at least one",
    "templates/console/prompts_versions.html: view.labels": "a version may have none",
    "templates/console/run_lineage.html: lineage.newest": "shown where there are some",
    "templates/console/runs.html: keys.items": "a constant",
    "templates/console/runs_list.html: facets": "a constant; none where the query cannot be read",
    'templates/console/runs_row.html: run.tags|slice:":2"': "most runs have no tags",
    "templates/examples/examples.html: filters": "a constant",
    "templates/memory/history.html: hunk.lines": "a part of what differs",
    "templates/memory/history.html: item.text.hunks": "shown where two texts differ",
    "templates/memory/history.html: line.parts": "a line has one at least",
    "templates/memory/memories.html: filters": "a constant",
}


def templates() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in tracked("templates/*.html") if path.suffix == ".html"]


def parsed(name: str) -> Template:
    engine = engines["django"].engine  # type: ignore[attr-defined]
    found: Template = engine.from_string((ROOT / name).read_text())
    return found


def loops(nodes: NodeList | list[Node], guarded: frozenset[str] = frozenset()) -> Iterator[tuple[str, bool]]:
    """Yield what each loop goes over and whether something is shown when it is empty."""
    for node in nodes:
        if isinstance(node, ForNode):
            over = str(node.sequence)
            yield over, bool(node.nodelist_empty) or over in guarded
        if isinstance(node, IfNode):
            yield from branches(node, guarded)
        else:
            for name in node.child_nodelists:
                yield from loops(getattr(node, name, None) or [], guarded)


def branches(node: IfNode, guarded: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Yield the loops of a condition's branches; a branch that is followed by another guards what it asks for."""
    for position, (condition, nodes) in enumerate(node.conditions_nodelists):
        is_last = position == len(node.conditions_nodelists) - 1
        asked = frozenset() if is_last or condition is None else frozenset(variables(condition))
        yield from loops(nodes, guarded | asked)


def variables(condition: TokenBase) -> Iterator[str]:
    """Yield the variables of a condition that are asked for as they are."""
    if isinstance(condition, Literal) and isinstance(condition.value, FilterExpression):
        yield condition.value.token
    for part in (getattr(condition, "first", None), getattr(condition, "second", None)):
        if isinstance(part, TokenBase):
            yield from variables(part)


def test_there_are_lists_to_guard() -> None:
    found = {(name, over): safe for name in templates() for over, safe in loops(parsed(name).nodelist)}
    assert found["templates/console/runs_rows.html", "rows"]
    assert found["templates/console/projects.html", "projects"]


def test_every_list_says_something_when_it_is_empty() -> None:
    bare = {f"{name}: {over}" for name in templates() for over, safe in loops(parsed(name).nodelist) if not safe}
    assert bare == WITHOUT.keys()


@pytest.mark.parametrize(
    ("source", "safe"),
    [
        ("{% for x in xs %}{% endfor %}", False),
        ("{% for x in xs %}{% empty %}none{% endfor %}", True),
        ("{% if xs %}{% for x in xs %}{% endfor %}{% endif %}", False),
        ("{% if xs %}{% for x in xs %}{% endfor %}{% else %}none{% endif %}", True),
        ("{% if p %}{% elif xs %}<p>{% for x in xs %}{% endfor %}</p>{% elif q %}{% endif %}", True),
        ("{% if ys %}{% for x in xs %}{% endfor %}{% else %}none{% endif %}", False),
    ],
)
def test_the_guard_understands_conditions(source: str, safe: bool) -> None:
    assert list(loops(Template(source).nodelist)) == [("xs", safe)]
