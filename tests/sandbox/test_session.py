"""The host's end of a guest whose process and socket the test holds: broken peers, and why a guest died."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox import measure, session
from sandbox.base import CellStatus, SessionSpec, context_in_memory
from sandbox.errors import EnvironmentUnavailable, ProtocolViolation, SandboxError, SessionDied
from sandbox.guest.wire import Channel, encode
from sandbox.process import Exit, Guest
from sandbox.session import JailedSession
from tests.sandbox.driver import SMALL, Recorder, run

READY = {"t": "ready", "missing": []}
CPU_LIMIT = 501.0  # seconds: of 100 cells of SMALL, and one


SLEEP = ("sleep", "60")
BURN = ("sh", "-c", "ulimit -S -t 1; while :; do :; done")


def started(command: tuple[str, ...]) -> int:
    """Start a process that holds none of the test's descriptors; the test reaps it."""
    return os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, 0)])


class Peer:
    """A real child process beside a socket that the test speaks for it."""

    def __init__(self) -> None:
        self.pid = started(SLEEP)  # before there is a socket that it could hold for a moment
        ours, self.socket = socket.socketpair()
        ours.setblocking(False)
        self.ended: asyncio.Future[Exit | None] = asyncio.get_running_loop().create_future()
        self.guest = Guest(self.pid, os.pidfd_open(self.pid), ours, self.ended)
        self.closed = 0
        self.session = self.host(SessionSpec(profile=SMALL, functions=("llm_query",)))

    def host(self, spec: SessionSpec) -> JailedSession:
        return JailedSession(self.guest, spec, self._count)

    def _count(self) -> None:
        self.closed += 1

    async def frame(self) -> dict[str, object]:
        """Take the next frame of the host."""
        return await asyncio.to_thread(Channel(self.socket.fileno()).receive)

    async def opened(self) -> JailedSession:
        self.socket.sendall(encode(READY))
        await self.session.open()
        assert (await self.frame())["cpu_seconds"] == CPU_LIMIT
        return self.session

    async def dies(self, ended: Exit | None) -> CellStatus:
        """Run a cell in the middle of which the guest goes away."""
        running = asyncio.create_task(run(await self.opened(), "x"))
        assert (await self.frame())["t"] == "execute"
        self.socket.close()
        self.ended.set_result(ended)
        ran = await running
        assert not ran.result.alive
        assert ran.result.usage.source == ("unavailable" if ended is None else "measured")
        return ran.result.status


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    yield made
    made.socket.close()
    if not made.ended.done():
        made.ended.set_result(None)
    await made.session.close()
    os.waitpid(made.pid, 0)  # noqa: ASYNC222 - it was killed


@pytest.fixture(scope="module")
def cpu_limit_status() -> int:
    _, status, usage = os.wait4(started(BURN), 0)
    assert usage.ru_utime + usage.ru_stime > 0.9
    return status


@pytest.fixture(scope="module")
def sigkill_status() -> int:
    pid = started(SLEEP)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def count_kills(monkeypatch: pytest.MonkeyPatch, folder: Path, kills: int) -> None:
    """Let the kernel's counters of /proc read as a test wants them; processes keep theirs."""
    (folder / "vmstat").write_text(f"nr_free_pages 7\noom_kill {kills}\npgfault 1\n", "ascii")
    for pid in ("self", *(entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit())):
        if not (folder / pid).exists():
            (folder / pid).symlink_to(f"/proc/{pid}")
    monkeypatch.setattr(measure, "_PROC", folder)


async def test_cpu_limit_of_the_kernel_is_killed_time(peer: Peer, cpu_limit_status: int) -> None:
    assert os.WTERMSIG(cpu_limit_status) == signal.SIGXCPU
    assert await peer.dies(Exit(cpu_limit_status, CPU_LIMIT + 0.2, 1 << 20)) == "killed_time"


async def test_hard_cpu_limit_ends_with_sigkill_and_is_killed_time(peer: Peer, sigkill_status: int) -> None:
    assert await peer.dies(Exit(sigkill_status, CPU_LIMIT, 1 << 20)) == "killed_time"


async def test_cpu_signal_before_the_limit_is_not_believed(peer: Peer, cpu_limit_status: int) -> None:
    assert await peer.dies(Exit(cpu_limit_status, 3.0, 1 << 20)) == "killed"


