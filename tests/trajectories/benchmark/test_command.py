"""The benchmark's command, over real workers, a real sandbox and a scripted model over real HTTP."""

import json
import os
import signal
import threading
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from rlmlab import scoping
from tests.factories.tenancy import Tenant
from tests.fakes.model_server import ModelServer
from tests.live import Process
from trajectories.improvement.checking import is_right
from trajectories.models import Dataset, Item, Run

ENGINE_TEST = "Engine test (scripted root): the root solves the tasks by code. It says nothing about a model."


def say(tenant: Tenant, *words: str, **options: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    place = {"organization": tenant.organization.slug, "project": tenant.project.slug}
    call_command("benchmark", *words, stdout=out, stderr=err, **place, **options)
    return out.getvalue(), err.getvalue()


def runs_of(tenant: Tenant) -> list[Run]:
    with scoping.organization(tenant.organization):
        return list(Run.objects.for_org(tenant.organization).order_by("created_at"))


@pytest.mark.django_db(transaction=True)
def test_scripted_roots_solve_every_family_in_every_arm_under_faults(acme: Tenant) -> None:
    before = dict(os.environ)
    faults = "429,500,cut,slow,malformed,sandbox"
    out, err = say(acme, "--scripted", "--here", "--tasks=1", "--size=6kB", "--json", f"--faults={faults}")
    found = json.loads(out)
    assert found["engine_test"] is True
    assert (len(found["runs"]), found["planned"]) == (36, 36)
    assert {(run["family"], run["arm"]): run["grade"] for run in found["runs"] if run["grade"] != "right"} == {}
    assert {row["interval"][1] for row in found["rows"]} == {1.0}
    assert set(found["faults_met"]) >= {"429", "500", "cut", "slow", "malformed"}
    assert err.count("right, ") == 36
    runs = runs_of(acme)
    assert {run.purpose for run in runs} == {"evaluation"}
    assert {(run.mode, run.reached_depth) for run in runs} == {("direct", 0), ("repl", 0), ("rlm", 1), ("rlm", 2)}
    assert {name: value for name, value in os.environ.items() if "OPENAI" in name} == {
        name: value for name, value in before.items() if "OPENAI" in name
    }


@pytest.mark.django_db(transaction=True)
def test_model_is_measured_on_a_running_installation(
    live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    out, _ = say(
        acme, "--model=openai/length", "--families=s-niah,code", "--arms=repl", "--tasks=2", "--size=4kB",
        "--max-steps=3",
    )  # fmt: skip
    assert "Engine test" not in out
    assert out.splitlines()[0] == "4 of 4 runs over texts of 4,000 bytes, seed 1."
    rows = [line.split() for line in out.splitlines()[2:]]
    assert [row[:3] for row in rows] == [["s-niah", "repl", "0/2"], ["code", "repl", "0/2"]]
    run = runs_of(acme)[0]
    assert (run.max_steps, run.mode, run.tags) == (3, "repl", ["benchmark", "s-niah", "repl"])


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_cancels_open_runs_and_prints_what_there_is(
    live_worker: Process, acme: Tenant, model_server: ModelServer
) -> None:
    def interrupt() -> None:
        while not any(call.model == "hang" for call in model_server.calls):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    model_server.reset()
    thread = threading.Thread(target=interrupt)
    thread.start()
    out, err = say(acme, "--model=openai/hang", "--families=code", "--arms=repl", "--tasks=3", "--at-once=2")
    thread.join()
    assert "Stopped; the open runs were cancelled." in err
    assert out.startswith("0 of 3 runs")
    deadline = time.monotonic() + 10
    while any(not run.is_terminal for run in runs_of(acme)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [run.status for run in runs_of(acme)] == ["cancelled", "cancelled"]


@pytest.mark.django_db
def test_text_too_large_for_a_direct_run_is_wrong_and_no_run(acme: Tenant) -> None:
    out, err = say(acme, "--families=code", "--arms=direct", "--tasks=1", "--size=100kB", "--json")
    (run,) = json.loads(out)["runs"]
    assert (run["status"], run["error_code"], run["grade"], run["run_id"]) == (
        "refused", "input_too_large", "wrong", None,
    )  # fmt: skip
    assert "[1/1] code 1, direct: wrong (input_too_large)" in err
    assert runs_of(acme) == []


@pytest.mark.django_db
def test_tasks_are_kept_as_datasets(acme: Tenant) -> None:
    out, _ = say(acme, "--as-dataset=long", "--families=multi-hop,oolong-pairs", "--tasks=3", "--size=4kB")
    assert out == "Made the dataset long-multi-hop.\nMade the dataset long-oolong-pairs.\n"
    with scoping.organization(acme.organization):
        datasets = {row.name: row.checker for row in Dataset.objects.for_org(acme.organization)}
        items = list(Item.objects.for_org(acme.organization).select_related("dataset", "blob"))
    assert datasets == {"long-multi-hop": "exact", "long-oolong-pairs": "json"}
    assert len(items) == 6
    for item in items:
        assert (item.split, item.context_kind) == ("holdout", "text")
        assert 3_800 < item.blob.size <= 4_000
        assert is_right(item.dataset.checker, expected=item.expected, answer=item.expected)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--families=haystack"], 'families: there is no "haystack"'),
        (["--arms=rlm7"], 'arms: there is no "rlm7"'),
        (["--size=2kB"], "size: must be 4,000 to 100,000,000 bytes"),
        (["--tasks=0"], "tasks: must be 1 to 1,000"),
        (["--faults=429"], "Faults are for engine tests: add --scripted."),
        (["--scripted", "--faults=flood"], 'There is no fault "flood"'),
        (["--model=nobody/knows", "--tasks=1"], "model: Unknown model"),
    ],
)
def test_wrong_words_are_refused_in_one_line(acme: Tenant, words: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        say(acme, *words)
    assert message in str(refused.value)


@pytest.mark.django_db
def test_unknown_organization_is_refused(acme: Tenant) -> None:
    with pytest.raises(CommandError, match=r"There is no organization nowhere\."):
        call_command("benchmark", "--organization=nowhere", "--tasks=1")


@pytest.mark.slow
def test_engine_test_makes_an_installation_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("benchmark", "--scripted", "--families=s-niah", "--arms=repl,rlm1", "--tasks=1", "--size=4kB")
    assert ended.value.code == 0
    out = capfd.readouterr().out
    assert out.splitlines()[:2] == [ENGINE_TEST, "2 of 2 runs over texts of 4,000 bytes, seed 1."]
