"""Environments for the tests of the sandbox; one line here puts a new environment under the whole contract."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.base import Environment, Session, SessionSpec
from sandbox.restricted import RestrictedEnvironment
from tests.sandbox.driver import SMALL

ENVIRONMENTS: dict[str, Callable[[], Environment]] = {"restricted": RestrictedEnvironment}
RAW = Path(__file__).parent / "raw"

OpenSession = Callable[..., Awaitable[Session]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ENVIRONMENTS)
async def environment(request: pytest.FixtureRequest) -> AsyncIterator[Environment]:
    """Each environment in turn, started."""
    made = ENVIRONMENTS[request.param]()
    await made.start()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bypassed() -> AsyncIterator[Environment]:
    """The jail with plain Python inside: the language layer taken as broken."""
    made = RestrictedEnvironment(language="raw_language:RawLanguage", paths=(RAW,))
    await made.start()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_session(environment: Environment) -> AsyncIterator[OpenSession]:
    """Opens sessions that are closed after the test."""
    opened: list[Session] = []

    async def open_(**options: object) -> Session:
        session = await environment.open(SessionSpec(**{"profile": SMALL, **options}))  # type: ignore[arg-type]
        opened.append(session)
        return session

    yield open_
    for session in opened:
        await session.close()


@pytest_asyncio.fixture(loop_scope="module")
async def session(open_session: OpenSession) -> Session:
    """One session without input."""
    return await open_session()
