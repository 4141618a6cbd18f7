"""Work in the background is waited for only as long as somebody wants."""

import os
import subprocess
import sys
import time
from threading import Event

import pytest
from django.conf import settings
from django.db import connection

from tests.live import ROOT
from trajectories.background import in_background

HANGS = """
import django
django.setup()
from threading import Event
from trajectories.background import in_background
in_background(Event().wait)
"""


def test_a_result_comes_and_a_failure_is_raised_in_who_asks() -> None:
    assert in_background(lambda: 42).result(5) == 42
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 / 0).result(5)


def test_who_asks_need_not_wait() -> None:
    thawed = Event()
    started = time.monotonic()
    hanging = in_background(lambda: thawed.wait(10))
    with pytest.raises(TimeoutError):
        hanging.result(0.05)
    assert time.monotonic() - started < 1
    thawed.set()
    assert hanging.result(5) is True


@pytest.mark.django_db
def test_the_connection_of_the_thread_is_given_back() -> None:
    def ask() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone()

    for _ in range(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] + 5):
        assert in_background(ask).result(10) == (1,)


def test_work_that_hangs_keeps_no_process_alive() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "rlmlab.settings"},
        timeout=30,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