@pytest.mark.parametrize(("kills", "status"), [(1, "killed_memory"), (0, "killed")])
async def test_sigkill_is_for_memory_when_the_kernel_counts_one_more(
    peer: Peer, sigkill_status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kills: int, status: str
) -> None:
    count_kills(monkeypatch, tmp_path, 4)
    running = asyncio.create_task(run(await peer.opened(), "x"))
    await peer.frame()
    count_kills(monkeypatch, tmp_path, 4 + kills)
    peer.ended.set_result(Exit(sigkill_status, 0.5, 9 << 20))
    peer.socket.close()
    ran = await running
    assert (ran.result.status, ran.result.usage.peak_memory_bytes) == (status, 9 << 20)


async def test_exit_by_itself_is_never_for_memory(peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    count_kills(monkeypatch, tmp_path, 0)
    opened = await peer.opened()
    running = asyncio.create_task(run(opened, "x"))
    await peer.frame()
    count_kills(monkeypatch, tmp_path, 1)
    peer.ended.set_result(Exit(3 << 8, 0.5, 1 << 20))
    peer.socket.close()
    assert (await running).result.status == "killed"
    with pytest.raises(SessionDied, match="this session is over"):
        await run(opened, "x")


async def test_end_that_nobody_tells_is_killed(peer: Peer) -> None:
    assert await peer.dies(None) == "killed"


async def test_guest_that_never_gets_ready_is_given_up(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_OPEN_SECONDS", 0.05)
    with pytest.raises(SandboxError, match="the guest did not become ready in time"):
        await peer.session.open()


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        ({"t": "done"}, ProtocolViolation, "a frame 'done' while opening"),
        ({"t": "unavailable", "reason": "no seccomp"}, EnvironmentUnavailable, "no seccomp"),
        ({"t": "unavailable", "reason": "the context is too large"}, SandboxError, "the context is too large"),
    ],
)
async def test_wrong_first_frame_is_told(peer: Peer, frame: dict[str, str], error: type, message: str) -> None:
    peer.socket.sendall(encode(frame))
    with pytest.raises(error, match=message) as caught:
        await peer.session.open()
    assert type(caught.value) is error


async def test_guest_that_dies_while_it_is_made_is_an_error(peer: Peer) -> None:
    peer.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(SandboxError, match="the guest died while it was being made"):
        await peer.session.open()


async def test_guest_that_died_before_it_was_used_is_an_error(peer: Peer) -> None:
    peer.socket.close()
    with pytest.raises(SessionDied, match="the guest died before it was used: Broken pipe"):
        await peer.session.open()


async def test_opening_larger_than_the_socket_arrives_whole(peer: Peer) -> None:
    names = tuple(f"tool_{number:06}" for number in range(60_000))
    source = context_in_memory("text", [b"input"])
    peer.session = peer.host(SessionSpec(SMALL, source, names))
    opening = asyncio.create_task(peer.session.open())
    await asyncio.sleep(0.05)
    data, fds, _, _ = socket.recv_fds(peer.socket, 4, 1)
    rest = bytearray()
    while len(rest) < int.from_bytes(data, "big"):
        rest += await asyncio.to_thread(peer.socket.recv, 1 << 20)
    peer.socket.sendall(encode(READY))
    await opening
    assert rest.endswith(b'"context":{"kind":"text","size":5,"parts":[]}}')
    assert rest.count(b'"tool_') == 60_000
    assert os.read(fds[0], 10) == b"input"
    os.close(fds[0])
    os.close(source.fd)


async def test_output_before_a_violation_still_arrives(peer: Peer) -> None:
    shown: list[str] = []
    opened = await peer.opened()
    code = opened.execute("x", handler=Recorder(), on_output=lambda _, text: shown.append(text))
    running = asyncio.create_task(code)
    await peer.frame()
    pieces = [{"t": "output", "channel": channel, "text": text} for channel, text in
              [("stdout", "a"), ("stdout", "b"), ("stderr", "c")]]  # fmt: skip
    peer.socket.sendall(b"".join(map(encode, [*pieces, {"t": "ready"}])))
    with pytest.raises(ProtocolViolation, match="a frame 'ready' while running"):
        await running
    assert shown == ["ab", "c"]


async def test_closing_releases_the_place_once(peer: Peer) -> None:
    await peer.opened()
    peer.ended.set_result(None)
    await peer.session.close()
    await peer.session.close()
    assert peer.closed == 1


def test_context_that_fails_half_way_leaves_no_descriptor() -> None:
    def broken() -> "list[bytes]":
        return [b"ab", 5]  # type: ignore[list-item]

    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(TypeError):
        context_in_memory("text", broken())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
