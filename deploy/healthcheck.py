"""Tell Docker whether a container's process does its work; exit code 1 says no.

    healthcheck.py web PORT | worker | beat SCHEDULE

Imports no Django, since it runs every half minute.
"""

import os
import socket
import sys
import time
import urllib.request
from pathlib import Path

WAIT_SECONDS = 5.0
BEAT_SILENCE_SECONDS = 60.0


def web(port: str) -> bool:
    """Ask the process itself, as a proxy with TLS would, so that HTTPS is not demanded of us."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"X-Forwarded-Proto": "https"})
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310 - our own http address
        return bool(answer.status == 200)  # noqa: PLR2004


def worker() -> bool:
    """Ask this container's worker for a sign of life, through the broker."""
    from celery import Celery  # noqa: PLC0415 - slow import that the other two do without

    control = Celery(broker=os.environ.get("RLMLAB_BROKER_URL") or os.environ["REDIS_URL"]).control
    return bool(control.ping(destination=[f"worker@{socket.gethostname()}"], timeout=WAIT_SECONDS))


def beat(schedule: str) -> bool:
    """Look when beat last wrote down what it had sent; the database library puts a suffix of its own to the name."""
    path = Path(schedule)
    written = max((file.stat().st_mtime for file in path.parent.glob(f"{path.name}*")), default=0.0)
    return time.time() - written < BEAT_SILENCE_SECONDS


if __name__ == "__main__":
    sys.exit(not {"web": web, "worker": worker, "beat": beat}[sys.argv[1]](*sys.argv[2:]))
