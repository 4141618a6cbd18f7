"""Images and sounds: named in cells, read once, sent to models that take them, and never in an event."""

import asyncio
import json

import pytest

from rlmlab.engine import media as limits
from rlmlab.engine.errors import ProviderUnavailable
from rlmlab.engine.events import PAYLOAD, Message, SpanStarted
from rlmlab.engine.media import Shelf, marker, problem_of, token_bound
from rlmlab.engine.prompts.texts import describe
from rlmlab.engine.providers.base import ChatRequest, Media, ModelInfo, Price
from rlmlab.engine.types import Budget, ContextInfo, ContextPartInfo
from sandbox.base import ContextSource, context_in_memory
from tests.engine.conftest import Lab, Ran
from tests.engine.fakes.provider import ScriptedProvider, by_level, turns
from tests.fakes.media import StoredMedia, gif, jpeg, png, reference, wav

PRICE = Price(1e-6, 2e-6)
FILES = {"cat.png": png(64, 48), "dog.jpg": jpeg(80, 60), "hello.wav": wav(1.0)}
TYPES = {"cat.png": "image/png", "dog.jpg": "image/jpeg", "hello.wav": "audio/wav"}
REFERENCES = tuple(reference(name, TYPES[name], data) for name, data in FILES.items())
SEEING = {
    "big": ModelInfo("big", PRICE, 100_000, images=True, audio=True),
    "blind": ModelInfo("blind", PRICE, 100_000),
    "unlisted": ModelInfo("unlisted", None),
}


async def opened() -> ContextSource:
    """Open the input as a worker does: text files as they are, the others as their markers."""
    context = {"notes.txt": "About pets.", **{file.name: marker(file) for file in REFERENCES}}
    return context_in_memory("json", [json.dumps(context).encode()])


async def ran(lab: Lab, *cells: str, reply: object = "a cat", **changes: object) -> Ran:
    """Run cells at every level, an error in one is the answer; each question is answered with `reply`."""
    levels = turns(*[f"```repl\ntry:\n    {cell}\nexcept Exception as e:\n    FINAL(repr(e))\n```" for cell in cells])
    script = by_level({"Root": levels, "Child": levels, "plain": reply if callable(reply) else turns(reply)})
    provider = ScriptedProvider(script, infos=SEEING)
    spec = {"media": REFERENCES, "open_context": opened, "context": ContextInfo("files", 900), **changes}
    port = spec.pop("port", None) or StoredMedia(FILES)
    return await lab.run(script, provider=provider, media_port=port, **spec)


async def test_image_is_sent_with_the_question_and_on_record_by_its_hash(lab: Lab) -> None:
    found = await ran(lab, "FINAL(llm_query('What is shown?', images=[context['cat.png']]))")
    assert found.outcome.answer == "a cat"
    question = found.provider.requests[1].messages[1]
    assert question.media == (Media("image/png", FILES["cat.png"], REFERENCES[0].sha256),)
    assert question.content == "What is shown?"
    message = found.sink.payloads(Message, "sub_call")[1]
    assert message.media == [REFERENCES[0]]
    started = found.sink.payloads(SpanStarted, "sub_call")[0]
    assert started.data["media"] == [REFERENCES[0].model_dump()]
    assert found.sink.payloads(SpanStarted)[0].data["media"] == [file.model_dump() for file in REFERENCES]
    assert not any(b"IHDR" in PAYLOAD.dump_json(event.payload) for event in found.sink.events)


async def test_events_without_media_say_nothing_of_it(lab: Lab) -> None:
    found = await ran(lab, "FINAL(llm_query('Hello?'))", media=())
    assert all("media" not in event.payload.model_dump() for event in found.sink.events if event.type == "message")
    assert "media" not in found.sink.payloads(SpanStarted, "sub_call")[0].data
    old = {"type": "message", "role": "user", "content": "as stored before", "purpose": "task"}
    assert PAYLOAD.validate_python(old).media == []


async def test_name_stands_for_a_file_and_one_needs_no_list(lab: Lab) -> None:
    found = await ran(lab, "FINAL([llm_query('a', images='dog.jpg'), llm_query('b', audio=['hello.wav'])])")
    assert found.outcome.answer == ["a cat", "a cat"]
    sent = [[item.media_type for item in request.messages[1].media] for request in found.provider.requests[1:]]
    assert sent == [["image/jpeg"], ["audio/wav"]]


async def test_batch_gives_each_prompt_its_own(lab: Lab) -> None:
    cell = "FINAL(llm_query_batched(['1', '2', '3'], images=['cat.png', None, ['dog.jpg', context['cat.png']]]))"

    def reply(request: ChatRequest) -> str:
        return f"{request.messages[1].content}:{len(request.messages[1].media)}"

    found = await ran(lab, cell, reply=reply)
    assert found.outcome.answer == ["1:1", "2:0", "3:2"]


