"""The openai Python SDK as it is, against a real web process, a real worker and a scripted model."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from rlmlab import scoping
from tests.factories.runs import reload
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import Reply
from tests.live import Web, wait_until, web
from trajectories.models import Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_worker")]
HELLO: Any = [{"role": "user", "content": "Say hello."}]
LONG = "All the bees are busy.\n" * 400


class Verdict(BaseModel):
    """What parse() is to return."""

    word: str
    count: int


@pytest.fixture
def base_url(live_web: Web) -> str:
    return f"{live_web.url}/v1"


@pytest.fixture
def client(base_url: str, acme: Tenant) -> Iterator[OpenAI]:
    with OpenAI(base_url=base_url, api_key=acme.key, timeout=60, max_retries=0) as made:
        yield made


def rlm(model: str, **more: Any) -> dict[str, Any]:
    return {"rlm": {"model": f"openai/{model}", **more}}


def submit(value: str) -> str:
    return f"```repl\nanswer['content'] = {value}\nanswer['ready'] = True\n```"


def the_run(acme: Tenant) -> Run:
    with scoping.organization(acme.organization):
        return Run.objects.for_org(acme.organization).get()


def test_an_answer_with_usage_run_and_cost(client: OpenAI, acme: Tenant, model_server: ModelServer) -> None:
    model_server.script("hello", submit("'Hello.'"))
    raw = client.chat.completions.with_raw_response.create(
        model="rlm/demo", messages=HELLO, temperature=0.5, user="ada", metadata={"k": "v"}, extra_body=rlm("hello")
    )
    answer, run = raw.parse(), the_run(acme)
    assert raw.headers["X-RLM-Run"] == str(run.id)
    assert raw.headers["X-RLM-Ignored"] == "temperature"
    assert (answer.object, answer.model, answer.id) == ("chat.completion", "rlm/demo", f"chatcmpl-{run.id.hex}")
    assert answer.choices[0].message.content == "Hello."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (run.input_tokens, run.output_tokens)
    assert answer.usage.total_tokens == run.input_tokens + run.output_tokens > 100
    assert (run.task, run.tags, run.context_kind) == ("Say hello.", ["user:ada", "k:v"], "")


def test_long_content_is_the_input(client: OpenAI, acme: Tenant, model_server: ModelServer) -> None:
    model_server.script("count", submit("str(context.count('bees'))"))
    content: Any = [{"type": "text", "text": "How many bees?"}, {"type": "text", "text": LONG}]
    answer = client.chat.completions.create(
        model="rlm/demo", messages=[{"role": "user", "content": content}], extra_body=rlm("count")
    )
    assert answer.choices[0].message.content == "400"
    assert the_run(acme).context_size == len(LONG)


def test_a_stream_tells_what_happens_then_the_answer_then_the_usage(
    client: OpenAI, acme: Tenant, model_server: ModelServer
) -> None:
    model_server.behave(
        "asks", lambda call: Reply(submit("llm_query('Is it so?') * 900") if call.is_level else "Yes.  ")
    )
    chunks = list(
        client.chat.completions.create(
            model="rlm/demo",
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
            extra_body=rlm("asks"),
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "Yes.  " * 900
    progress = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    assert progress.splitlines()[0] == "Step 1"
    assert "llm_query: Is it so?" in progress
    assert chunks[-2].choices[0].finish_reason == "stop"
    run = the_run(acme)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == run.input_tokens + run.output_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_parsed_answer(client: OpenAI, model_server: ModelServer) -> None:
    model_server.script("verdict", submit("{'word': 'bees', 'count': 3}"))
    answer = client.chat.completions.parse(
        model="rlm/demo", messages=HELLO, response_format=Verdict, extra_body=rlm("verdict")
    )
    assert answer.choices[0].message.parsed == Verdict(word="bees", count=3)


async def test_the_asynchronous_client_and_its_stream_helper(
    base_url: str, acme: Tenant, model_server: ModelServer
) -> None:
    model_server.script("hello", submit("'One.'"), submit("'Two.'"))
    async with AsyncOpenAI(base_url=base_url, api_key=acme.key, max_retries=0) as client:
        answer = await client.chat.completions.create(model="rlm/demo", messages=HELLO, extra_body=rlm("hello"))
        assert answer.choices[0].message.content == "One."
        async with client.chat.completions.stream(model="rlm/demo", messages=HELLO, extra_body=rlm("hello")) as stream:
            kinds = {event.type async for event in stream}
            final = await stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == "Two."


def test_models_are_projects(client: OpenAI, acme: Tenant) -> None:
    assert [model.id for model in client.models.list()] == ["rlm/demo"]
    assert client.models.retrieve("rlm/demo").owned_by == "acme"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("rlm/none")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_failures_are_the_sdks_own(client: OpenAI, base_url: str, model_server: ModelServer) -> None:
    with pytest.raises(openai.AuthenticationError), OpenAI(base_url=base_url, api_key="rlm_x") as nobody:
        nobody.models.list()
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="rlm/demo", messages=HELLO, n=2)
    assert caught.value.param == "n"
    with pytest.raises(openai.UnprocessableEntityError) as ended:
        client.chat.completions.create(
            model="rlm/demo", messages=HELLO, extra_body=rlm("never", budget={"max_tokens": 10})
        )
    assert (ended.value.type, ended.value.code) == ("run_failed", "budget")
    with pytest.raises(openai.APIError, match="run") as streamed:
        list(
            client.chat.completions.create(
                model="rlm/demo", messages=HELLO, stream=True, extra_body=rlm("unauthorized")
            )
        )
    assert streamed.value.type == "run_failed"


def status(run: Run) -> Callable[[], str]:
    return lambda: reload(run).status


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("detach", [True, False])
def test_a_client_that_goes_away_takes_its_run_with_it_unless_it_said_otherwise(
    base_url: str, acme: Tenant, model_server: ModelServer, stream: bool, detach: bool
) -> None:
    calls = len(model_server.calls)
    body = {"model": "rlm/demo", "messages": HELLO, "stream": stream} | rlm("hold", detach=detach)
    headers = {"Authorization": f"Bearer {acme.key}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{base_url}/chat/completions", json=body, headers=headers, timeout=2.5)
    wait_until(lambda: len(model_server.calls) > calls)
    run = the_run(acme)
    if detach:
        time.sleep(3)
        assert status(run)() == "running"
        model_server.release()
        wait_until(lambda: status(run)() in {"succeeded", "failed"})
    else:
        wait_until(lambda: status(run)() == "cancelled", 10)


def test_a_client_that_comes_again_gets_the_answer_of_its_run(
    base_url: str, acme: Tenant, model_server: ModelServer
) -> None:
    model_server.script("later", Reply(submit("'Here.'"), delay_seconds=3))
    with OpenAI(base_url=base_url, api_key=acme.key, timeout=1.5, max_retries=3) as hasty:
        answer = hasty.chat.completions.create(
            model="rlm/demo", messages=HELLO, extra_body=rlm("later"), extra_headers={"Idempotency-Key": "once"}
        )
    assert answer.choices[0].message.content == "Here."
    assert the_run(acme).status == "succeeded"


def test_a_server_that_is_shut_down_takes_no_run_with_it(acme: Tenant, model_server: ModelServer) -> None:
    with web() as passing, OpenAI(base_url=f"{passing.url}/v1", api_key=acme.key, max_retries=0) as client:
        stream = client.chat.completions.create(model="rlm/demo", messages=HELLO, stream=True, extra_body=rlm("hold"))
        assert next(iter(stream)).choices[0].delta.role == "assistant"
        run = the_run(acme)
        wait_until(lambda: status(run)() == "running")
        passing.process.terminate()
    time.sleep(3)
    assert status(run)() == "running"
    model_server.release()
    wait_until(lambda: reload(run).is_terminal)
    assert reload(run).status != "cancelled"
