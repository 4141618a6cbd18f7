"""How often a key, a person and a guessing address may ask, and what they are told."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import AsyncClient
from redis import Redis

from rlmlab import scoping
from rlmlab.api import limits
from rlmlab.api.limits import Limiter, Standing
from rlmlab.api.stream import TOO_MANY
from rlmlab.asgi import application
from rlmlab.embedded.places import Places
from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.models import ApiKey
from tests.api.conftest import ApiClient
from tests.api.test_auth import PROJECTS, signed_in
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from tests.live import ROOT

SLOW = 0.001  # a rate at which nothing comes back while a test lasts
ELSEWHERE = "203.0.113.7"
WRONG_KEY = "rlm_aaaaaaaa_" + "b" * 43

HUNDRED = """
import sys
import django
django.setup()
from redis import Redis
from rlmlab.api.limits import Limiter
limiter = Limiter(Redis.from_url(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(limiter.take(sys.argv[2], per_second=0.001, size=60).allowed for _ in range(100)))
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wait longer than in production, so that a busy machine is not taken for a server that is away."""
    made = limits.limiter
    made.cache_clear()
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 20)
    yield
    made.cache_clear()


@pytest.fixture
def client(servers: Places) -> Iterator[Redis]:
    with Redis.from_url(settings.LIVE_URL) as connected:
        yield connected


@pytest.fixture
def limiter(client: Redis) -> Limiter:
    return Limiter(client)


@pytest.fixture
def bucket() -> str:
    return f"test:{uuid4()}"


@pytest.fixture
def tight_key(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key that may make one request a second, two at once, while a second lasts a minute."""
    monkeypatch.setattr(limits, "_MICROSECONDS", 60_000_000)
    return create_key(by=acme.principal, label="tight", requests_per_second=1).raw


@pytest.fixture
def tight(tight_key: str) -> ApiClient:
    return ApiClient(tight_key)


def take(limiter: Limiter, bucket: str, *, per_second: float = SLOW, size: int = 3) -> Standing:
    standing = limiter.take(bucket, per_second=per_second, size=size)
    assert standing is not None
    return standing


def test_a_bucket_counts_down_and_refuses_when_it_is_empty(limiter: Limiter, bucket: str) -> None:
    taken = [take(limiter, bucket) for _ in range(5)]
    assert [standing.allowed for standing in taken] == [True, True, True, False, False]
    assert [standing.remaining for standing in taken] == [2, 1, 0, 0, 0]
    assert {standing.limit for standing in taken} == {3}
    assert taken[0].reset_seconds == pytest.approx(1000, abs=1)
    assert taken[3].reset_seconds == pytest.approx(3000, abs=5)
    assert taken[3].retry_seconds == pytest.approx(1000, abs=5)


def test_a_bucket_fills_again_at_its_rate(limiter: Limiter, bucket: str) -> None:
    for _ in range(2):
        assert [take(limiter, bucket, per_second=1, size=1).allowed for _ in range(2)] == [True, False]
        time.sleep(1.05)


def test_the_long_run_keeps_to_the_rate(limiter: Limiter, bucket: str) -> None:
    started, allowed = time.monotonic(), 0
    while time.monotonic() - started < 0.5:
        allowed += take(limiter, bucket, per_second=100, size=50).allowed
    assert 50 + 20 <= allowed <= 50 + 100 * (time.monotonic() - started) + 1


def test_buckets_are_apart_and_are_forgotten_when_they_are_full(limiter: Limiter, client: Redis, bucket: str) -> None:
    assert not [take(limiter, bucket, size=1) for _ in range(2)][1].allowed
    assert take(limiter, f"{bucket}:other", size=1).allowed
    assert take(limiter, f"{bucket}:quick", per_second=2, size=1).allowed
    assert 0 < client.pttl(f"rlmlab:requests:{bucket}:quick") <= 500
    time.sleep(0.55)
    assert not client.exists(f"rlmlab:requests:{bucket}:quick")


def test_a_clock_that_was_put_back_locks_nobody_out(limiter: Limiter, client: Redis, bucket: str) -> None:
    client.set(f"rlmlab:requests:{bucket}", int((time.time() + 86_400) * 1_000_000))
    refused = take(limiter, bucket, per_second=10, size=2)
    assert not refused.allowed
    assert refused.retry_seconds == pytest.approx(0.1, abs=0.01)


def test_of_many_threads_exactly_the_allowed_number_pass(limiter: Limiter, bucket: str) -> None:
    with ThreadPoolExecutor(32) as pool:
        taken = list(pool.map(lambda _: take(limiter, bucket, size=50), range(400)))
    assert sum(standing.allowed for standing in taken) == 50
    assert sorted(standing.remaining for standing in taken if standing.allowed) == list(range(50))


def test_two_processes_agree(bucket: str, servers: Places) -> None:
    def start() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", HUNDRED, settings.LIVE_URL, bucket],
            cwd=ROOT,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "rlmlab.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    with start() as one, start() as two:
        assert [process.stdout.readline() for process in (one, two)] == ["ready\n"] * 2  # type: ignore[union-attr]
        for process in (one, two):
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        counts = [int(process.stdout.read()) for process in (one, two)]  # type: ignore[union-attr]
    assert sum(counts) == 60
    assert min(counts) < 60


def test_every_answer_tells_how_the_limit_stands(as_ada: ApiClient) -> None:
    first, second = as_ada.get(PROJECTS), as_ada.get("/api/v1/projects/nothing/runs")
    assert (first.status_code, second.status_code) == (200, 404)
    size = round(settings.RLMLAB.api_requests_per_second * settings.RLMLAB.api_burst_seconds)
    for answer in (first, second):
        assert answer.headers["RateLimit-Limit"] == str(size) == "400"
        assert size - 3 < int(answer.headers["RateLimit-Remaining"]) < size
        assert answer.headers["RateLimit-Reset"] == "1"
        assert "Retry-After" not in answer.headers


def test_one_request_too_many_is_told_when_to_come_again(tight: ApiClient) -> None:
    answers = [tight.get(PROJECTS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    refused = answers[2]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (refused.headers["RateLimit-Limit"], refused.headers["Retry-After"]) == ("2", "1")
    assert refused.json() == {
        "type": "about:blank",
        "title": "Too many requests",
        "status": 429,
        "detail": "More requests came than are allowed; the next may come in 1 s.",
        "errors": [],
    }


def test_a_refused_request_does_nothing(tight: ApiClient, as_ada: ApiClient) -> None:
    made = [tight.send(PROJECTS, {"slug": f"made-{number}"}).status_code for number in range(3)]
    assert made == [201, 201, 429]
    assert {item["slug"] for item in as_ada.get(PROJECTS).json()["items"]} == {"demo", "made-0", "made-1"}


def test_each_key_and_each_person_has_a_bucket_of_their_own(tight: ApiClient, acme: Tenant, as_ada: ApiClient) -> None:
    assert [tight.get(PROJECTS).status_code for _ in range(3)][-1] == 429
    assert as_ada.get(PROJECTS).status_code == 200
    person = signed_in(acme)
    remaining = [
        int(person.get(PROJECTS, headers={"X-Organization": "acme"}).headers["RateLimit-Remaining"]) for _ in range(2)
    ]
    assert 397 <= remaining[1] <= remaining[0] + 1 <= 400


def test_a_bootstrapped_organization_is_not_limited_below_100_a_second(as_ada: ApiClient) -> None:
    assert type(settings.RLMLAB).model_fields["api_requests_per_second"].metadata[0].ge == 100
    assert {as_ada.get("/api/v1/projects").status_code for _ in range(200)} == {200}


def test_a_lower_limit_of_the_installation_holds_for_a_key_made_before(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = create_key(by=acme.principal, label="quick", requests_per_second=200).raw
    monkeypatch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update={"api_requests_per_second": 100}))
    assert ApiClient(key).get(PROJECTS).headers["RateLimit-Limit"] == "200"  # two seconds of a hundred


def test_wrong_keys_are_counted_by_address_and_valid_ones_are_never_locked_out(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRONG_KEYS_AT_ONCE", 3)
    monkeypatch.setattr(limits, "WRONG_KEYS_PER_SECOND", SLOW)
    wrong, right = (ApiClient(key, REMOTE_ADDR=ELSEWHERE) for key in (WRONG_KEY, acme.key))
    answers = [wrong.get(PROJECTS) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[4].headers["Retry-After"] == "1000"
    assert right.get(PROJECTS).status_code == 200
    assert ApiClient(WRONG_KEY, REMOTE_ADDR="203.0.113.8").get(PROJECTS).status_code == 401


def test_who_sends_no_key_is_asked_to_sign_in_and_not_counted(nobody: ApiClient) -> None:
    answer = nobody.get(PROJECTS)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_the_servers_absence_limits_nothing_and_is_logged_once_in_a_while(
    as_ada: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    away = Limiter(Redis.from_url("unix:///nowhere/vk.sock"), clock=lambda: now[0])
    monkeypatch.setattr(limits, "limiter", lambda: away)
    with caplog.at_level(logging.WARNING, limits.__name__):
        answers = [as_ada.get(PROJECTS) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert "RateLimit-Limit" not in answers[0].headers
        assert len(caplog.records) == 1
        now[0] += limits.AWAY_SECONDS
        as_ada.get(PROJECTS)
    assert len(caplog.records) == 2
    assert "requests are not counted for 5 s" in caplog.text


def test_threads_that_wait_in_vain_together_log_once(
    caplog: pytest.LogCaptureFixture, silent_server: str, bucket: str
) -> None:
    limiter = Limiter(Redis.from_url(silent_server, socket_timeout=0.2, retry=None))
    started = time.monotonic()
    with caplog.at_level(logging.WARNING, limits.__name__), ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: limiter.take(bucket, per_second=1, size=1), range(50)))
    assert taken == [None] * 50
    assert time.monotonic() - started < 2
    assert len(caplog.records) == 1


def test_a_server_that_was_started_again_counts_on(client: Redis, bucket: str) -> None:
    limiter = limits.limiter()
    assert take(limiter, bucket).remaining == 2
    client.script_flush()
    client.client_kill_filter(_type="normal", skipme=True)
    assert take(limiter, bucket).remaining == 1


def test_a_key_with_a_limit_keeps_it_in_its_row(acme: Tenant) -> None:
    key = create_key(by=acme.principal, label="slow", requests_per_second=7).key
    with scoping.organization(acme.organization):
        assert ApiKey.objects.get(id=key.id).requests_per_second == 7


@pytest.mark.django_db(transaction=True)
async def test_following_over_sse_counts_once(acme: Tenant, tight_key: str) -> None:
    run = await sync_to_async(finished_run)(acme.principal, acme.project, 50)
    headers = {"Authorization": f"Bearer {tight_key}", "Accept": "text/event-stream"}
    follow: Callable[[], Any] = lambda: AsyncClient().get(f"/api/v1/runs/{run.id}/events", headers=headers)  # noqa: E731
    first = await follow()
    assert first.headers["RateLimit-Remaining"] == "1"
    text = b"".join([part async for part in first.streaming_content]).decode()
    assert text.count("\nid: ") == 252
    assert [(await follow()).status_code for _ in range(2)] == [200, 429]


@pytest.mark.django_db(transaction=True)
async def test_opening_a_websocket_counts_once_and_too_many_are_closed_with_4429(acme: Tenant, tight_key: str) -> None:
    run = await sync_to_async(make_run)(acme.principal, acme.project)
    headers = [(b"authorization", f"Bearer {tight_key}".encode())]
    first: list[dict[str, Any]] = []
    for _ in range(3):
        socket = WebsocketCommunicator(application, f"/ws/runs/{run.id}/", headers)
        assert (await socket.connect(timeout=10))[0]
        first.append(await socket.receive_output(timeout=10))
        await socket.disconnect()
    assert [output["type"] for output in first] == ["websocket.send", "websocket.send", "websocket.close"]
    assert first[2]["code"] == TOO_MANY == 4429
