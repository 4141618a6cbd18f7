"""Labels: moved with a reason, by whoever may, one after the other; each move is kept, and can be undone by another."""

import threading

import pytest
from django.db import connection

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.audit.presenters import sentence
from rlmlab.errors import Conflict, Invalid, NotAllowed, NotFound
from rlmlab.tenancy.models import Role
from rlmlab.tenancy.principals import Principal
from tests.factories.tenancy import Tenant, make_member
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.labels import LABELS
from trajectories.improvement.promotion import Move, delete_label, move_label
from trajectories.improvement.prompts import create_version, ensure_system_prompt
from trajectories.models import Prompt

REASON = "It finds more of the answers."


@pytest.fixture
def prompt(acme: Tenant) -> Prompt:
    """A prompt with three versions, the first of which is in production."""
    prompt = ensure_system_prompt(acme.project)
    for number in (2, 3):
        create_version(by=acme.principal, prompt=prompt, text=f"Text of v{number}.")
    return prompt


def move(by: Principal, prompt: Prompt, label: str, version: int, reason: str = REASON, **more: int) -> int:
    return move_label(by=by, prompt=prompt, move=Move(label, version, reason, **more)).version.number


def labels(by: Principal, prompt: Prompt) -> dict[str, int]:
    return {label.name: label.version.number for label in queries.labels_of(by, prompt)}


def moves(by: Principal, prompt: Prompt) -> list[tuple[str, int | None, int]]:
    found = queries.promotions_page(by, prompt).items
    return [
        (
            row.promotion.label,
            row.promotion.from_version and row.promotion.from_version.number,
            row.promotion.to_version.number,
        )
        for row in found
    ]


def latest_entry(by: Principal) -> AuditEntry:
    with scoping.organization(by.organization_id):
        return AuditEntry.objects.for_org(by.organization_id).order_by("-id")[0]


def test_move_is_kept_with_its_reason_and_audited(ada: Principal, prompt: Prompt) -> None:
    assert move(ada, prompt, "production", 2) == 2
    [row] = queries.promotions_page(ada, prompt).items
    kept = row.promotion
    assert (row.author, kept.reason, kept.overridden, kept.experiment_id) == (ada.actor.label, REASON, True, None)
    assert moves(ada, prompt) == [("production", 1, 2)]
    entry = latest_entry(ada)
    assert (entry.action, entry.object_id, entry.actor_id) == ("prompt.move_label", kept.id, ada.actor.id)
    assert sentence(entry.action, entry.changes) == "moved the label production of the prompt system to v2"
    assert entry.changes["version"] == {"from": 1, "to": 2}


def test_label_that_stands_there_already_is_left_alone(ada: Principal, prompt: Prompt) -> None:
    assert move(ada, prompt, "production", 1) == 1
    assert moves(ada, prompt) == []


def test_move_back_is_a_move_of_its_own(ada: Principal, prompt: Prompt) -> None:
    move(ada, prompt, "production", 3)
    move(ada, prompt, "production", 1, "It was worse after all.")
    assert moves(ada, prompt) == [("production", 3, 1), ("production", 1, 3)]


def test_new_label_is_made_by_its_first_move(ada: Principal, prompt: Prompt) -> None:
    move(ada, prompt, "staging", 2, "try")
    assert labels(ada, prompt) == {"production": 1, "staging": 2}
    assert moves(ada, prompt) == [("staging", None, 2)]


@pytest.mark.parametrize(
    ("label", "version", "reason", "field"),
    [
        ("production", 2, "", "reason"),
        ("production", 2, " too short ", "reason"),
        ("production", 2, "x" * 2001, "reason"),
        ("production", 2, "nine char\x00", "reason"),
        ("staging", 2, "  ", "reason"),
        ("production", 4, REASON, "version"),
        ("production", 0, REASON, "version"),
        ("", 2, REASON, "label"),
        ("Staging", 2, REASON, "label"),
        ("3", 2, REASON, "label"),
        ("v3", 2, REASON, "label"),
        ("x" * 51, 2, REASON, "label"),
    ],
)
def test_wrong_field_is_named_and_nothing_moves(
    ada: Principal, prompt: Prompt, label: str, version: int, reason: str, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        move(ada, prompt, label, version, reason)
    assert [error.field for error in caught.value.errors] == [field]
    assert (labels(ada, prompt), moves(ada, prompt)) == ({"production": 1}, [])


def test_label_that_was_moved_since_it_was_seen_stays(ada: Principal, prompt: Prompt) -> None:
    move(ada, prompt, "production", 2, seen=1)
    with pytest.raises(Conflict, match="was moved meanwhile"):
        move(ada, prompt, "production", 3, seen=1)
    with pytest.raises(Conflict):
        move(ada, prompt, "staging", 3, seen=1)
    move(ada, prompt, "staging", 3, seen=0)
    assert labels(ada, prompt) == {"production": 2, "staging": 3}


@pytest.mark.django_db(transaction=True)
def test_moves_at_once_follow_each_other(ada: Principal, prompt: Prompt) -> None:
    def go(version: int) -> None:
        try:
            move(ada, prompt, "production", version)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(version,)) for version in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last, first = moves(ada, prompt)
    assert first[1] == 1
    assert last[1] == first[2], "the second one started where the first one went"
    assert labels(ada, prompt) == {"production": last[2]}


