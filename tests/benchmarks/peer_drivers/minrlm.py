"""`minrlm`: its bare-bones loop with the REPL inside the process, one object for all runs."""

import sys
from pathlib import Path

sys.path = [*[entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent], sys.path[0]]

from asking import MODEL, Peer, main  # noqa: E402  this file has the package's name, so the folder comes last
from minrlm import RLMBase  # noqa: E402


class MinRlm(Peer):
    """The context is called input_0 and has to be searched before an answer; a sub-call is always a plain one."""

    package = "minrlm"
    context = "input_0"
    no_recursion = "sub_llm is a plain call at every depth"

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self._rlm = RLMBase(
            model=MODEL,
            base_url=base_url,
            api_key="peer",
            max_iterations=10_000,
            max_time_seconds=3600,
            max_sub_llm_calls=100_000,
        )

    def code(self, source: str) -> str:
        return f"```python\n{source}\n```"

    def submit(self, expression: str) -> str:
        return f'search(input_0[:20], "t")\nFINAL({expression})'

    def batch(self, count: int) -> str:
        return f'results = sub_llm_batch([(f"item {{i}}", "") for i in range({count})])'

    def run(self, context: str) -> str:
        return self._rlm.completion("Measure.", context).response


main(MinRlm)
