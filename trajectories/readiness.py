"""Whether runs can be worked on: the database and its schema, the broker, a live worker.

A server that is frozen takes connections and never answers, so each check is made in a thread that nobody waits for
longer than `ANSWER_SECONDS`.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from threading import Lock
from typing import Final

from celery import current_app
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError
from kombu.transport.pyamqp import Transport as Amqp
from redis.exceptions import RedisError

from trajectories.background import in_background

logger = logging.getLogger(__name__)

OK: Final = "ok"
NO_ANSWER: Final = "no answer"
PING_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 2.5
REMEMBER_SECONDS: Final = 2.0
# kombu wraps what goes wrong while it connects; on a connection that it had, the client's own error comes through
BROKER_ERRORS: Final = (OperationalError, RedisError, OSError, *Amqp.connection_errors, *Amqp.channel_errors)


class _Inquiry:
    """Makes one check at a time: while one hangs, whoever asks waits for that one, and threads do not pile up."""

    def __init__(self, check: Callable[[], str]) -> None:
        self._check = check
        self._lock = Lock()
        self._answer: Future[str] = Future()
        self._answer.set_result(OK)

    def ask(self) -> Future[str]:
        """Start the check unless it is being made; return what will hold its result."""
        with self._lock:
            if self._answer.done():
                self._answer = in_background(self._make)
            return self._answer

    def _make(self) -> str:
        try:
            return self._check()
        except Exception:
            logger.exception("a check of readiness failed")
            return "failed; the log says why"


class _Remembered:
    """The last good answer, so that frequent questions do not become load."""

    def __init__(self) -> None:
        self.until = 0.0
        self._inquiries = {name: _Inquiry(check) for name, check in CHECKS.items()}

    def checks(self) -> Mapping[str, str]:
        """Look, unless all was well a moment ago."""
        if time.monotonic() < self.until:
            return dict.fromkeys(CHECKS, OK)
        answers = {name: inquiry.ask() for name, inquiry in self._inquiries.items()}
        wait(answers.values(), ANSWER_SECONDS)
        found = {name: answer.result() if answer.done() else NO_ANSWER for name, answer in answers.items()}
        if all(result == OK for result in found.values()):
            self.until = time.monotonic() + REMEMBER_SECONDS
        return found


def database() -> str:
    """Ask the database something."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"cannot be reached: {type(error).__name__}"
    return OK


def migrations() -> str:
    """Compare the schema with the code."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return f"cannot be read: {type(error).__name__}"
    return f"{len(missing)} not applied" if missing else OK


def broker() -> str:
    """Connect to the broker."""
    try:
        with current_app.connection_for_write() as broker_connection:
            broker_connection.ensure_connection(max_retries=1, interval_start=0, timeout=PING_SECONDS)
    except BROKER_ERRORS as error:
        return f"cannot be reached: {error}"
    return OK


def worker() -> str:
    """Ask for one worker's sign of life, through the broker."""
    try:
        answers = current_app.control.inspect(timeout=PING_SECONDS, limit=1).ping()
    except BROKER_ERRORS:
        return "cannot be asked"
    return OK if answers else "none answers"


CHECKS: Final[Mapping[str, Callable[[], str]]] = {
    "database": database,
    "migrations": migrations,
    "broker": broker,
    "worker": worker,
}
_remembered = _Remembered()


def checks() -> Mapping[str, str]:
    """Return the result of each check by name: `ok`, or what is wrong."""
    return _remembered.checks()