def test_label_is_deleted_and_its_history_stays(ada: Principal, prompt: Prompt) -> None:
    move(ada, prompt, "staging", 2)
    delete_label(by=ada, prompt=prompt, name="staging")
    assert (labels(ada, prompt), moves(ada, prompt)) == ({"production": 1}, [("staging", None, 2)])
    entry = latest_entry(ada)
    assert sentence(entry.action, entry.changes) == "deleted the label staging of the prompt system"
    assert entry.changes["version"] == {"from": 2, "to": None}
    with pytest.raises(NotFound, match='has no label "staging"'):
        delete_label(by=ada, prompt=prompt, name="staging")


def test_production_cannot_be_deleted(ada: Principal, prompt: Prompt) -> None:
    with pytest.raises(Conflict, match="production cannot be deleted"):
        delete_label(by=ada, prompt=prompt, name="production")
    assert labels(ada, prompt) == {"production": 1}


def test_labels_do_not_multiply_without_end(ada: Principal, prompt: Prompt) -> None:
    for number in range(LABELS - 1):
        move(ada, prompt, f"label-{number:02}", 2)
    with pytest.raises(Invalid, match="one more than the 50"):
        move(ada, prompt, "one-more", 2)
    assert move(ada, prompt, "label-00", 3) == 3
    first = queries.labels_page(ada, prompt, limit=30)
    second = queries.labels_page(ada, prompt, cursor=first.next_cursor, limit=30)
    assert [row.name for row in (*first.items, *second.items)] == sorted(labels(ada, prompt))
    assert (len(second.items), second.next_cursor) == (20, "")


def test_editor_promotes_and_reviewer_and_viewer_do_not(acme: Tenant, prompt: Prompt, vera: Principal) -> None:
    editor = make_member(acme.organization, "ed@acme.example", Role.EDITOR)
    reviewer = make_member(acme.organization, "rita@acme.example", Role.REVIEWER)
    assert move(editor, prompt, "production", 2) == 2
    for by in (reviewer, vera):
        with pytest.raises(NotAllowed, match=r"prompt\.promote"):
            move(by, prompt, "production", 3)
        with pytest.raises(NotAllowed, match=r"prompt\.promote"):
            delete_label(by=by, prompt=prompt, name="production")
    assert moves(vera, prompt) == [("production", 1, 2)]


def test_foreign_prompt_is_not_found(bo: Principal, prompt: Prompt) -> None:
    with pytest.raises(NotFound):
        move(bo, prompt, "production", 2)
    with pytest.raises(NotFound):
        delete_label(by=bo, prompt=prompt, name="production")
    assert queries.labels_of(bo, prompt) == []


def test_refused_move_is_not_audited(ada: Principal, prompt: Prompt) -> None:
    with pytest.raises(Invalid):
        move(ada, prompt, "production", 9)
    with scoping.organization(ada.organization):
        assert not AuditEntry.objects.for_org(ada.organization).filter(action="prompt.move_label").exists()


def test_promotions_are_paged_newest_first(ada: Principal, prompt: Prompt) -> None:
    for version in (2, 3, 1):
        move(ada, prompt, "production", version)
    first = queries.promotions_page(ada, prompt, limit=2)
    second = queries.promotions_page(ada, prompt, cursor=first.next_cursor, limit=2)
    assert [row.promotion.to_version.number for row in (*first.items, *second.items)] == [1, 3, 2]
    assert second.next_cursor == ""
