"""What a cell's question comes with beside its prompt: the schema of the reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlmlab.engine.structured import unsupported
from sandbox.base import HostCall
from sandbox.errors import Refused

OPTIONS = ("schema",)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one question; `schema`: the JSON Schema that its reply shall match."""

    schema: Mapping[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """Return what the sub-call's span tells of them and its request hash covers; empty where none is given."""
        return {} if self.schema is None else {"schema": self.schema}


NONE = Options()


def options_of(call: HostCall, bound: Mapping[str, Any], prompts: int) -> list[Options]:
    """Read the options of a host call, one for each of its prompts.

    Raises:
        Refused: as `TypeError` or `ValueError`, which names the argument and what is wrong with it.
    """
    return [Options(_schema(call, bound["schema"]))] * prompts


def _schema(call: HostCall, schema: Any) -> Mapping[str, Any] | None:
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise Refused("TypeError", f"{call.name}(): schema must be a dict, a JSON Schema, not {type(schema).__name__}")
    if problem := unsupported(schema, "schema"):
        raise Refused("ValueError", f"{call.name}(): {problem}")
    return schema
