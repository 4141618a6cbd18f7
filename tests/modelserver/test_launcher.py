"""The real server with the real weights: started on demand, once, ended when idle, silent or orphaned."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from rlmlab.engine.providers.base import ChatMessage, ChatRequest
from rlmlab.engine.providers.catalog import load_catalog
from rlmlab.engine.providers.lean import LeanProvider
from rlmlab.engine.providers.local import locate_local
from rlmlab.modelserver.address import folder_of
from rlmlab.modelserver.errors import ModelServerError
from rlmlab.modelserver.launcher import Launcher
from rlmlab.modelserver.weights import ensure_weights
from tests.engine.providers.contract import FAST, complete

REQUEST = ChatRequest(
    "local/gemma-3-270m",
    (ChatMessage("system", "You answer."), ChatMessage("user", "What is the capital of France?")),
    max_tokens=12,
    timeout_seconds=120.0,
)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for all, so that the weights are assembled once."""
    folder = tmp_path_factory.mktemp("modelserver")
    ensure_weights(folder)
    return folder


@pytest.fixture
async def launcher(data_dir: Path) -> AsyncIterator[Launcher]:
    made = Launcher(data_dir, health_seconds=2.0)
    yield made
    await made.close()


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while lives(pid):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.05)


def test_torn_weights_are_assembled_anew(data_dir: Path):
    weights = data_dir / "models" / "gemma-3-270m-q4_k_m.gguf"
    size = weights.stat().st_size
    os.truncate(weights, 1000)
    assert ensure_weights(data_dir) == weights
    assert weights.stat().st_size == size
    assert list(weights.parent.iterdir()) == [weights]


async def test_model_answers_through_the_provider(launcher: Launcher):
    provider = LeanProvider(locate_local(launcher), load_catalog({}).info, policy=FAST)
    done = await complete(provider, REQUEST)
    assert "Paris" in done.text
    assert done.usage.output_tokens <= 12
    assert not done.usage.estimated
    await provider.close()


async def test_server_wants_its_key(launcher: Launcher):
    address = await launcher.address()
    async with httpx.AsyncClient(trust_env=False) as client:
        refused = await client.post(f"{address.url}/v1/chat/completions", json={"messages": []})
    assert refused.status_code == 401
    assert address.url.startswith("http://127.0.0.1:")


async def test_two_workers_start_one_server(data_dir: Path):
    first, second = Launcher(data_dir), Launcher(data_dir)
    addresses = await asyncio.gather(first.address(), second.address())
    assert addresses[0] == addresses[1]
    await first.close()
    await second.close()
    await until_gone(addresses[0].pid)


async def test_silent_server_is_replaced(launcher: Launcher):
    before = await launcher.address()
    os.kill(before.pid, signal.SIGSTOP)
    after = await launcher.address()
    assert after.pid != before.pid
    assert not lives(before.pid)


async def test_killed_server_is_started_again_within_the_call(launcher: Launcher):
    before = await launcher.address()
    os.kill(before.pid, signal.SIGKILL)
    provider = LeanProvider(locate_local(launcher), load_catalog({}).info, policy=FAST)
    assert "Paris" in (await complete(provider, REQUEST)).text
    await provider.close()


async def test_idle_server_ends_and_forgets_its_address(data_dir: Path):
    launcher = Launcher(data_dir, idle_seconds=0.8)
    address = await launcher.address()
    await until_gone(address.pid)
    folder = folder_of(data_dir)
    assert folder.read_address() is None
    assert "ending: idle" in folder.log_file.read_text()
    await launcher.close()


async def test_server_dies_with_the_worker_that_started_it(data_dir: Path):
    code = (
        "import asyncio, json, pathlib, sys\n"
        "from rlmlab.modelserver.launcher import Launcher\n"
        "async def main():\n"
        "    address = await Launcher(pathlib.Path(sys.argv[1])).address()\n"
        "    print(json.dumps(address.pid), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    pid = json.loads(await worker.stdout.readline())
    worker.kill()
    await worker.wait()
    await until_gone(pid)


async def test_server_that_cannot_start_says_why(tmp_path: Path):
    (tmp_path / "models").write_text("a file where a folder should be")
    launcher = Launcher(tmp_path)
    with pytest.raises(ModelServerError, match="FileExistsError"):
        await launcher.address()
    await launcher.close()
