"""Datasets and experiments in a browser: a file, the estimate, runs that end while somebody looks; and axe."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from rlmlab import scoping
from rlmlab.tenancy.models import Organization
from tests.browser.conftest import Visitor
from tests.browser.test_accessibility import violations
from tests.factories.datasets import make_dataset
from tests.factories.experiments import answer_all, make_experiment, make_version
from tests.factories.tenancy import Tenant
from trajectories.models import Experiment

BASE = "/o/acme/p/demo"


def held_back(acme: Tenant) -> None:
    """Keep the worker, which the whole session shares, from taking this organization's runs: a test answers them."""
    with scoping.organization(acme.organization):
        Organization.objects.filter(id=acme.organization.id).update(max_concurrent_runs=0)


def prepared(acme: Tenant) -> Experiment:
    held_back(acme)
    experiment = make_experiment(acme.principal, acme.project, items=20)
    right = {(number, "candidate"): str(number + 1) for number in range(1, 9)}
    answer_all(experiment, right, otherwise="I do not know")
    return experiment


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_runs_off_a_narrow_page(
    visit: Callable[..., Visitor], acme: Tenant, scheme: str
) -> None:
    experiment = prepared(acme)
    visitor = visit(acme, color_scheme=scheme, reduced_motion="reduce", viewport={"width": 390, "height": 844})
    places = ["datasets", "datasets/sums", "datasets/sums/items/1", "datasets/sums/add", "datasets/sums/import"]
    for place in [*places, "experiments", "experiments/new", f"experiments/{experiment.id}"]:
        page = visitor.open(f"{BASE}/{place}")
        assert violations(page) == [], place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        page.close()


def test_a_file_is_chosen_and_imported(ada_browser: Visitor, acme: Tenant, tmp_path: Path) -> None:
    make_dataset(acme.principal, acme.project)
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps({"task": f"Task {number}", "expected": "1"}) for number in range(3)))
    page = ada_browser.open(f"{BASE}/datasets/sums/import")
    page.set_input_files("input[type=file]", file)
    expect(page.get_by_text("cases.jsonl · ")).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("3 items are added.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_the_estimate_follows_the_form(ada_browser: Visitor, acme: Tenant) -> None:
    make_version(acme.principal, acme.project)
    make_dataset(acme.principal, acme.project, 3)
    page = ada_browser.open(f"{BASE}/experiments/new")
    expect(page.get_by_text("6 runs: both arms on 3 items")).to_be_visible()
    page.get_by_label("Candidate", exact=True).select_option("1")
    expect(page.get_by_text("Candidate: is the same as the baseline")).to_be_visible()
    page.get_by_label("with examples").last.check()
    expect(page.get_by_text("6 runs: both arms on 3 items")).to_be_visible()


def test_a_result_arrives_while_somebody_looks(ada_browser: Visitor, acme: Tenant) -> None:
    held_back(acme)
    experiment = make_experiment(acme.principal, acme.project, items=2)
    page = ada_browser.open(f"{BASE}/experiments/{experiment.id}")
    expect(page.get_by_text("of 4 runs have ended")).to_be_visible()
    answer_all(experiment, {}, otherwise="2")
    expect(page.get_by_text("Insufficient")).to_be_visible()
    expect(page.get_by_text("of 4 runs have ended")).to_have_count(0)
    page.get_by_role("link", name="both wrong").click()
    expect(page.get_by_label("Items").locator("tbody tr")).to_have_count(1)