async def test_file_travels_to_a_further_level_in_its_context(lab: Lab) -> None:
    cell = "FINAL(llm_query('See?', images=context) if 'media' in context else rlm_query('Child', context['cat.png']))"
    found = await ran(lab, cell)
    assert found.outcome.answer == "a cat"
    assert found.sink.paths("sub_call") == ["1/1/0", "1/1/0/1/1/0"]
    assert found.provider.requests[2].messages[1].media[0].sha256 == REFERENCES[0].sha256


async def test_cell_sees_what_a_file_is_and_never_its_bytes(lab: Lab) -> None:
    found = await ran(lab, "FINAL(context)")
    size = len(FILES["cat.png"])
    assert found.outcome.answer["cat.png"] == {"media": "cat.png", "media_type": "image/png", "size": size}
    assert found.outcome.answer["notes.txt"] == "About pets."


async def test_bytes_are_read_once_for_many_calls(lab: Lab) -> None:
    port = StoredMedia(FILES)
    found = await ran(lab, "FINAL(llm_query_batched(['?'] * 5, images=['cat.png'] * 5))", port=port)
    assert found.outcome.answer == ["a cat"] * 5
    assert port.reads.count(REFERENCES[0].sha256) <= 5
    before = len(port.reads)
    again = await ran(lab, "llm_query('1', images='cat.png')", "FINAL(llm_query('2', images='cat.png'))", port=port)
    assert again.outcome.answer == "a cat"
    assert len(port.reads) == before + 1


async def test_hash_of_a_question_covers_what_is_shown(lab: Lab) -> None:
    found = await ran(lab, "FINAL([llm_query('?', images=name) for name in ('cat.png', 'dog.jpg')])")
    hashes = {start.data["request_hash"] for start in found.sink.payloads(SpanStarted, "sub_call")}
    prompts = {start.data["request_hash"] for start in found.sink.payloads(SpanStarted, "model_call")}
    assert (len(hashes), len(prompts)) == (2, 3)


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        (
            "llm_query('?', images=['bird.png'])",
            "there is no image 'bird.png' in the input; there is 'cat.png', 'dog.jpg'",
        ),
        ("llm_query('?', images=['notes.txt'])", "there is no image 'notes.txt' in the input"),
        ("llm_query('?', images=['hello.wav'])", "'hello.wav' is audio/wav; pass it as audio"),
        ("llm_query('?', audio='cat.png')", "'cat.png' is image/png; pass it as images"),
        (
            "llm_query('?', images=[7])",
            "images must contain the name of a file, or what context has in its place, not int",
        ),
        ("llm_query('?', images=[{'sha256': 'x'}])", "or what context has in its place, not dict"),
        ("llm_query('?', images=['cat.png'] * 21)", "21 images and sounds; a prompt takes 20"),
        ("llm_query('?', model='blind', images='cat.png')", "blind takes no images; pass model='big', which does"),
        ("llm_query('?', model='blind', audio='hello.wav')", "blind takes no audio; pass model="),
        ("llm_query_batched(['a', 'b'], images=['cat.png'])", "2 prompts but 1 entries of images"),
        ("llm_query_batched(['a', 'b'], images='cat.png')", "images must be a list with one entry for each prompt"),
    ],
)
async def test_wrong_image_is_an_error_of_the_cell_that_names_it(lab: Lab, cell: str, error: str) -> None:
    found = await ran(lab, cell)
    assert error in found.outcome.answer.replace("\\", "")
    assert found.sink.paths("sub_call") == []
    assert len(found.provider.requests) == 1


async def test_images_too_large_together_are_refused_by_name(lab: Lab) -> None:
    files = tuple(file.model_copy(update={"size": 13 << 20}) for file in REFERENCES)
    found = await ran(lab, "llm_query('?', images=['cat.png', 'dog.jpg'])", media=files)
    assert "images and sounds of 27,262,976 bytes; a prompt takes 25,165,824" in found.outcome.answer
    assert "The largest is 'cat.png'" in found.outcome.answer


async def test_blind_model_is_named_alone_where_no_other_sees(lab: Lab) -> None:
    found = await ran(lab, "llm_query('?', images='cat.png')", model="blind")
    assert "blind takes no images; none of this run's models is known to" in found.outcome.answer


async def test_model_that_nothing_is_known_of_may_be_tried(lab: Lab) -> None:
    found = await ran(
        lab, "FINAL(llm_query('?', images='cat.png'))", model="unlisted", budget=Budget(max_cost_usd=None)
    )
    assert found.outcome.answer == "a cat"


async def test_blind_model_does_not_stand_in(lab: Lab) -> None:
    found = await ran(
        lab, "FINAL(llm_query('?', images='cat.png'))", reply=ProviderUnavailable("down"), fallback_models=("blind",)
    )
    assert "blind takes no images: choose a model that does" in found.outcome.answer
    assert [request.model for request in found.provider.requests] == ["big", "big"]


