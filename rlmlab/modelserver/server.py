"""The server process: llama.cpp's own OpenAI-compatible HTTP server, which ends itself when nobody needs it."""

import json
import logging
import os
import secrets
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rlmlab.modelserver.address import Address, Folder, folder_of
from rlmlab.modelserver.locks import FileLock
from rlmlab.modelserver.parent import die_with_parent
from rlmlab.modelserver.template import CHAT_TEMPLATE
from rlmlab.modelserver.watch import Watch, progress_of
from rlmlab.modelserver.weights import MODEL_NAME, ensure_weights

logger = logging.getLogger(__name__)

CONTEXT_TOKENS = 8192
BATCH_TOKENS = 512  # /slots moves once a batch, so a smaller one shows sooner that a long prompt gets on
OBSERVE_SECONDS = 2.0

EndReason = Literal["idle", "hung", "orphaned", "running already"]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the server runs; `parent` is the process it must not outlive (None: it may)."""

    data_dir: Path
    threads: int = 1
    idle_seconds: float = 300.0
    hung_seconds: float = 120.0
    parent: int | None = None


def serve(options: ServerOptions) -> EndReason:
    """Serve until idle, hung or orphaned; return why it ended.

    The address is written only once the server listens, and the life lock tells others that it is alive. Two servers of
    one data directory cannot be: the second returns at once.
    """
    folder = folder_of(options.data_dir)
    folder.prepare()
    lock = FileLock.take(folder.life_lock)
    if lock is None:
        return "running already"
    orphaned = threading.Event()
    if options.parent is not None and not die_with_parent(options.parent, orphaned.set):
        return "orphaned"
    weights = ensure_weights(options.data_dir)
    key = secrets.token_urlsafe(24)
    server = _listen(weights, options.threads, key)
    address = Address(os.getpid(), server.listening_address, key)
    folder.write_address(address)
    logger.info("serving %s at %s", MODEL_NAME, address.url)
    try:
        return _watch(address, options, orphaned)
    finally:
        _forget_own(folder, address)


def read_slots(address: Address) -> list[dict[str, Any]]:
    """Ask llama.cpp what its slots do.

    Raises:
        OSError: it does not answer.
    """
    request = urllib.request.Request(  # noqa: S310 - our own loopback server
        f"{address.url}/slots", headers={"Authorization": f"Bearer {address.api_key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        slots: list[dict[str, Any]] = json.load(response)
    return slots


def _listen(weights: Path, threads: int, key: str) -> Any:
    """Load the weights and listen on a free port of the loopback interface."""
    import xllamacpp  # noqa: PLC0415 - slow import, 33 MB of C++, of no use to a second server that ends at once

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {MODEL_NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.n_batch = BATCH_TOKENS
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.warmup = False
    params.use_jinja = True
    params.chat_template = CHAT_TEMPLATE
    return xllamacpp.Server(params)


def _watch(address: Address, options: ServerOptions, orphaned: threading.Event) -> EndReason:
    watch = Watch(options.idle_seconds, options.hung_seconds, time.monotonic())
    pause = min(OBSERVE_SECONDS, options.idle_seconds / 4)
    while not orphaned.wait(pause):
        try:
            busy, mark = progress_of(read_slots(address))
        except OSError:
            busy, mark = True, "no answer"
        verdict = watch.observe(busy, mark, time.monotonic())
        if verdict is not None:
            return verdict
    return "orphaned"


def _forget_own(folder: Folder, address: Address) -> None:
    if folder.read_address() == address:
        folder.forget_address()


def run(options: ServerOptions, leave: Callable[[int], None] = os._exit) -> None:
    """Serve, say why it ended, and leave at once: a hung server's C++ threads would never join."""
    reason = serve(options)
    logger.info("ending: %s", reason)
    sys.stderr.flush()
    leave(1 if reason == "hung" else 0)
