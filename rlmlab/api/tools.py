"""Tools."""

from ninja import Router

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.tools import ToolOut
from rlmlab.engine.tools.registry import catalog
from rlmlab.scoping.pages import Page

router = Router(tags=["tools"])


@router.get("/tools", response=ListOf[ToolOut], summary="List tools")
def list_tools(request: ApiRequest) -> ListOf[ToolOut]:  # noqa: ARG001 - the route's own
    """List the tools that a run can be given by name; `http_fetch` reaches the hosts that the project allows."""
    return listed(Page(list(catalog()), ""), ToolOut.of)
