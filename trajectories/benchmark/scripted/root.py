"""The scripted model of engine tests: it solves benchmark tasks by code, as its name's arm would go about it.

It shows that engine, sandbox and workers do what they should, over real HTTP and with real sub-calls. It says nothing
about any model: it knows the tasks.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

from rlmlab.modelserver.scripted.replies import Call, Reply, code
from trajectories.benchmark.scripted import cells
from trajectories.benchmark.tasks.base import Family, Task
from trajectories.benchmark.tasks.families import FAMILIES

MODEL: Final = "scripted"
_QUESTION: Final = r"(?s)Task: (.+?)(?:\n\n|\Z)"
_SHARE: Final = rf"(?m){re.escape(cells.SHARE)}(\{{.+\}})$"
_INPUT: Final = r"(?s)\[The input: [\d,]+ characters\]\n(.*)\n\[End of the input\]\n\nTask: "


def model_of(arm: str) -> str:
    """Return the name under which the scripted model works in an arm's way."""
    return f"{MODEL}-{arm}"


class ScriptedModel:
    """Answers calls about these tasks."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = {task.question: task for task in tasks}

    def __call__(self, call: Call) -> Reply:
        """Answer a root, a recursive call or a plain one; all that it knows is in the call."""
        try:
            return self._reply(call)
        except LookupError as error:
            return Reply(status=400, error=str(error))

    def _reply(self, call: Call) -> Reply:
        if call.is_level:
            return Reply(code(self._cell(call)))
        if call.last.startswith(cells.LOOK):
            head, _, piece = call.last.removeprefix(cells.LOOK).partition("\n")
            told = json.loads(head)
            family = FAMILIES[told["family"]]
            return Reply(json.dumps(family.look(piece, told["ask"], family.lore)))
        family, task = self._asked(call)
        text = call.find(_INPUT)
        found = family.solve(text[1] if text is not None else "", task.ask)
        return Reply(found if isinstance(found, str) else json.dumps(found))

    def _cell(self, call: Call) -> str:
        shared = call.find(_SHARE)
        if shared is not None:
            told = json.loads(shared[1])
            return cells.share(FAMILIES[told["family"]], told["ask"], told["levels"])
        family, task = self._asked(call)
        arm = call.model.rpartition("-")[2]
        return cells.alone(family, task.ask) if arm == "repl" else cells.root(family, task.ask, int(arm[-1]))

    def _asked(self, call: Call) -> tuple[Family, Task]:
        """Find the task that a call is about by its question.

        Raises:
            LookupError: it is about none of these.
        """
        found = call.find(_QUESTION)
        if found is None or found[1] not in self._tasks:
            raise LookupError(f"the scripted model knows no such task: {call.last[-200:]!r}")
        task = self._tasks[found[1]]
        return FAMILIES[task.family], task
