"""Give generated long-input tasks to real runs in several ways of working, and say which are right at what cost."""

import json as json_format
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rlmlab.embedded.errors import StartError
from rlmlab.errors import DomainError
from rlmlab.tenancy.principals import system_principal
from rlmlab.tenancy.queries import organization_by_slug, project_by_slug
from trajectories.actions.benchmarks import store_tasks
from trajectories.benchmark.arms import ARMS
from trajectories.benchmark.measuring import measure
from trajectories.benchmark.outcomes import Outcome, document, table
from trajectories.benchmark.plans import (
    MOST_AT_ONCE,
    MOST_TASKS,
    Plan,
    checked_arms,
    checked_count,
    checked_families,
    checked_size,
)
from trajectories.benchmark.scripted.apart import run_apart
from trajectories.benchmark.scripted.faults import FAULTS
from trajectories.benchmark.scripted.root import model_of
from trajectories.benchmark.scripted.worker import Met, scripted_worker
from trajectories.benchmark.tasks.families import FAMILIES
from trajectories.models.datasets import Split

ENGINE_TEST: Final = "Engine test (scripted root): the root solves the tasks by code. It says nothing about a model."
LIMITS: Final = {"max_tokens": int, "max_cost_usd": float, "max_seconds": float, "max_steps": int, "max_sub_calls": int}
ROOMY: Final = {"max_tokens": 10**9, "max_sub_calls": 10_000}
"""What a scripted root is allowed: it costs nothing, and may be given 100 MB."""
SAME_WORDS: Final = ("families", "arms", "size", "tasks", "seed", "at_once", "faults", "organization", "project")


class Command(BaseCommand):
    """Choose tasks and arms, run them, print a table."""

    help = "Measure models on generated tasks over long texts, or with --scripted test the engine under faults."

    def add_arguments(self, parser: CommandParser) -> None:
        """Choose tasks, arms, model, faults and form."""
        parser.add_argument("--families", type=_names, default="", help=f"of {', '.join(FAMILIES)}; all by default")
        parser.add_argument("--arms", type=_names, default="", help=f"of {', '.join(ARMS)}; all by default")
        parser.add_argument("--size", default="20kB", help="of each text: 4kB to 100MB")
        parser.add_argument("--tasks", type=int, default=5, help="of each family")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same tasks")
        parser.add_argument("--at-once", type=int, default=4, help="runs that are open at the same time")
        parser.add_argument("--model", default="", help="the project's default if not given")
        parser.add_argument("--sub-model", default="")
        for name, kind in LIMITS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="of each run")
        parser.add_argument("--organization", default="main")
        parser.add_argument("--project", default="demo")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
        parser.add_argument("--as-dataset", metavar="NAME", default="", help="keep the tasks as a dataset and run none")
        parser.add_argument("--split", choices=Split.values, default=Split.HOLDOUT, help="of the dataset's items")
        parser.add_argument("--scripted", action="store_true", help="test the engine with a root that solves by code")
        parser.add_argument("--faults", type=_names, default="", help=f"with --scripted, of {', '.join(FAULTS)}")
        parser.add_argument("--here", action="store_true", help="with --scripted: here, where no worker runs")

    def handle(self, **options: Any) -> None:
        """Do what is asked for; failures of the request are one line."""
        try:
            if options["scripted"] and not options["here"]:
                sys.exit(self._apart(options))
            self._run(options)
        except (DomainError, StartError) as error:
            raise CommandError(str(error)) from None

    def _run(self, options: dict[str, Any]) -> None:
        plan = _plan(options)
        found = organization_by_slug(options["organization"])
        if found is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        by = system_principal(found)
        project = project_by_slug(by, options["project"])
        if options["as_dataset"]:
            tasks = list(plan.all_tasks())
            made = store_tasks(by=by, project=project, name=options["as_dataset"], split=options["split"], tasks=tasks)
            self.stdout.write("\n".join(f"Made the dataset {dataset.name}." for dataset in made))
            return
        outcomes: list[Outcome] = []
        with _scripted(plan, options) as met:
            try:
                with closing(measure(by=by, project=project, plan=plan)) as ending:
                    for outcome in ending:
                        outcomes.append(outcome)
                        self._tell(outcome, len(outcomes), plan.runs)
            except KeyboardInterrupt:
                self.stderr.write("Stopped; the open runs were cancelled.")
            self._report(outcomes, plan, options, met)

    def _tell(self, outcome: Outcome, count: int, of: int) -> None:
        error = f" ({outcome.error_code})" if outcome.error_code else ""
        self.stderr.write(
            f"[{count}/{of}] {outcome.family} {outcome.number + 1}, {outcome.arm}: {outcome.grade}{error}, "
            f"{outcome.seconds:.1f} s"
        )

    def _report(self, outcomes: list[Outcome], plan: Plan, options: dict[str, Any], met: Met | None) -> None:
        about = {name: options[name] for name in ("size", "tasks", "seed", "model", "faults")}
        faults = {} if met is None else met.counts()
        if options["json"]:
            found = document(outcomes, engine_test=met is not None, planned=plan.runs, faults_met=faults, **about)
            self.stdout.write(json_format.dumps(found))
            return
        lines = [ENGINE_TEST] if met is not None else []
        lines.append(f"{len(outcomes)} of {plan.runs} runs over texts of {plan.size:,} bytes, seed {plan.seed}.")
        if faults:
            lines.append("Faults met: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())) + ".")
        self.stdout.write("\n".join([*lines, table(outcomes)]))

    def _apart(self, options: dict[str, Any]) -> int:
        _plan(options)
        words = ["benchmark", "--scripted", "--here", *(["--json"] if options["json"] else [])]
        for name in SAME_WORDS:
            value = options[name]
            words.append(f"--{name.replace('_', '-')}={','.join(value) if isinstance(value, list) else value}")
        return run_apart(words, organization=options["organization"], project=options["project"], say=self.stderr.write)


def _plan(options: dict[str, Any]) -> Plan:
    unknown = [fault for fault in options["faults"] if fault not in FAULTS]
    if unknown:
        raise CommandError(f'There is no fault "{unknown[0]}"; use {", ".join(FAULTS)}.')
    if options["faults"] and not options["scripted"]:
        raise CommandError("Faults are for engine tests: add --scripted.")
    scripted, model = options["scripted"], options["model"]
    given = {name: options[name] for name in LIMITS if options[name] is not None}
    return Plan(
        families=checked_families(options["families"]),
        arms=checked_arms(options["arms"]),
        size=checked_size(options["size"]),
        tasks=checked_count("tasks", options["tasks"], MOST_TASKS),
        seed=options["seed"],
        model_of=(lambda arm: f"openai/{model_of(arm.name)}") if scripted else (lambda _: model),
        sub_model=options["sub_model"],
        budget=(ROOMY if scripted else {}) | given,
        at_once=checked_count("at-once", options["at_once"], MOST_AT_ONCE),
    )


@contextmanager
def _scripted(plan: Plan, options: dict[str, Any]) -> Iterator[Met | None]:
    if not options["scripted"]:
        yield None
        return
    with scripted_worker(plan, options["faults"]) as met:
        yield met


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
