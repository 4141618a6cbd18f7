"""The code that scripted roots write: each solves a task in the way of its arm, by what its family knows.

A cell is whole by itself, so that the same cell can be run again where a REPL was lost.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Final

from trajectories.benchmark.tasks.base import Ask, Family

SHARE: Final = "[share] "
"""What the task of a recursive call begins with; JSON of family, question and levels left follows."""
LOOK: Final = "[look] "
"""What a plain call's prompt begins with; JSON of family and question follows, then a line break and the part."""
SHARES: Final = 2
MOST_IN_A_CALL: Final = 16_000_000
"""Bytes of text that one call from a cell takes along; a call has room for twice as many."""
PIECES: Final = 8

_SPLIT: Final = '''
def split(text, count, cut):
    """Cut a text into at most `count` parts of about the same length, only where `cut` stands."""
    parts, start = [], 0
    for left in range(count, 0, -1):
        end = text.find(cut, start + (len(text) - start) // left) if left > 1 else -1
        end = len(text) if end < 0 else end + len(cut)
        if end > start:
            parts.append(text[start:end])
        start = end
    return parts
'''
_SUBMIT: Final = """
answer["content"] = {value}
answer["ready"] = True
"""
_RECURSE: Final = """
shares = split(context, max({shares}, len(context) // {most} + 1), {cut!r})
if len(context) <= {most}:
    texts = rlm_query_batched([{task!r}] * len(shares), shares)
else:
    texts = [rlm_query({task!r}, share) for share in shares]
parts = [part for text in texts for part in (json.loads(text) if isinstance(text, str) else text)]
"""
_ASK: Final = """
pieces = split(context, {pieces}, {cut!r})
texts = llm_query_batched([{head!r} + "\\n" + piece for piece in pieces])
parts = [json.loads(text) for text in texts]
"""


def alone(family: Family, ask: Ask) -> str:
    """Solve a task in one REPL, without sub-calls."""
    return _cell(
        *_knowledge(family, ask, family.look, family.conclude),
        _SUBMIT.format(value="conclude([look(context, ASK, LORE)], ASK)"),
    )


def root(family: Family, ask: Ask, levels: int) -> str:
    """Share the text out among recursive calls of so many further levels, and conclude from what they bring."""
    return _cell(
        *_knowledge(family, ask, family.conclude),
        *_shared_out(family, ask, levels),
        _SUBMIT.format(value="conclude(parts, ASK)"),
    )


def share(family: Family, ask: Ask, levels: int) -> str:
    """Do the part of a recursive call: share out once more, or ask a model about each piece."""
    return _cell(*_shared_out(family, ask, levels), _SUBMIT.format(value="json.dumps(parts)"))


def _shared_out(family: Family, ask: Ask, levels: int) -> tuple[str, ...]:
    if levels:
        task = SHARE + _told(family=family.name, ask=ask, levels=levels - 1)
        return _SPLIT, _RECURSE.format(shares=SHARES, most=MOST_IN_A_CALL, cut=family.cut, task=task)
    head = LOOK + _told(family=family.name, ask=ask)
    return _SPLIT, _ASK.format(pieces=PIECES, cut=family.cut, head=head)


def _told(**values: Any) -> str:
    return json.dumps(values, default=_plain)


def _plain(value: Any) -> Any:
    """Let JSON write a mapping that is no dict."""
    return dict(value) if isinstance(value, Mapping) else list(value)


def _knowledge(family: Family, ask: Ask, *functions: Callable[..., Any]) -> tuple[str, ...]:
    values = f"ASK = {json.loads(_told(ask=ask))['ask']!r}\nLORE = {family.lore!r}"
    named = {family.look: "look", family.conclude: "conclude"}
    return values, *(_source(function, named[function]) for function in functions)


def _source(function: Callable[..., Any], name: str) -> str:
    """Return a function's code under another name, without annotations and docstring: a REPL knows no types of ours."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)  # noqa: S101  what families are made of
    definition.name, definition.returns, definition.body = name, None, definition.body[1:]
    for argument in definition.args.args:
        argument.annotation = None
    return ast.unparse(_WithoutTypes().visit(tree))


class _WithoutTypes(ast.NodeTransformer):
    """Makes plain assignments of annotated ones."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Drop the annotation."""
        assert node.value is not None  # noqa: S101  what families are made of
        return ast.copy_location(ast.Assign([node.target], node.value, lineno=node.lineno), node)


def _cell(*parts: str) -> str:
    return "\n".join(["import json, re", *(part.strip() for part in parts)])
