"""Work that somebody waits for only so long."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> "Future[T]":
    """Do work in a thread of its own, which keeps no process alive: what a frozen server holds up never ends."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again in whoever asks for the result
            done.set_exception(error)
        finally:
            connections.close_all()  # this thread's

    Thread(target=run, daemon=True).start()
    return done
