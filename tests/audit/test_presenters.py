"""Sentences of actions."""

import pytest

from rlmlab.audit.presenters import differences, register, registered_actions, sentence


def test_sentence_is_filled_from_the_changes() -> None:
    assert sentence("project.create", {"slug": "demo", "name": "Demo"}) == "created the project demo"
    assert sentence("member.change_role", {"role": {"from": "viewer", "to": "owner"}}) == (
        "changed a member's role to owner"
    )


def test_missing_and_empty_values_show() -> None:
    assert sentence("project.create", {}) == "created the project …"
    assert sentence("project.create", {"slug": None}) == "created the project none"


def test_braces_in_a_value_are_text() -> None:
    assert sentence("project.create", {"slug": "{name.__class__}", "name": "x"}) == (
        "created the project {name.__class__}"
    )


def test_action_without_a_sentence_fails() -> None:
    with pytest.raises(KeyError, match=r"no\.such"):
        sentence("no.such", {})


def test_second_sentence_for_an_action_is_refused() -> None:
    register("project.create", "created the project {slug}")
    with pytest.raises(ValueError, match="has a sentence already"):
        register("project.create", "made {slug}")
    assert "project.create" in registered_actions()


def test_differences_are_sorted_and_have_before_and_after() -> None:
    changes = {"z": 1, "role": {"from": "viewer", "to": "owner"}, "cap": {"from": None, "to": 5}, "d": {"to": 1}}
    assert differences(changes) == [
        ("cap", "", "5"),
        ("d", "", "{'to': 1}"),
        ("role", "viewer", "owner"),
        ("z", "", "1"),
    ]
