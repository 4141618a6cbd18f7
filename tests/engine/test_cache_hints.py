"""What a call tells a provider's prompt cache: a level that goes on sends its conversation again with each step."""

from tests.engine.conftest import Lab
from tests.engine.fakes.provider import by_level, turns
from tests.fakes.replies import code, submit


async def test_prompt_of_a_level_that_goes_on_is_what_its_next_step_begins_with(lab: Lab) -> None:
    asked = code('print(llm_query("Small?"))')
    script = by_level({"plain": turns("yes"), "Deep": turns(asked, submit("42"))})
    ran = await lab.run(script, task="Deep")
    first, plain, second = ran.provider.requests
    assert [request.stable_messages for request in (first, plain, second)] == [1, 0, len(second.messages)]
    assert second.messages[: len(first.messages)] == first.messages
