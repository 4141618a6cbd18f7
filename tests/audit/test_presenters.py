"""Sentences of actions."""

import pytest

from rlmlab.audit.presenters import register, registered_actions, sentence


def test_sentence_is_filled_from_the_changes() -> None:
    assert sentence("project.create", {"slug": "demo", "name": "Demo"}) == "created the project demo"
    assert sentence("member.change_role", {"role": {"from": "viewer", "to": "owner"}}) == (
        "changed a member's role to owner"
    )


def test_missing_and_empty_values_show() -> None:
    assert sentence("project.create", {}) == "created the project …"
    assert sentence("project.create", {"slug": None}) == "created the project none"
    assert sentence("project.create", {"slug": True}) == "created the project yes"
    assert sentence("project.create", {"slug": {"from": True, "to": False}}) == "created the project no"


def test_braces_in_a_value_are_text() -> None:
    assert sentence("project.create", {"slug": "{name.__class__}", "name": "x"}) == (
        "created the project {name.__class__}"
    )


def test_an_action_that_nobody_knows_goes_by_its_name() -> None:
    assert sentence("no.such", {"a": 1}) == "no.such"


def test_second_sentence_for_an_action_is_refused() -> None:
    register("project.create", "created the project {slug}")
    with pytest.raises(ValueError, match="has a sentence already"):
        register("project.create", "made {slug}")
    assert "project.create" in registered_actions()
