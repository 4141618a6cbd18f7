"""The messages of a level, their size, and what gives way when a window is full."""

from hypothesis import given
from hypothesis import strategies as st

from rlmlab.engine.budget import text_bound
from rlmlab.engine.conversation import LEFT_OUT, Conversation, request_hash
from rlmlab.engine.providers.base import ChatMessage


def opened() -> Conversation:
    conversation = Conversation()
    conversation.add("system", "rules")
    conversation.add("user", "task")
    conversation.end_head()
    return conversation


def test_prompt_has_all_messages_and_the_sum_of_their_bounds() -> None:
    conversation = opened()
    conversation.add("assistant", "code")
    conversation.add("user", "seen")
    prompt = conversation.prompt(None)
    assert [message.content for message in prompt.messages] == ["rules", "task", "code", "seen"]
    assert prompt.bound == sum(text_bound(message.content) for message in prompt.messages)


def test_two_messages_of_a_role_become_one() -> None:
    conversation = opened()
    conversation.add("assistant", "code")
    conversation.add("user", "seen")
    conversation.add("user", "last call")
    prompt = conversation.prompt(None)
    assert prompt.messages[-1] == ChatMessage("user", "seen\n\nlast call")
    assert prompt.bound == sum(text_bound(message.content) for message in prompt.messages)


def test_head_is_never_merged_into() -> None:
    conversation = opened()
    conversation.add("user", "stopped before the first reply")
    assert [message.content for message in conversation.prompt(None).messages][1:] == [
        "task",
        "stopped before the first reply",
    ]


def test_oldest_turns_give_way_and_the_model_is_told() -> None:
    conversation = opened()
    for number in range(10):
        conversation.add("assistant", f"code {number} " * 30)
        conversation.add("user", f"seen {number} " * 30)
    whole = conversation.prompt(None)
    prompt = conversation.prompt(1_000)
    assert prompt.bound <= 1_000 < whole.bound
    assert prompt.messages[0] == ChatMessage("system", "rules")
    assert prompt.messages[1] == ChatMessage("user", "task" + LEFT_OUT)
    assert prompt.messages[2].role == "assistant"
    assert prompt.messages[-1].content == "seen 9 " * 30
    assert prompt.digest != whole.digest
    assert 0 <= prompt.bound - sum(text_bound(message.content) for message in prompt.messages) <= 9


def test_what_was_left_out_stays_out() -> None:
    conversation = opened()
    for number in range(10):
        conversation.add("assistant", f"code {number} " * 30)
        conversation.add("user", f"seen {number} " * 30)
    kept = len(conversation.prompt(1_000).messages)
    assert len(conversation.prompt(None).messages) == kept


def test_head_and_latest_turn_are_sent_even_when_they_do_not_fit() -> None:
    conversation = opened()
    conversation.add("assistant", "code " * 1_000)
    conversation.add("user", "seen")
    assert len(conversation.prompt(10).messages) == 4


def test_digest_depends_on_every_message_and_its_role() -> None:
    digests = set()
    for turns in ([], [("user", "a")], [("user", "ab")], [("assistant", "a")], [("assistant", "a"), ("user", "b")]):
        conversation = opened()
        for role, content in turns:
            conversation.add(role, content)
        digests.add(conversation.prompt(None).digest)
    assert len(digests) == 5


def test_request_hash_is_stable_and_tells_requests_apart() -> None:
    assert request_hash("f", {"a": 1, "b": 2}) == request_hash("f", {"b": 2, "a": 1})
    assert request_hash("f", "x") != request_hash("f", "y")
    assert request_hash("\ud800") == request_hash("\ud800")
    assert len(request_hash()) == 64


@given(st.lists(st.text(max_size=200), max_size=30), st.integers(0, 2_000))
def test_bound_is_always_that_of_what_is_sent(contents: list[str], room: int) -> None:
    conversation = opened()
    for number, content in enumerate(contents):
        conversation.add("assistant" if number % 2 == 0 else "user", content)
    for limit in (None, room, None):
        prompt = conversation.prompt(limit)
        real = sum(text_bound(message.content) for message in prompt.messages)
        assert real <= prompt.bound <= real + 16
