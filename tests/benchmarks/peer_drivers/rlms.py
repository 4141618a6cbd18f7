"""`rlms`, the package of the paper's authors: its local REPL, which runs code in the process that asks."""

from asking import MODEL, Peer, main
from rlm import RLM


class Rlms(Peer):
    """Clients and a socket server are made for every run and every recursive call; that is its only way."""

    package = "rlms"

    def code(self, source: str) -> str:
        return f"```repl\n{source}\n```"

    def submit(self, expression: str) -> str:
        return f'answer["content"] = {expression}\nanswer["ready"] = True'

    def batch(self, count: int) -> str:
        return f'results = llm_query_batched([f"item {{i}}" for i in range({count})])'

    def recursive(self) -> str:
        return 'last = rlm_query(f"item {number}")'

    def run(self, context: str) -> str:
        client = {"model_name": MODEL, "base_url": self.base_url, "api_key": "peer"}
        rlm = RLM(backend="openai", backend_kwargs=client, max_depth=2, max_iterations=10_000)
        return rlm.completion(context, root_prompt="Measure.").response


main(Rlms)
