"""Tasks are few, named by hand and thin: a queued message must find its task after the code has moved."""

import inspect
from typing import Any, Final

import pytest
from django.conf import settings

from rlmlab.celery import app
from trajectories import queue

TASKS: Final = {
    "trajectories.execute_run": {"run_id", "organization_id"},
    "trajectories.sweep_runs": set(),
}
MOST_LINES: Final = 15


@pytest.fixture(scope="module")
def tasks() -> dict[str, Any]:
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def test_the_registered_tasks_are_the_listed_ones(tasks: dict[str, Any]) -> None:
    assert tasks.keys() == TASKS.keys()


def test_each_name_is_given_and_not_made_from_the_module(tasks: dict[str, Any]) -> None:
    assert [name for name, task in tasks.items() if name == app.gen_task_name(task.run.__name__, task.__module__)] == []


def test_what_is_sent_is_registered(tasks: dict[str, Any]) -> None:
    assert {queue.EXECUTE, queue.SWEEP} == tasks.keys()
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= tasks.keys()


def test_tasks_take_ids_by_keyword_and_whatever_a_newer_sender_adds(tasks: dict[str, Any]) -> None:
    for name, task in tasks.items():
        parameters = inspect.signature(task.run).parameters.values()
        kinds = {parameter.kind for parameter in parameters}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}, name
        assert inspect.Parameter.VAR_KEYWORD in kinds, name
        named = {parameter.name for parameter in parameters if parameter.kind == inspect.Parameter.KEYWORD_ONLY}
        assert named == TASKS[name], name


def test_tasks_are_thin(tasks: dict[str, Any]) -> None:
    lengths = {name: len(inspect.getsource(task.run).splitlines()) for name, task in tasks.items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_tasks_are_acknowledged_when_they_begin(tasks: dict[str, Any]) -> None:
    """A message in hand would end the worker when the broker restarts; the sweep replaces lost ones."""
    assert not any(task.acks_late or task.reject_on_worker_lost for task in tasks.values())
    assert all(task.ignore_result for task in tasks.values())
