"""What every cache of sub-calls must do."""

from dataclasses import replace

from rlmlab.engine.cache import PaidAnswer, SubCallCache

KEY = "a" * 64
PAID = PaidAnswer(KEY, "local/gemma-3-270m", "Paris", 10, 2, 0.001, "00000000-0000-4000-8000-000000000001", "s" * 16)


class CacheContract:
    """Runs against `cache`, which is empty; `settled` waits until what was to be kept is kept."""

    async def settled(self, cache: SubCallCache) -> None:
        """Wait for nothing."""

    def kept(self, cache: SubCallCache, **fields: object) -> PaidAnswer:
        answer = replace(PAID, **fields)
        cache.keep(answer)
        return answer

    async def test_what_is_kept_is_found_as_it_was(self, cache: SubCallCache) -> None:
        assert await cache.find(KEY) is None
        kept = self.kept(cache)
        await self.settled(cache)
        found = await cache.find(KEY)
        assert found is not None
        assert replace(found, run_id="") == replace(kept, run_id="")

    async def test_any_json_value_is_kept(self, cache: SubCallCache) -> None:
        self.kept(cache, answer={"n": [1, None, "ä"]}, cost_usd=None)
        await self.settled(cache)
        found = await cache.find(KEY)
        assert found is not None
        assert (found.answer, found.cost_usd) == ({"n": [1, None, "ä"]}, None)

    async def test_first_answer_stays(self, cache: SubCallCache) -> None:
        for answer in ("first", "second"):
            self.kept(cache, answer=answer)
            await self.settled(cache)
        found = await cache.find(KEY)
        assert found is not None
        assert found.answer == "first"

    async def test_endpoint_is_named_alike_each_time(self, cache: SubCallCache) -> None:
        assert cache.endpoint(PAID.model) == cache.endpoint(PAID.model) != ""
