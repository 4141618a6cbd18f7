"""`dspy`: its RLM module over LocalInterpreter, a subprocess without a sandbox, the fastest that it brings."""

import sys
from pathlib import Path

sys.path = [*[entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent], sys.path[0]]

import dspy  # noqa: E402  this file has the package's name, so the folder comes last
from asking import MODEL, Peer, main  # noqa: E402
from dspy.primitives import LocalInterpreter  # noqa: E402


class Dspy(Peer):
    """The module is made once; responses are not cached."""

    package = "dspy"

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        model = dspy.LM(f"openai/{MODEL}", api_base=base_url, api_key="peer", cache=False)
        dspy.configure(lm=model, interpreter_factory=LocalInterpreter)
        self._rlm = dspy.RLM(
            "context -> answer", max_iters=10_000, max_llm_calls=100_000, interpreter_factory=LocalInterpreter
        )

    def code(self, source: str) -> str:
        return f"[[ ## reasoning ## ]]\nNext.\n\n[[ ## code ## ]]\n```python\n{source}\n```\n\n[[ ## completed ## ]]"

    def submit(self, expression: str) -> str:
        return f"SUBMIT({expression})"

    def batch(self, count: int) -> str:
        return f'results = llm_query_batched([f"item {{i}}" for i in range({count})])'

    def recursive(self) -> str:
        return 'import dspy\nlast = dspy.RLM("context -> answer")(context=f"item {number}").answer'

    def run(self, context: str) -> str:
        return self._rlm(context=context).answer


main(Dspy)
