"""The memory page: list, search, keeping, editing, pinning, forgetting, bringing back, erasing."""

import re
from typing import Any

import pytest
from django.test import Client

from memory import actions, queries
from memory.models import Memory
from rlmlab import scoping
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.models import Role
from tests.console.conftest import browser_of
from tests.console.page import links_of, text_of
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant, make_member

pytestmark = pytest.mark.django_db

MEMORY = "/o/acme/p/demo/memory"


def add(acme: Tenant, text: str, **fields: Any) -> Memory:
    return actions.add_memory(by=acme.principal, project=acme.project, text=text, **fields).memory


def reload(memory: Memory) -> Memory:
    with scoping.organization(memory.organization_id):
        return Memory.objects.get(pk=memory.pk)


def texts(response: Any) -> list[str]:
    """The texts of the list, in order."""
    return re.findall(r'class="memory-text"[^>]*>([^<]*)<', response.content.decode())


@pytest.fixture
def as_owner(acme: Tenant) -> Client:
    return browser_of(acme.principal)


def test_an_empty_list_teaches_how_memories_come_to_be(as_owner: Client, as_vera: Client) -> None:
    page = text_of(as_owner.get(MEMORY))
    assert "No memories yet" in page
    assert 'remember("Invoices before 2019 are in Deutsche Mark.")' in page
    assert 'recall("currency of old invoices")' in page
    assert "/o/acme/p/demo/runs/new" in links_of(as_owner.get(MEMORY))
    assert "Launch a run with memory" not in text_of(as_vera.get(MEMORY))


def test_the_list_says_what_who_and_how_often(as_owner: Client, acme: Tenant) -> None:
    run = finished_run(acme.principal, acme.project, task="Count the invoices")
    add(acme, "Prices are in euros.", kind="lesson")
    actions.remember(
        organization_id=acme.organization.id, project=acme.project, run_id=run.id, text="Dates are German."
    )
    queries.recall(organization_id=acme.organization.id, project_id=acme.project.id, query="dates", limit=8)
    response = as_owner.get(MEMORY)
    page = text_of(response)
    assert texts(response) == ["Dates are German.", "Prices are in euros."]
    assert re.search(r"Dates are German\. fact kept by a run · Count the invoices recalled 1 time, last", page)
    assert re.search(r"euros\. lesson stated by a person · ada@acme\.example never recalled", page)
    assert f"/runs/{run.id}" in links_of(response)
    assert "Active 2 Forgotten 0 Erased 0" in page


def test_a_run_that_is_gone_is_said(as_owner: Client, acme: Tenant) -> None:
    kept = actions.remember(
        organization_id=acme.organization.id, project=acme.project, run_id=acme.project.id, text="Old."
    )
    assert "kept by a run · that is gone" in text_of(as_owner.get(f"{MEMORY}/{kept.memory.id}"))


def test_pinned_ones_come_first_and_once(as_owner: Client, acme: Tenant) -> None:
    first, _second = add(acme, "First."), add(acme, "Second.")
    as_owner.post(f"{MEMORY}/{first.id}/pin", {"pinned": "1", "to": "list"})
    response = as_owner.get(MEMORY)
    assert texts(response) == ["First.", "Second."]
    assert "First. pinned fact" in text_of(response)
    as_owner.post(f"{MEMORY}/{first.id}/pin", {"pinned": "", "to": "list"})
    assert texts(as_owner.get(MEMORY)) == ["Second.", "First."]


