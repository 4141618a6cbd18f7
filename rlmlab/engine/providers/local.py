"""Where `local/…` is answered: the operator's own server, or the embedded one, started when it is needed."""

from typing import Protocol

from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.providers.lean import Endpoint, Locate
from rlmlab.modelserver.address import Address
from rlmlab.modelserver.errors import ModelServerError
from rlmlab.modelserver.template import STOP


class LocalServer(Protocol):
    """What starts the embedded server (`rlmlab.modelserver.launcher.Launcher`)."""

    async def address(self) -> Address:
        """Return where it listens, having started it where it does not run or does not answer."""
        ...

    async def close(self) -> None:
        """Stop what was started here."""
        ...


def locate_local(server: LocalServer) -> Locate:
    """Ask the launcher before each attempt: the server stops when idle, and listens elsewhere when it comes back."""

    async def locate(_attempt: int) -> Endpoint:
        try:
            address = await server.address()
        except ModelServerError as error:
            raise ProviderUnavailable(str(error)) from error
        return Endpoint(f"{address.url}/v1", address.api_key, stop=STOP, temperature=0.0, provider="local")

    return locate
