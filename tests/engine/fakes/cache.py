"""A cache in memory; passes the contract that the one in the database passes."""

from dataclasses import dataclass, field

from rlmlab.engine.cache import PaidAnswer


@dataclass
class MemoryCache:
    """Keeps answers for runs of one organization; `at` is where its models are served."""

    kept: dict[str, PaidAnswer] = field(default_factory=dict)
    at: str = "https://api.openai.com/v1"
    asked: list[str] = field(default_factory=list)

    def endpoint(self, model: str) -> str:
        """Name the one place."""
        return self.at

    async def find(self, key: str) -> PaidAnswer | None:
        """Look the key up."""
        self.asked.append(key)
        return self.kept.get(key)

    def keep(self, answer: PaidAnswer) -> None:
        """Keep the first answer to a question."""
        self.kept.setdefault(answer.key, answer)
