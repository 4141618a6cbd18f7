"""Tools."""

from ninja import Router

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.tools import ToolOut
from rlmlab.scoping.pages import Page
from trajectories.tools import every_tool

router = Router(tags=["tools"])


@router.get("/tools", response=ListOf[ToolOut], summary="List tools")
def list_tools(request: ApiRequest) -> ListOf[ToolOut]:
    """List the tools that a run can be given by name; `http_fetch` reaches the hosts that the project allows."""
    return listed(Page(list(every_tool(request.auth)), ""), ToolOut.of)
