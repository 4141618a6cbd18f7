"""Prompts, through their pages: versions, what changed, labels with reasons, and drafts that are refused."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rlmlab.engine.prompts import full
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.principals import Principal
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.experiments import answer_all, make_experiment
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant, make_member
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.promotion import Move, move_label
from trajectories.improvement.prompts import create_version, ensure_system_prompt
from trajectories.models.experiments import Arm

pytestmark = pytest.mark.django_db

PROMPTS = "/o/acme/p/demo/prompts"
SYSTEM = "/o/acme/p/demo/prompts/system"
NEW = f"{SYSTEM}/versions/new"
MOVE = f"{SYSTEM}/labels/move"
OWN = 'Work in the REPL.\nSet answer["content"].\n'
REASON = "It finds more of the answers."


def write(tenant: Tenant, text: str = OWN, note: str = "") -> None:
    create_version(by=tenant.principal, prompt=ensure_system_prompt(tenant.project), text=text, note=note)


def move(tenant: Tenant, label: str, version: int) -> None:
    move_label(by=tenant.principal, prompt=ensure_system_prompt(tenant.project), move=Move(label, version, REASON))


def labels(tenant: Tenant) -> dict[str, int]:
    found = queries.labels_of(tenant.principal, ensure_system_prompt(tenant.project))
    return {label.name: label.version.number for label in found}


def moved(client: Client, **fields: Any) -> Any:
    return client.post(MOVE, {"label": "production", "version": 2, "seen": 1, "reason": REASON} | fields)


# ---- looking


def test_list_shows_the_prompt_that_runs_use(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    page = as_ada.get(PROMPTS)
    assert "system What each level of a run is told first v1 2" in text_of(page)
    assert SYSTEM in links_of(page)
    assert 'aria-current="page"' in page.content.decode().split('title="Prompts"')[1][:40]


def test_prompt_shows_the_version_in_production(as_ada: Client, acme: Tenant) -> None:
    write(acme, note="Shorter by half")
    finished_run(acme.principal, acme.project)
    page = text_of(as_ada.get(SYSTEM))
    assert "Version 1 production built in" in page
    assert "You answer a task about an input that is too long to read." in page
    assert "v2" in page
    assert "Shorter by half no runs ada@acme.example" in page
    assert "1 run · 100 % succeeded RLM Lab" in page


def test_text_without_the_repl_is_shown_with_what_the_engine_adds(as_ada: Client, acme: Tenant) -> None:
    write(acme, "Be brief.")
    page = text_of(as_ada.get(f"{SYSTEM}?version=2"))
    assert "The engine adds its contract below this text" in page
    assert " ".join(full.CONTRACT.split()) in page
    write(acme)
    assert "The engine adds its contract" not in text_of(as_ada.get(f"{SYSTEM}?version=3"))


def test_changes_are_signed_line_by_line_and_word_by_word(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    write(acme, OWN.replace("Work in", "Work only in") + "Be brief.\n")
    page = as_ada.get(f"{SYSTEM}?version=3&against=2")
    text, html = text_of(page), page.content.decode()
    assert "+2 lines added \N{MINUS SIGN}1 lines removed" in text
    assert "1 \N{MINUS SIGN} Work in the REPL. 1 + Work only in the REPL. 2 2 Set answer" in text
    assert "<ins>only " in html or "<ins> only" in html
    assert '<tr class="diff-new">' in html
    side = as_ada.get(f"{SYSTEM}?version=3&against=2&side=1")
    assert "1 \N{MINUS SIGN} Work in the REPL. 1 + Work only in the REPL. 2 Set answer" in text_of(side)
    assert side.content.decode().count("diff-none") == 3


def test_unchanged_lines_are_counted_and_shown_when_asked_for(as_ada: Client, acme: Tenant) -> None:
    write(acme, full.SYSTEM + "Be brief.\n")
    few, whole = as_ada.get(f"{SYSTEM}?version=2&against=1"), as_ada.get(f"{SYSTEM}?version=2&against=1&lines=all")
    skipped = full.SYSTEM.count("\n") - 3
    assert f"{skipped} unchanged lines" in text_of(few)
    assert "unchanged line" not in text_of(whole)
    assert "You answer a task about" in text_of(whole)


def test_equal_versions_say_so(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    write(acme, full.SYSTEM)
    assert "No difference Both versions have the same text." in text_of(as_ada.get(f"{SYSTEM}?version=3&against=1"))


def test_only_version_offers_no_comparison(as_ada: Client, acme: Tenant) -> None:
    page = as_ada.get(SYSTEM)
    assert "Changes" not in text_of(page)
    assert "Promote to production" not in text_of(page)


def test_history_tells_who_why_and_on_what(as_ada: Client, acme: Tenant) -> None:
    assert "No label has been moved yet" in text_of(as_ada.get(f"{SYSTEM}?show=history"))
    editor = make_member(acme.organization, "ed@acme.example", Role.EDITOR)
    create_version(by=editor, prompt=ensure_system_prompt(acme.project), text=OWN)
    move(acme, "production", 2)
    page = as_ada.get(f"{SYSTEM}?show=history")
    told = f"production v1 → v2 Overridden {REASON}"
    assert told in re.sub(r" \d{4}-\d\d-\d\d \d\d:\d\d UTC", "", text_of(page))
    assert "Moved by ada@acme.example; v2 was written by ed@acme.example. No experiment. Put back v1" in text_of(page)
    assert f"{MOVE}?label=production&amp;version=1&amp;undo=1" in page.content.decode()


def test_history_shows_the_evidence_of_a_promotion(as_ada: Client, acme: Tenant) -> None:
    supported(acme)
    move(acme, "production", 2)
    page = text_of(as_ada.get(f"{SYSTEM}?show=history"))
    assert "On evidence" in page
    assert "20 better, 0 worse of 20 · p < 0.0001" in page
    assert "Overridden" not in page


def test_pages_lead_to_older_versions_and_moves(as_ada: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.console.views.prompts.PAGE", 2)
    for number in (2, 3, 4):
        write(acme, f"{OWN}{number}")
        move(acme, "production", number)
    page = as_ada.get(f"{SYSTEM}?show=history")
    assert f"{SYSTEM}?version=4&amp;versions=3" in page.content.decode()
    older = as_ada.get(f"{SYSTEM}?version=4&versions=3")
    assert "v2" in text_of(older)
    assert "v3" not in text_of(older)
    cursor = page.content.decode().split("cursor=")[1].split('"')[0]
    assert "v1 → v2" in text_of(as_ada.get(f"{SYSTEM}?show=history&cursor={cursor}"))
    assert "There are no older versions." in text_of(as_ada.get(f"{SYSTEM}?versions=1"))


@pytest.mark.parametrize(
    "query",
    [
        "version=9",
        "version=0",
        "version=x",
        "version=²",
        "version=9999999999",
        "against=9",
        "versions=x",
        "show=history&cursor=x",
    ],
)
def test_what_is_not_there_is_not_found(as_ada: Client, query: str) -> None:
    assert as_ada.get(f"{SYSTEM}?{query}").status_code == 404


def test_unknown_prompt_is_not_found(as_ada: Client) -> None:
    assert as_ada.get(f"{PROMPTS}/other").status_code == 404


def test_hostile_text_is_shown_as_text(as_ada: Client, acme: Tenant) -> None:
    write(acme, "<script>alert(1)</script>", note="<b>bold</b>")
    for query in ("version=2", "version=2&against=1", "version=2&against=1&side=1"):
        html = as_ada.get(f"{SYSTEM}?{query}").content.decode()
        assert "<script>alert(1)" not in html
        assert "<b>bold" not in html
        assert "alert" in html


def test_viewer_is_offered_nothing_that_he_may_not(as_vera: Client, acme: Tenant) -> None:
    write(acme)
    move(acme, "staging", 2)
    for query in ("version=2", "version=2&show=history"):
        page = as_vera.get(f"{SYSTEM}?{query}")
        text = text_of(page)
        assert page.status_code == 200
        assert not {"New version", "Promote to production", "Delete", "Put back"} & {
            word for word in ("New version", "Promote to production", "Delete", "Put back") if word in text
        }
    for path in (NEW, f"{MOVE}?version=2"):
        assert as_vera.get(path).status_code == 403
    assert as_vera.post(f"{SYSTEM}/labels/staging/delete").status_code == 403
    assert labels(acme) == {"production": 1, "staging": 2}


# ---- writing


def test_new_version_starts_from_the_chosen_one_and_is_saved(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    page = as_ada.get(f"{NEW}?from=2")
    assert "starts as v2" in text_of(page)
    assert "Set answer[&quot;content&quot;].\n</textarea>" in page.content.decode()
    saved = as_ada.post(f"{NEW}?from=2", {"text": OWN.replace("\n", "\r\n") + "Be brief.", "note": "shorter"})
    assert (saved.status_code, saved["Location"]) == (302, f"{SYSTEM}?version=3&against=2&saved=1")
    page = text_of(as_ada.get(saved["Location"]))
    assert "v3 is saved. No label points at it yet." in page
    assert "+1 lines added \N{MINUS SIGN}0 lines removed" in page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": ""}, "must not be empty"),
        ({"text": full.SYSTEM}, "is the text of v1, the latest version"),
        ({"text": "x" * 100_001}, "has 100,001 characters; 100,000 are allowed"),
        ({"text": OWN, "note": "x" * 501}, "has 501 characters; 500 are allowed"),
    ],
)
def test_refused_version_stays_in_the_form(as_ada: Client, fields: dict[str, str], message: str) -> None:
    page = as_ada.post(NEW, {"note": "kept"} | fields)
    assert page.status_code == 422
    assert message in text_of(page)
    assert 'aria-invalid="true"' in page.content.decode()
    assert f'value="{fields.get("note", "kept")}"' in page.content.decode()


def test_editor_warns_where_the_repl_is_not_told_of(as_ada: Client, acme: Tenant) -> None:
    hidden = re.compile(r'data-part="contract" role="status" hidden')
    assert hidden.search(as_ada.get(NEW).content.decode())
    write(acme, "Be brief.")
    assert not hidden.search(as_ada.get(f"{NEW}?from=2").content.decode())


# ---- labels


def supported(tenant: Tenant) -> None:
    """Run an experiment in which v2 is right about everything and v1 about nothing."""
    experiment = make_experiment(tenant.principal, tenant.project, items=20)
    right = {(number, Arm.CANDIDATE): str(number + 1) for number in range(1, 21)}
    answer_all(experiment, right, "wrong")


def test_move_without_evidence_is_an_override_and_says_so(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    page = text_of(as_ada.get(f"{MOVE}?label=production&version=2"))
    assert "No held-out evidence for this change" in page
    assert "This is an override No finished experiment shows v2 to be better than v1" in page
    answer = moved(as_ada)
    assert (answer.status_code, answer["Location"]) == (302, f"{SYSTEM}?version=2&show=history")
    assert "The label production points at v2." in text_of(as_ada.get(answer["Location"]))


def test_move_on_evidence_shows_the_table(as_ada: Client, acme: Tenant) -> None:
    supported(acme)
    page = as_ada.get(f"{MOVE}?label=production&version=2")
    text = text_of(page)
    assert "Better on held-out items" in text
    assert "20 of 20 0 20 ▲ 20 ▼ 0 0 < 0.0001" in text
    assert "This is an override" not in text
    experiment = re.search(r'name="experiment" value="([^"]+)"', page.content.decode())
    assert experiment is not None
    moved(as_ada, experiment=experiment[1])
    [promotion] = queries.promotions_page(acme.principal, ensure_system_prompt(acme.project)).items
    assert (promotion.promotion.overridden, str(promotion.promotion.experiment_id)) == (False, experiment[1])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reason": ""}, "must not be empty"),
        ({"reason": "short"}, "must have at least 10 characters"),
        ({"seen": 3}, "The label production was moved meanwhile."),
        ({"experiment": "0198c0de-0000-7000-8000-000000000000"}, "did not compare v1 with v2"),
        ({"label": "v7"}, "reads as the number of a version"),
    ],
)
def test_refused_move_says_why_and_moves_nothing(
    as_ada: Client, acme: Tenant, fields: dict[str, Any], message: str
) -> None:
    write(acme)
    page = moved(as_ada, **fields)
    assert page.status_code == 422
    assert message in text_of(page)
    assert labels(acme) == {"production": 1}


def test_put_back_proposes_its_reason(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    move(acme, "production", 2)
    page = as_ada.get(f"{MOVE}?label=production&version=1&undo=1")
    assert "Put back: undoes the move to v2.</textarea>" in page.content.decode()
    moved(as_ada, version=1, seen=2, reason="Put back: undoes the move to v2.")
    assert labels(acme) == {"production": 1}


def test_new_label_is_made_moved_and_deleted(as_ada: Client, acme: Tenant) -> None:
    write(acme)
    page = as_ada.get(f"{MOVE}?version=2")
    assert "New label" in text_of(page)
    assert "Evidence" not in text_of(page)
    moved(as_ada, label="staging", seen=0, reason="try")
    assert labels(acme) == {"production": 1, "staging": 2}
    assert as_ada.post(f"{SYSTEM}/labels/staging/delete").status_code == 302
    assert labels(acme) == {"production": 1}
    assert as_ada.post(f"{SYSTEM}/labels/staging/delete").status_code == 404


def test_production_is_not_deleted(as_ada: Client, acme: Tenant) -> None:
    answer = as_ada.post(f"{SYSTEM}/labels/production/delete")
    assert "cannot be deleted" in text_of(as_ada.get(answer["Location"]))
    assert labels(acme) == {"production": 1}


def test_label_that_stands_there_offers_no_move(as_ada: Client, acme: Tenant) -> None:
    page = text_of(as_ada.get(f"{MOVE}?label=production&version=1"))
    assert "The label production points at v1 already." in page
    assert "Reason" not in page


def test_move_to_nowhere_leads_to_the_history(as_ada: Client) -> None:
    assert as_ada.get(MOVE)["Location"] == f"{SYSTEM}?show=history"
    assert as_ada.get(f"{MOVE}?version=7").status_code == 404


def test_editor_writes_and_promotes(acme: Tenant) -> None:
    client = browser_of(make_member(acme.organization, "ed@acme.example", Role.EDITOR))
    assert client.post(NEW, {"text": OWN}).status_code == 302
    assert moved(client).status_code == 302
    assert labels(acme) == {"production": 2}


# ---- launching


def test_launch_page_offers_labels_and_versions(as_ada: Client, acme: Tenant, ada: Principal) -> None:
    write(acme, note="Shorter")
    move(acme, "staging", 2)
    page = as_ada.get("/o/acme/p/demo/runs/new")
    html = page.content.decode()
    assert "production (v1), the default staging (v2) v2: Shorter v1: What this release" in text_of(page)
    assert '<option value="" data-version="1" selected>' in html
    assert '<option value="staging" data-version="2"' in html


@pytest.mark.parametrize("query", ["?version=1", "?show=history"])
def test_page_asks_as_often_for_three_as_for_one(as_ada: Client, acme: Tenant, query: str) -> None:
    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            response = as_ada.get(f"{SYSTEM}{query}")
        return len(response.content), len(captured)

    def add(number: int) -> None:
        write(acme, f"{OWN}{number}")
        move(acme, f"label-{number}", number)

    add(2)
    asked()  # the session learns the project
    one = asked()
    add(3)
    add(4)
    three = asked()
    assert three[0] > one[0]
    assert three[1] == one[1]
