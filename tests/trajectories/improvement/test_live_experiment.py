"""An experiment on the embedded model, run by a real worker: what the runs say is what the comparison reports."""

import pytest

from tests.factories.datasets import make_dataset
from tests.factories.experiments import make_version, runs_of, start_experiment
from tests.factories.tenancy import Tenant
from tests.live import Process, wait_until
from trajectories.actions.datasets import add_items
from trajectories.improvement.checking import is_right
from trajectories.improvement.evaluation import Grade, comparison_of
from trajectories.improvement.items import NewItem
from trajectories.improvement.statistics import Verdict

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ITEMS = 6
CLUELESS = """You answer in a Python REPL. Whatever the task is, write this code and nothing else:
```repl
answer["content"] = "unknown"
answer["ready"] = True
```"""


def test_the_comparison_reports_what_the_runs_say(live_worker: Process, acme: Tenant) -> None:
    make_version(acme.principal, acme.project, CLUELESS)
    dataset = make_dataset(acme.principal, acme.project)
    context = "\n".join(f"PORT_{number} = {8000 + number}" for number in range(200))
    items = [
        NewItem(f"Find the value of PORT_{number}.", str(8000 + number), context=context) for number in range(ITEMS)
    ]
    add_items(by=acme.principal, dataset=dataset, items=items)
    experiment = start_experiment(acme.principal, acme.project, budget={"max_steps": 3, "max_seconds": 120})
    wait_until(lambda: comparison_of(experiment).done, 900, "the experiment")
    found, runs = comparison_of(experiment), runs_of(experiment)
    assert found.finished == 2 * ITEMS, live_worker.text()
    for row in found.rows:
        for arm in ("baseline", "candidate"):
            run, outcome = runs[row.number, arm], getattr(row, arm)
            right = run.status == "succeeded" and is_right("number", expected=row.expected, answer=run.answer)
            assert outcome.grade == (Grade.RIGHT if right else Grade.WRONG), (run.status, run.error_message)
            assert run.steps >= 1
    assert found.pairs == ITEMS
    assert found.wins + found.losses + found.ties == ITEMS
    assert found.verdict == Verdict.INSUFFICIENT
    print(f"baseline {found.baseline_correct}, candidate {found.candidate_correct} of {ITEMS}")