async def test_tokens_of_an_image_are_reserved(lab: Lab) -> None:
    huge = {"cat.png": png(8_000, 8_000)}
    files = (reference("cat.png", "image/png", huge["cat.png"]),)
    found = await ran(
        lab,
        "FINAL(llm_query('?', images='cat.png'))",
        media=files,
        port=StoredMedia(huge),
        budget=Budget(max_tokens=25_000),
    )
    assert found.sink.finished("1/1/0").status == "refused"
    assert len(found.provider.requests) == 1
    assert found.outcome.answer.startswith("BudgetExceeded(")


async def test_direct_run_sends_all_media_with_its_input(lab: Lab) -> None:
    provider = ScriptedProvider(turns("A cat and a dog."), infos=SEEING)
    spec = {"media": REFERENCES, "open_context": opened, "context": ContextInfo("files", 900), "mode": "direct"}
    found = await lab.run(provider.script, provider=provider, media_port=StoredMedia(FILES), **spec)
    assert found.outcome.answer == "A cat and a dog."
    assert [item.media_type for item in provider.requests[0].messages[1].media] == [*TYPES.values()]
    assert found.sink.payloads(Message, "run")[1].media == list(REFERENCES)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": "blind"}, "unsupported_media"),
        ({"media": REFERENCES[:1] * 21}, "input_too_large"),
        ({"media": (REFERENCES[0].model_copy(update={"size": 25 << 20}),)}, "input_too_large"),
    ],
)
async def test_direct_run_that_cannot_show_its_media_is_refused_unpaid(lab: Lab, changes: dict, code: str) -> None:
    provider = ScriptedProvider(turns("never"), infos=SEEING)
    spec = {"media": REFERENCES, "open_context": opened, "context": ContextInfo("files", 27 << 20), "mode": "direct"}
    found = await lab.run(provider.script, provider=provider, media_port=StoredMedia(FILES), **{**spec, **changes})
    assert found.outcome.error is not None
    assert found.outcome.error.code == code
    assert provider.requests == []


def test_level_is_told_how_to_ask_about_media() -> None:
    parts = (ContextPartInfo("a.txt", 5), *(ContextPartInfo(f.name, f.size, f.media_type) for f in REFERENCES))
    told = describe(ContextInfo("files", 99, parts))
    assert f"'a.txt' (5 bytes), 'cat.png' (image/png, {REFERENCES[0].size:,} bytes)" in told
    assert "Images and sounds ('cat.png', 'dog.jpg', 'hello.wav') are dicts {media, media_type, size} there" in told
    assert "`llm_query(prompt, images=[context[name]])` or `llm_query(prompt, audio=[context[name]])`" in told
    assert "'cat.png'" in describe(ContextInfo("json", 99, parts[1:2]))
    assert "Images" not in describe(ContextInfo("files", 5, parts[:1]))


@pytest.mark.parametrize(
    ("data", "model", "tokens"),
    [
        (png(32, 32), "", 258),  # Gemini's one crop
        (png(512, 512), "", 1_032),  # 2 x 2 crops of 341 pixels
        (png(1_024, 1_024), "", 2_520),  # 1,024 patches of 2.46
        (png(8_000, 8_000), "", 31_218),  # 11 x 11 crops
        (png(512, 512), "openai/gpt-4o-mini", 8_670),
        (gif(1, 8_000), "", 8_256),
        (b"no image at all", "", 31_218),
    ],
)
def test_tokens_of_an_image_are_bounded_by_the_dearest_rule(data: bytes, model: str, tokens: int) -> None:
    assert token_bound(Media("image/png", data, ""), model) == tokens


def test_tokens_of_a_sound_follow_its_seconds() -> None:
    assert token_bound(Media("audio/wav", wav(10.0), "")) == 329


@pytest.mark.parametrize(
    ("media_type", "head", "size", "problem"),
    [
        ("image/png", png(8_000, 10), 100, None),
        ("image/png", png(8_001, 10), 100, "is an image of 8,001 x 10 pixels; at most 8,000 on a side are taken"),
        ("audio/wav", wav(0.1), (20 << 20) + 1, "has 20,971,521 bytes; at most 20,971,520 are taken"),
    ],
)
def test_file_too_large_for_any_model_is_named(media_type: str, head: bytes, size: int, problem: str | None) -> None:
    found = problem_of(media_type, head, size)
    assert found == problem or (problem is not None and found is not None and found.startswith(problem))


async def test_calls_wait_while_others_hold_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IN_FLIGHT_BYTES", len(FILES["cat.png"]) * 2)
    monkeypatch.setattr(limits, "KEPT_BYTES", 0)
    port = StoredMedia(FILES)
    shelf = Shelf(REFERENCES, port)
    inside, most = 0, 0

    async def call() -> None:
        nonlocal inside, most
        async with shelf.taken(REFERENCES[:1]) as (item,):
            assert item.data == FILES["cat.png"]
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(call() for _ in range(6)))
    async with shelf.taken(REFERENCES[2:]) as (sound,):  # larger than the limit, and alone
        assert sound.data == FILES["hello.wav"]
    assert most == 2
    assert len(port.reads) == 7
