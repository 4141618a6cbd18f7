"""Which passages of the input are found in a text."""

import random
import string
import time

import pytest

from sandbox.guest.coverage import MOST_PROBES, Corpus, Glimpse

CHANCE = random.Random(3)  # noqa: S311 - texts, no secrets
WORDS = ["".join(CHANCE.choices(string.ascii_lowercase, k=CHANCE.randint(2, 9))) for _ in range(2_000)]


def words(count: int) -> str:
    return " ".join(CHANCE.choices(WORDS, k=count))


INPUT = words(20_000)
TEXT = {"kind": "text", "size": len(INPUT), "parts": []}


def seen(*texts: str, context: str = INPUT) -> list[list[int]]:
    return Corpus({"kind": "text", "size": 0, "parts": []}, context).seen([list(texts)])


def test_passage_in_a_prompt_is_found_to_the_byte() -> None:
    prompt = f"Answer: who did it?\n\n{INPUT[5_000:25_000]}\n\nReply in one word."
    ((start, end),) = seen(prompt)
    assert (start, end) == (5_000, 25_000)


def test_several_passages_of_one_prompt_are_found_apart() -> None:
    prompt = f"A:\n{INPUT[100:3_100]}\nB:\n{INPUT[40_000:43_000]}\n"
    assert seen(prompt) == [[100, 3_100, 40_000, 43_000]]


def test_texts_of_one_group_are_joined() -> None:
    assert seen(INPUT[:2_000], INPUT[2_000:4_000]) == [[0, 4_000]]


def test_what_is_not_in_the_input_is_not_found() -> None:
    assert seen("What is the capital of France? " * 40) == [[]]
    assert seen("") == [[]]
    assert seen(INPUT[1_000:1_040]) == [[]]


def test_text_computed_from_the_input_is_not_found() -> None:
    assert seen(INPUT[:4_000].upper(), INPUT[:4_000][::-1]) == [[]]


def test_offsets_count_bytes() -> None:
    context = "".join(CHANCE.choices("äöüabc ☃", k=200_000))
    start, end = 70_001, 90_001
    assert seen(f"Look: {context[start:end]}", context=context) == [
        [len(context[:start].encode()), len(context[:end].encode())]
    ]


def test_lone_surrogates_are_counted_as_they_are_kept() -> None:
    context = "\ud800" + INPUT[:5_000]
    assert seen(INPUT[:5_000], context=context) == [[3, 5_003]]


def test_files_count_on_over_their_ends() -> None:
    first, second = INPUT[:3_000], "ä" + INPUT[50_000:53_000]
    parts = [["a.txt", 0, 3_000], ["b.txt", 3_000, 3_002]]
    corpus = Corpus({"kind": "files", "size": 6_002, "parts": parts}, {"a.txt": first, "b.txt": second})
    assert corpus.seen([[second[1:]], [first]]) == [[3_002, 6_002], [0, 3_000]]


def test_nothing_is_found_in_json_or_without_an_input() -> None:
    assert Corpus({"kind": "json", "size": 9, "parts": []}, [INPUT]).seen([[INPUT]]) == []
    assert Corpus(None, None).seen([[INPUT]]) == []


def test_passage_that_stands_there_often_is_taken_in_order() -> None:
    block = INPUT[:500]
    corpus = Corpus(TEXT, "\n".join([block] * 4))
    assert corpus.seen([[block]]) == [[0, 500]]
    assert corpus.seen([[block]]) == [[501, 1_001]]


def test_chunks_in_order_are_found_in_an_input_of_many_megabytes() -> None:
    large = words(500_000)
    corpus = Corpus(TEXT, large)
    size = len(large) // 20
    started = time.process_time()
    found = [corpus.seen([[f"Read:\n{large[at : at + size]}"]])[0] for at in range(0, 5 * size, size)]
    assert found == [[at, at + size] for at in range(0, 5 * size, size)]
    assert time.process_time() - started < 1


@pytest.mark.parametrize("size", [100, 8_000, 400_000])
def test_text_that_is_foreign_costs_a_bounded_time(size: int) -> None:
    corpus = Corpus(TEXT, INPUT * 40)
    started = time.process_time()
    assert corpus.seen([[words(size // 6)]]) == [[]]
    assert time.process_time() - started < 0.1
    assert MOST_PROBES == 128


def test_glimpse_keeps_what_is_shown() -> None:
    glimpse = Glimpse()
    for piece in ("a" * 5_000, "b" * 5_000, "c" * 100):
        glimpse.add(piece)
    assert glimpse.texts() == ["a" * 5_000 + "b" * 1_000, "b" * 1_900 + "c" * 100]
    assert Glimpse().texts() == []


def test_program_that_begins_again_is_followed() -> None:
    large = words(200_000)
    corpus = Corpus(TEXT, large)
    for at in (0, 400_000, 800_000, 0, 700_000):
        assert corpus.seen([[large[at : at + 9_000]]]) == [[at, at + 9_000]]
