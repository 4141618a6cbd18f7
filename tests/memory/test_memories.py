"""Memories: kept once, edited, pinned, forgotten, brought back, erased; and found by their words."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from memory import actions, queries
from memory.models import Memory, MemoryChange
from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.errors import Conflict, Invalid, NotFound
from rlmlab.scoping.ids import uuid7
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.principals import PermissionMissing, Principal
from tests.factories.tenancy import Tenant


def add(tenant: Tenant, text: str, **fields: Any) -> Memory:
    return actions.add_memory(by=tenant.principal, project=tenant.project, text=text, **fields).memory


def by_run(tenant: Tenant, text: str) -> actions.Kept:
    return actions.remember(organization_id=tenant.organization.id, project=tenant.project, run_id=uuid7(), text=text)


def reload(memory: Memory) -> Memory:
    with scoping.organization(memory.organization_id):
        return Memory.objects.get(pk=memory.pk)


def recalled(tenant: Tenant, query: str, limit: int = 8) -> list[str]:
    found = queries.recall(
        organization_id=tenant.organization.id, project_id=tenant.project.id, query=query, limit=limit
    )
    return [item.memory.text for item in found]


def last_entry(tenant: Tenant) -> AuditEntry:
    with scoping.organization(tenant.organization):
        return AuditEntry.objects.for_org(tenant.organization).order_by("-id")[0]


def test_a_person_states_and_a_run_infers(acme: Tenant) -> None:
    stated, inferred = add(acme, "  Prices are in euros. ", kind="lesson"), by_run(acme, "The file has 3 parts.")
    assert (stated.text, stated.kind, stated.trust, stated.source_run_id) == (
        "Prices are in euros.",
        "lesson",
        "user_stated",
        None,
    )
    memory = inferred.memory
    assert (memory.kind, memory.trust, memory.created_by_kind) == ("fact", "agent_inferred", "system")
    assert memory.source_run_id is not None
    entry = last_entry(acme)
    assert (entry.action, entry.object_id, entry.actor_kind) == ("memory.remember", memory.id, "system")
    assert entry.changes == {"characters": 21, "project": "demo"}


def test_the_same_text_is_kept_once_whatever_its_case_and_space(acme: Tenant) -> None:
    first = by_run(acme, "Ada lives  in Paris")
    again = actions.add_memory(by=acme.principal, project=acme.project, text="ada LIVES in\nParis ")
    assert (first.created, again.created) == (True, False)
    assert again.memory.id == first.memory.id
    assert add(acme, "Ada lives in Rome").id != first.memory.id


@pytest.mark.django_db(transaction=True)
def test_two_at_once_keep_one(acme: Tenant) -> None:
    barrier, kept = Barrier(4), []

    def keep() -> None:
        barrier.wait()
        kept.append(by_run(acme, "The sky is blue."))
        connection.close()

    threads = [Thread(target=keep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.created for item in kept) == [False, False, False, True]
    assert len({item.memory.id for item in kept}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n ", "text: must not be empty"),
        ("x" * 4_001, "text: has 4,001 characters; 4,000 are allowed"),
        ("a\x00b", "text: must not contain NUL characters or lone surrogates"),
        ("a\ud800b", "text: must not contain NUL characters or lone surrogates"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(acme: Tenant, text: str, message: str) -> None:
    for keep in (add, by_run):
        with pytest.raises(Invalid) as caught:
            keep(acme, text)
        assert str(caught.value) == message
    with pytest.raises(Invalid, match=r'kind: "idea" is not a kind'):
        add(acme, "x", kind="idea")


def test_edit_makes_it_a_persons_and_keeps_the_history(acme: Tenant) -> None:
    memory = by_run(acme, "The invoice is from May.").memory
    edited = actions.edit_memory(by=acme.principal, memory_id=memory.id, text="The invoice is from June.")
    assert (edited.text, edited.trust) == ("The invoice is from June.", "human_edited")
    assert recalled(acme, "june") == ["The invoice is from June."]
    assert recalled(acme, "may") == []
    changes = queries.changes_of(acme.principal, memory)
    assert [(change.action, change.text) for change in changes] == [
        ("edit", "The invoice is from June."),
        ("remember", "The invoice is from May."),
    ]
    assert last_entry(acme).changes == {"characters": {"from": 24, "to": 25}}
    actions.edit_memory(by=acme.principal, memory_id=memory.id, text="The invoice is from June.")
    assert len(queries.changes_of(acme.principal, memory)) == 2


def test_edit_refuses_what_another_says(acme: Tenant) -> None:
    add(acme, "One.")
    two = add(acme, "Two.")
    with pytest.raises(Invalid, match="text: another memory of this project says the same"):
        actions.edit_memory(by=acme.principal, memory_id=two.id, text="ONE.")
    assert reload(two).text == "Two."


def test_change_does_both_or_nothing(acme: Tenant) -> None:
    memory = add(acme, "One.")
    changed = actions.change_memory(by=acme.principal, memory_id=memory.id, text="Two.", pinned=True)
    assert (changed.text, changed.pinned) == ("Two.", True)
    for number in range(actions.PINNED - 1):
        actions.pin_memory(by=acme.principal, memory_id=add(acme, f"Number {number}").id, pinned=True)
    other = add(acme, "Three.")
    with pytest.raises(Conflict, match="20 memories are pinned already"):
        actions.change_memory(by=acme.principal, memory_id=other.id, text="Four.", pinned=True)
    assert (reload(other).text, reload(other).pinned) == ("Three.", False)


def test_pinned_are_listed_oldest_first(acme: Tenant) -> None:
    first, _, third = add(acme, "One."), add(acme, "Two."), add(acme, "Three.")
    for memory in (third, first):
        actions.pin_memory(by=acme.principal, memory_id=memory.id, pinned=True)
    found = queries.pinned_memories(organization_id=acme.organization.id, project_id=acme.project.id)
    assert [memory.text for memory in found] == ["One.", "Three."]
    assert last_entry(acme).changes == {"pinned": {"from": False, "to": True}}
    actions.pin_memory(by=acme.principal, memory_id=first.id, pinned=False)
    found = queries.pinned_memories(organization_id=acme.organization.id, project_id=acme.project.id)
    assert [memory.text for memory in found] == ["Three."]


def test_forgotten_is_not_told_and_can_be_brought_back(acme: Tenant) -> None:
    memory = add(acme, "The key is under the mat.")
    actions.pin_memory(by=acme.principal, memory_id=memory.id, pinned=True)
    forgotten = actions.forget_memory(by=acme.principal, memory_id=memory.id)
    assert (forgotten.status, forgotten.pinned, forgotten.text) == ("forgotten", False, "The key is under the mat.")
    assert recalled(acme, "key mat") == []
    with pytest.raises(Conflict, match="This memory is forgotten"):
        actions.pin_memory(by=acme.principal, memory_id=memory.id, pinned=True)
    assert actions.restore_memory(by=acme.principal, memory_id=memory.id).status == "active"
    assert recalled(acme, "key mat") == ["The key is under the mat."]


def test_what_is_known_again_cannot_be_brought_back_beside_it(acme: Tenant) -> None:
    memory = add(acme, "One.")
    actions.forget_memory(by=acme.principal, memory_id=memory.id)
    assert add(acme, "One.").id != memory.id
    with pytest.raises(Invalid, match="says the same"):
        actions.restore_memory(by=acme.principal, memory_id=memory.id)
    assert reload(memory).status == "forgotten"


def test_erased_leaves_no_text_anywhere(acme: Tenant) -> None:
    memory = add(acme, "The password is swordfish.")
    actions.edit_memory(by=acme.principal, memory_id=memory.id, text="The password was swordfish.")
    actions.erase_memory(by=acme.principal, memory_id=memory.id)
    assert (reload(memory).text, reload(memory).status) == ("", "erased")
    with scoping.organization(acme.organization):
        texts = [change.text for change in MemoryChange.objects.filter(memory=memory)]
        assert texts == ["", "", ""]
        assert not any("swordfish" in str(entry.changes) for entry in AuditEntry.objects.all())
        with connection.cursor() as cursor:
            cursor.execute("SELECT search::text FROM memory_memory WHERE id = %s", [memory.id])
            assert cursor.fetchone() == ("",)
    with pytest.raises(Conflict, match="erased for good"):
        actions.restore_memory(by=acme.principal, memory_id=memory.id)


def test_doing_it_again_changes_nothing(acme: Tenant) -> None:
    memory = add(acme, "One.")
    for act, steps in ((actions.forget_memory, 2), (actions.erase_memory, 3)):
        for _ in range(2):
            act(by=acme.principal, memory_id=memory.id)
        assert len(queries.changes_of(acme.principal, memory)) == steps
    other = add(acme, "Two.")
    actions.restore_memory(by=acme.principal, memory_id=other.id)
    actions.pin_memory(by=acme.principal, memory_id=other.id, pinned=False)
    assert len(queries.changes_of(acme.principal, other)) == 1


def test_recall_ranks_by_shared_words_stems_and_names(acme: Tenant) -> None:
    for text in ("The reports are filed by Marguerite.", "Marguerite writes reports on ships.", "Bananas are yellow."):
        add(acme, text)
    assert recalled(acme, "a report about the ships by Marguerite")[0] == "Marguerite writes reports on ships."
    assert len(recalled(acme, "Marguerite's reports")) == 2
    assert recalled(acme, "reports", limit=1) == recalled(acme, "reports")[:1]
    assert recalled(acme, "yellow") == ["Bananas are yellow."]


@pytest.mark.parametrize("query", ["", "   ", "zebra", "& | ! ( :* '", "\x00", "x" * 5_000])
def test_recall_of_nothing_is_empty(acme: Tenant, query: str) -> None:
    add(acme, "Bananas are yellow.")
    assert recalled(acme, query) == []
    assert recalled(acme, "bananas", limit=0) == []


def test_recall_finds_other_languages_and_stop_words(acme: Tenant) -> None:
    add(acme, "Die Rechnung ist vom Mai.")
    add(acme, "To be or not to be")
    assert recalled(acme, "rechnung") == ["Die Rechnung ist vom Mai."]
    assert recalled(acme, "be") == ["To be or not to be"]


def test_recall_counts_uses(acme: Tenant) -> None:
    memory = add(acme, "Bananas are yellow.")
    other = add(acme, "Cherries are red.")
    recalled(acme, "bananas")
    recalled(acme, "banana")
    assert (reload(memory).uses, reload(other).uses) == (2, 0)
    assert reload(memory).last_used_at is not None


def test_recall_never_leaves_project_or_organization(acme: Tenant, bolt: Tenant) -> None:
    other = create_project(by=acme.principal, slug="other")
    actions.add_memory(by=acme.principal, project=other, text="Bananas elsewhere.")
    add(bolt, "Bananas of Bolt.")
    assert recalled(acme, "bananas") == []
    found = queries.recall(organization_id=acme.organization.id, project_id=bolt.project.id, query="bananas", limit=8)
    assert found == []


def test_pages_and_counts(acme: Tenant) -> None:
    memories = [add(acme, f"Banana number {number}.") for number in range(5)]
    actions.forget_memory(by=acme.principal, memory_id=memories[0].id)
    first = queries.memories_page(acme.principal, acme.project, limit=3)
    rest = queries.memories_page(acme.principal, acme.project, limit=3, cursor=first.next_cursor)
    assert [memory.text for memory in (*first.items, *rest.items)] == [
        f"Banana number {number}." for number in (4, 3, 2, 1)
    ]
    assert rest.next_cursor == ""
    assert [memory.text for memory in queries.memories_page(acme.principal, acme.project, query="3").items] == [
        "Banana number 3."
    ]
    forgotten = queries.memories_page(acme.principal, acme.project, status="forgotten").items
    assert [memory.id for memory in forgotten] == [memories[0].id]
    assert queries.counts_of(acme.principal, acme.project) == {"active": 4, "forgotten": 1, "erased": 0}
    with pytest.raises(Invalid, match='status: "lost" is not a status'):
        queries.memories_page(acme.principal, acme.project, status="lost")


def test_viewers_look_and_foreigners_find_nothing(acme: Tenant, vera: Principal, bo: Principal) -> None:
    memory = add(acme, "One.")
    assert queries.memory_for(vera, memory.id).text == "One."
    acts: list[Callable[..., Any]] = [
        actions.forget_memory,
        actions.restore_memory,
        actions.erase_memory,
        lambda **given: actions.edit_memory(text="Two.", **given),
        lambda **given: actions.pin_memory(pinned=True, **given),
        lambda **given: actions.change_memory(text="Two.", **given),
    ]
    for act in acts:
        with pytest.raises(PermissionMissing):
            act(by=vera, memory_id=memory.id)
        for by, memory_id in ((bo, memory.id), (acme.principal, uuid4())):
            with pytest.raises(NotFound, match="There is no memory"):
                act(by=by, memory_id=memory_id)
    with pytest.raises(PermissionMissing):
        actions.add_memory(by=vera, project=acme.project, text="Two.")
    with pytest.raises(NotFound):
        queries.memory_for(bo, memory.id)
    with pytest.raises(NotFound):
        actions.add_memory(by=bo, project=acme.project, text="Two.")
    assert reload(memory).text == "One."


def test_people_see_what_is_pinned_first_and_once(acme: Tenant) -> None:
    made = [add(acme, f"Number {number} of the birds.") for number in range(4)]
    actions.pin_memory(by=acme.principal, memory_id=made[1].id, pinned=True)
    actions.forget_memory(by=acme.principal, memory_id=made[0].id)

    def listed(**fields: Any) -> queries.Listing:
        wanted: dict[str, Any] = {"query": "", "status": "active", "cursor": "", "limit": 1, **fields}
        return queries.listing(acme.principal, acme.project, **wanted)

    first = listed()
    assert [memory.id for memory in (*first.pinned, *first.page.items)] == [made[1].id, made[3].id]
    assert first.counts == {"active": 3, "forgotten": 1, "erased": 0}
    second = listed(cursor=first.page.next_cursor)
    assert [memory.id for memory in (*second.pinned, *second.page.items)] == [made[2].id]
    assert second.page.next_cursor == ""
    found = listed(query="birds", limit=9)
    assert (found.pinned, [memory.id for memory in found.page.items]) == ([], [made[3].id, made[2].id, made[1].id])
    assert [memory.id for memory in listed(status="forgotten").page.items] == [made[0].id]
    with pytest.raises(Invalid, match="is not a status"):
        listed(status="lost")


def test_a_history_tells_pinning_from_unpinning(acme: Tenant) -> None:
    memory = add(acme, "First.")
    for pinned in (True, False):
        actions.pin_memory(by=acme.principal, memory_id=memory.id, pinned=pinned)
    assert [change.action for change in queries.changes_of(acme.principal, memory)] == ["unpin", "pin", "remember"]
    assert last_entry(acme).action == "memory.pin"
