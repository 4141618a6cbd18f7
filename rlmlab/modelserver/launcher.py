"""Starts the model server when it is needed, once per data directory, and replaces it when it hangs."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aiohttp

from rlmlab.modelserver.address import Address, folder_of
from rlmlab.modelserver.errors import ModelServerError
from rlmlab.modelserver.locks import FileLock

START_SECONDS = 60.0
HEALTH_SECONDS = 5.0
POLL_SECONDS = 0.05
SOURCE_ROOT = Path(__file__).parents[2]
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")  # and no provider's key


class Launcher:
    """Hands out the address of a server that answers.

    Use it from one event loop, in a thread that lives as long as the process: the kernel ends the server with the
    thread that started it.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        threads: int = 1,
        idle_seconds: float = 300.0,
        start_seconds: float = START_SECONDS,
        health_seconds: float = HEALTH_SECONDS,
    ) -> None:
        self._data_dir = data_dir
        self._threads = threads
        self._idle_seconds = idle_seconds
        self._start_seconds = start_seconds
        self._health_seconds = health_seconds
        self._folder = folder_of(data_dir)
        self._child: asyncio.subprocess.Process | None = None

    async def address(self) -> Address:
        """Return the address of the running server, having started it where none runs or none answers.

        Raises:
            ModelServerError: it did not start in time; the log says why.
        """
        running = self._folder.read_address()
        if running is not None and await self._answers(running):
            return running
        self._folder.prepare()
        try:
            async with asyncio.timeout(self._start_seconds):
                lock = await self._wait_for(lambda: FileLock.take(self._folder.start_lock))
                try:
                    return await self._start()
                finally:
                    lock.release()
        except TimeoutError as error:
            raise ModelServerError(self._excuse("did not start in time")) from error

    async def close(self) -> None:
        """End the server, if it was started here."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    async def _start(self) -> Address:
        """Start the server, or find the one that another process started while we waited for the lock."""
        running = self._folder.read_address()
        if running is not None and await self._answers(running):
            return running
        await self._end_silent(running)
        self._folder.forget_address()
        self._child = await self._spawn()
        while True:
            started = self._folder.read_address()
            if started is not None and await self._answers(started):
                return started
            if self._child.returncode is not None:
                raise ModelServerError(self._excuse(f"ended with {self._child.returncode}"))
            await asyncio.sleep(POLL_SECONDS)

    async def _end_silent(self, running: Address | None) -> None:
        """Kill a server that lives but does not answer; the held life lock proves that the number is still its own."""
        lock = FileLock.take(self._folder.life_lock)
        if lock is None:
            if running is not None:
                with suppress(ProcessLookupError):
                    os.kill(running.pid, signal.SIGKILL)
            lock = await self._wait_for(lambda: FileLock.take(self._folder.life_lock))
        lock.release()

    async def _spawn(self) -> asyncio.subprocess.Process:
        arguments = [
            "--data-dir", str(self._data_dir),
            "--threads", str(self._threads),
            "--idle-seconds", str(self._idle_seconds),
            "--parent", str(os.getpid()),
        ]  # fmt: skip
        with self._folder.log_file.open("wb") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rlmlab.modelserver", *arguments,
                stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
                cwd=SOURCE_ROOT, env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            )  # fmt: skip

    async def _answers(self, address: Address) -> bool:
        timeout = aiohttp.ClientTimeout(total=self._health_seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{address.url}/health") as answer,
            ):
                return answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _wait_for(self, take: Callable[[], FileLock | None]) -> FileLock:
        while (lock := take()) is None:  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(POLL_SECONDS)
        return lock

    def _excuse(self, what: str) -> str:
        try:
            last = self._folder.log_file.read_text("utf-8", "replace").strip().splitlines()[-1:]
        except OSError:
            last = []
        return f"The local model server {what}. {' '.join(last)}".strip()
