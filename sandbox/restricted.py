"""The environment `restricted`: narrowed Python inside a jailed process forked from a zygote.

`level` is "full" when every wall stands, else what this kernel does not grant, such as "no_namespaces". Mandatory are
closed descriptors, resource limits, no_new_privs and the seccomp filter.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from sandbox.admission import Admission
from sandbox.base import PROFILES, Session, SessionSpec
from sandbox.errors import EnvironmentUnavailable, SandboxError
from sandbox.process import RESTRICTED_LANGUAGE, Guest, Zygote
from sandbox.session import JailedSession


class RestrictedEnvironment:
    """Opens sessions from a zygote and keeps a few guests in reserve, jailed and never used before."""

    name = "restricted"

    def __init__(
        self,
        *,
        spares: int = 2,
        sessions_per_tree: int = 16,
        language: str = RESTRICTED_LANGUAGE,
        paths: tuple[Path, ...] = (),
    ) -> None:
        self.level = "unknown"
        self._zygote = Zygote(language, paths)
        self._starting = asyncio.Lock()
        self._admission = Admission(sessions_per_tree)
        self._spare_count = spares
        self._spares: deque[Guest] = deque()
        self._refilling: asyncio.Task[None] | None = None
        self._sessions: set[JailedSession] = set()
        self._started = False

    @property
    def spares(self) -> int:
        """How many unused guests wait."""
        return len(self._spares)

    @property
    def zygote_pid(self) -> int | None:
        """The zygote's process id, while it lives."""
        return self._zygote.pid

    async def start(self) -> None:
        """Start the zygote and put one guest through the whole jail to learn how strong it is here.

        Raises:
            EnvironmentUnavailable: a mandatory wall is missing; the message says which.
        """
        try:
            trial = await self._use(await self._take_guest(), SessionSpec(profile=PROFILES["quick"]), _nothing)
        except SandboxError as error:
            await self.close()
            if isinstance(error, EnvironmentUnavailable):
                raise
            raise EnvironmentUnavailable(f"a guest cannot be made on this machine: {error}") from error
        self.level = "_".join(f"no_{part}" for part in trial.missing) or "full"
        await trial.close()
        self._started = True
        self._refill()

    async def open(self, spec: SessionSpec) -> Session:
        """Open a session; waits while the run tree has as many as it may.

        Raises:
            SandboxError: no guest can be made, or the context does not fit into its memory.
        """
        try:
            if not self._started:
                raise SandboxError("the environment is not started")
            await self._admission.enter(spec.tree, spec.depth)
            try:
                guest = await self._take_guest()
            except BaseException:
                self._admission.leave(spec.tree, spec.depth)
                raise
            return await self._use(guest, spec, lambda: self._admission.leave(spec.tree, spec.depth))
        finally:
            if spec.context is not None:
                os.close(spec.context.fd)

    async def close(self) -> None:
        """End every session, the spares and the zygote."""
        self._started = False
        if self._refilling is not None:
            self._refilling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refilling
            self._refilling = None
        await asyncio.gather(*(session.close() for session in list(self._sessions)))
        await self._drop_spares()
        self._zygote.stop()

    async def _use(self, guest: Guest, spec: SessionSpec, on_close: Callable[[], None]) -> JailedSession:
        def forget() -> None:
            self._sessions.discard(session)
            on_close()

        session = JailedSession(guest, spec, forget)
        self._sessions.add(session)
        try:
            await session.open()
        except BaseException:
            await session.close()
            raise
        finally:
            self._refill()  # only now: making a spare competes with making this session ready
        return session

    async def _take_guest(self) -> Guest:
        await self._ensure_zygote()
        while self._spares:
            guest = self._spares.popleft()
            if guest.alive:
                return guest
            await guest.close()
        return await self._zygote.fork()

    async def _ensure_zygote(self) -> None:
        async with self._starting:
            if not self._zygote.alive:
                await self._drop_spares()
                await self._zygote.start()

    async def _drop_spares(self) -> None:
        while self._spares:
            await self._spares.popleft().close()

    def _refill(self) -> None:
        if self._started and (self._refilling is None or self._refilling.done()):
            self._refilling = asyncio.get_running_loop().create_task(self._fork_spares())

    async def _fork_spares(self) -> None:
        with contextlib.suppress(SandboxError):
            while len(self._spares) < self._spare_count:
                self._spares.append(await self._zygote.fork())


def _nothing() -> None:
    """Do nothing: a trial session holds no place in any tree."""
