"""Tools."""

from ninja import Router

from rlmlab.api.auth import ApiRequest
from rlmlab.api.pagination import Cursor, Limit, listed
from rlmlab.api.schemas.base import ListOf
from rlmlab.api.schemas.tools import ToolOut
from trajectories.tools import tools_page

router = Router(tags=["tools"])


@router.get("/tools", response=ListOf[ToolOut], summary="List tools")
def list_tools(request: ApiRequest, cursor: Cursor, limit: Limit) -> ListOf[ToolOut]:
    """List the tools that a run can be given by name; `http_fetch` reaches the hosts that the project allows."""
    return listed(tools_page(request.auth, cursor=cursor, limit=limit), ToolOut.of)
