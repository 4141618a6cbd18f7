"""Tools as the API shows them."""

from typing import Annotated, Any, Self

from ninja import Schema
from pydantic import Field, WithJsonSchema

from rlmlab.engine.tools.base import Tool


class ToolOut(Schema):
    """A tool that runs can be given; `parameters` is a JSON Schema, `signature` the function that cells call."""

    name: str
    description: str
    signature: str
    parameters: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
    timeout_seconds: float = Field(description="A call that takes longer is given up; the run goes on.")

    @classmethod
    def of(cls, tool: Tool) -> Self:
        """Show a tool."""
        return cls(
            name=tool.name,
            description=tool.description,
            signature=tool.signature,
            parameters=dict(tool.parameters),
            timeout_seconds=tool.timeout_seconds,
        )