def test_pages_follow_each_other(as_owner: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlmlab.console.views.memory.PAGE", 2)
    made = [add(acme, f"Number {number}.") for number in range(4)]
    actions.pin_memory(by=acme.principal, memory_id=made[0].id, pinned=True)
    response = as_owner.get(MEMORY)
    assert texts(response) == ["Number 0.", "Number 3.", "Number 2."]
    (older,) = re.findall(r'href="(\?status=active&amp;query=&amp;cursor=[^"]+)"', response.content.decode())
    assert texts(as_owner.get(MEMORY + older.replace("&amp;", "&"))) == ["Number 1."]
    refused = as_owner.get(f"{MEMORY}?cursor=x")
    assert refused.status_code == 422
    assert "The list cannot be shown: is not a cursor of this list." in text_of(refused)


def test_search_finds_words_and_says_when_there_are_none(as_owner: Client, acme: Tenant) -> None:
    add(acme, "Invoices are in euros."), add(acme, "The sky is blue.")
    found = as_owner.get(f"{MEMORY}?query=invoice", headers={"HX-Request": "true"})
    assert texts(found) == ["Invoices are in euros."]
    assert b"<nav" not in found.content
    assert "No memory matches" in text_of(as_owner.get(f"{MEMORY}?query=nothing"))


def test_a_person_keeps_a_memory_once(as_owner: Client, acme: Tenant) -> None:
    first = as_owner.post(MEMORY, {"text": "Ada lives in Paris.", "kind": "fact"}, follow=True)
    assert "Kept. Ada lives in Paris." in text_of(first)
    again = as_owner.post(MEMORY, {"text": "ada lives in  paris.", "kind": "fact"}, follow=True)
    assert "That is kept already. Ada lives in Paris." in text_of(again)
    assert queries.counts_of(acme.principal, acme.project)["active"] == 1


@pytest.mark.parametrize(
    ("text", "said"), [(" ", "Must not be empty"), ("x" * 4_001, "Has 4,001 characters; 4,000 are allowed")]
)
def test_what_cannot_be_kept_is_said_at_the_field(as_owner: Client, acme: Tenant, text: str, said: str) -> None:
    for path in (MEMORY, f"{MEMORY}/{add(acme, 'Before.').id}"):
        response = as_owner.post(path, {"text": text, "kind": "fact"})
        assert response.status_code == 422
        assert said in text_of(response)
        assert text in response.content.decode()
    unknown = as_owner.post(MEMORY, {"text": "x", "kind": "rumour"})
    assert "rumour is not one of the available choices" in text_of(unknown)


def test_an_edit_is_a_persons_and_stands_in_the_history(as_owner: Client, acme: Tenant) -> None:
    kept = actions.remember(
        organization_id=acme.organization.id,
        project=acme.project,
        run_id=finished_run(acme.principal, acme.project).id,
        text="There are 42 birds.",
    ).memory
    response = as_owner.post(f"{MEMORY}/{kept.id}", {"text": "There are 43 birds."}, follow=True)
    page = text_of(response)
    assert "edited by a person" in page
    assert "<del" in response.content.decode()
    assert re.search(
        r"History edited ada@acme\.example .* - There are 42 birds\. \+ There are 43 birds\. kept RLM Lab", page
    )
    assert reload(kept).trust == "human_edited"


def test_a_double_is_refused_at_the_field(as_owner: Client, acme: Tenant) -> None:
    add(acme, "First."), (second := add(acme, "Second."))
    response = as_owner.post(f"{MEMORY}/{second.id}", {"text": "first."})
    assert response.status_code == 422
    assert "Another memory of this project says the same" in text_of(response)
    assert reload(second).text == "Second."


def test_forgetting_can_be_undone(as_owner: Client, acme: Tenant) -> None:
    memory = add(acme, "Prices are in euros.")
    said = as_owner.post(f"{MEMORY}/{memory.id}/forget", follow=True)
    assert "Forgotten. Prices are in euros. Undo" in text_of(said)
    assert texts(said) == []
    assert texts(as_owner.get(f"{MEMORY}?status=forgotten")) == ["Prices are in euros."]
    assert "Forgotten: no run is told." in text_of(as_owner.get(f"{MEMORY}/{memory.id}"))
    back = as_owner.post(f"{MEMORY}/{memory.id}/restore", {"to": "list"}, follow=True)
    assert texts(back) == ["Prices are in euros."]
    again = as_owner.get(f"{MEMORY}?forgotten={memory.id}")
    assert "Forgotten." not in text_of(again)
    assert "Forgotten." not in text_of(as_owner.get(f"{MEMORY}?forgotten=x"))


def test_erasing_says_what_remains_and_leaves_no_text(as_owner: Client, acme: Tenant) -> None:
    memory = add(acme, "Ada's number is 555.")
    actions.edit_memory(by=acme.principal, memory_id=memory.id, text="Ada's number is 556.")
    assert "What remains: a hash of it" in text_of(as_owner.get(f"{MEMORY}/{memory.id}"))
    response = as_owner.post(f"{MEMORY}/{memory.id}/erase", follow=True)
    page = text_of(response)
    assert "Erased for good: its text is gone, here and in its history." in page
    assert "555" not in page
    assert "556" not in page
    assert re.search(r"erased for good ada@acme\.example .* edited ada@acme\.example .* kept ada@acme\.example", page)
    assert "Erase it for good" not in page
    assert "Erased" in text_of(as_owner.get(f"{MEMORY}?status=erased"))
    refused = as_owner.post(f"{MEMORY}/{memory.id}/restore")
    assert refused.status_code == 409
    assert "there is nothing to bring back" in text_of(refused)
    assert "This memory is erased" in text_of(as_owner.post(f"{MEMORY}/{memory.id}", {"text": "556"}))


def test_more_pins_than_a_run_reads_are_refused(as_owner: Client, acme: Tenant) -> None:
    made = [add(acme, f"Number {number}.") for number in range(21)]
    answers = [as_owner.post(f"{MEMORY}/{memory.id}/pin", {"pinned": "1"}) for memory in made]
    assert [answer.status_code for answer in answers[:20]] == [302] * 20
    assert answers[20].status_code == 409
    assert "20 memories are pinned already, and each run reads them all; unpin one first." in text_of(answers[20])


def test_unpinning_is_told_from_pinning_in_the_history(as_owner: Client, acme: Tenant) -> None:
    memory = add(acme, "First.")
    for pinned in ("1", ""):
        as_owner.post(f"{MEMORY}/{memory.id}/pin", {"pinned": pinned})
    assert re.search(r"History unpinned ada.* pinned ada.* kept ada", text_of(as_owner.get(f"{MEMORY}/{memory.id}")))


def test_a_viewer_looks_and_does_not_touch(as_vera: Client, acme: Tenant) -> None:
    memory = add(acme, "First.")
    for path in (MEMORY, f"{MEMORY}/{memory.id}"):
        page = as_vera.get(path)
        assert page.status_code == 200
        assert "First." in text_of(page)
        assert b'method="post" action="/o/' not in page.content
    assert as_vera.post(MEMORY, {"text": "x", "kind": "fact"}).status_code == 403
    assert as_vera.post(f"{MEMORY}/{memory.id}", {"text": "x"}).status_code == 403
    for what in ("pin", "forget", "restore", "erase"):
        assert as_vera.post(f"{MEMORY}/{memory.id}/{what}", {"pinned": "1"}).status_code == 403
    assert (reload(memory).text, reload(memory).status) == ("First.", "active")


def test_a_reviewer_does_not_touch_either(acme: Tenant) -> None:
    rita = browser_of(make_member(acme.organization, "rita@acme.example", Role.REVIEWER))
    assert rita.post(f"{MEMORY}/{add(acme, 'First.').id}/forget").status_code == 403


def test_a_memory_of_another_project_or_organization_is_not_found(
    as_owner: Client, as_bo: Client, acme: Tenant
) -> None:
    memory = add(acme, "First.")
    other = create_project(by=acme.principal, slug="other")
    path = f"/o/acme/p/{other.slug}/memory/{memory.id}"
    assert as_owner.get(path).status_code == 404
    assert as_owner.post(f"{path}/erase").status_code == 404
    assert as_bo.get(f"{MEMORY}/{memory.id}").status_code == 404
    assert as_owner.get(f"/o/acme/p/{other.slug}/memory?forgotten={memory.id}").status_code == 200
    assert reload(memory).status == "active"
