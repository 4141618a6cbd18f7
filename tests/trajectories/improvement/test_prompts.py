"""Versions of prompts: what the engine teaches is one of them, each run has one, and runs name them in one grammar."""

import threading
from typing import Any

import pytest
from django.db import connection

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.engine.prompts import full
from rlmlab.engine.types import no_context
from rlmlab.errors import Invalid, NotAllowed, NotFound
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.principals import Principal
from tests.factories.runs import make_run, reload
from tests.factories.tenancy import Tenant
from trajectories.improvement import prompt_queries as queries
from trajectories.improvement.promotion import Move, move_label
from trajectories.improvement.prompts import (
    TEXT_CHARACTERS,
    TEXT_LINES,
    composed,
    create_version,
    ensure_system_prompt,
    own_text,
    teaches_the_repl,
    version_for_run,
)
from trajectories.models import Promotion, Prompt, PromptVersion, Run
from trajectories.specs import Shared, Shown, root_data, run_spec

OWN = 'You work in a REPL. Set answer["content"] and answer["ready"].'


def write(tenant: Tenant, text: str, note: str = "") -> PromptVersion:
    prompt = ensure_system_prompt(tenant.project)
    return create_version(by=tenant.principal, prompt=prompt, text=text, note=note)


def move(tenant: Tenant, label: str, version: int, reason: str = "It is better.") -> None:
    prompt = ensure_system_prompt(tenant.project)
    move_label(by=tenant.principal, prompt=prompt, move=Move(label, version, reason))


def standing(tenant: Tenant) -> tuple[list[tuple[int, bool]], int | None]:
    """Return the numbers of all versions with whether they are built in, and which is in production."""
    view = queries.prompts_page(tenant.principal, tenant.project).items[0]
    versions = queries.versions_page(tenant.principal, view.prompt).items
    return [(row.version.number, row.version.builtin) for row in versions], view.production


def spec_of(run: Run) -> tuple[str | None, str | None]:
    with scoping.organization(run.organization_id):
        spec = run_spec(run, [], no_context, Shown(), Shared())
    return spec.prompt_name, spec.system_prompt


# ---- what the engine teaches


def test_first_look_makes_the_taught_text_the_version_in_production(acme: Tenant) -> None:
    prompt = ensure_system_prompt(acme.project)
    assert (prompt.name, standing(acme)) == ("system", ([(1, True)], 1))
    version = queries.version_for(acme.principal, prompt, 1)
    assert (version.version.text, version.author, version.labels) == (full.SYSTEM, "RLM Lab", ("production",))
    assert queries.promotions_page(acme.principal, prompt).items == []


def test_second_look_adds_nothing_and_asks_once(acme: Tenant, django_assert_num_queries: Any) -> None:
    ensure_system_prompt(acme.project)
    with scoping.organization(acme.organization), django_assert_num_queries(5):  # of the scope: 2 settings, 2 savepoint
        ensure_system_prompt(acme.project)
    assert standing(acme) == ([(1, True)], 1)


def test_each_project_has_a_prompt_of_its_own(acme: Tenant) -> None:
    other = create_project(by=acme.principal, slug="other")
    assert ensure_system_prompt(acme.project).id != ensure_system_prompt(other).id


def test_new_release_adds_its_text_and_moves_production_from_the_earlier_one(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_system_prompt(acme.project)
    monkeypatch.setattr(full, "SYSTEM", f"{OWN} Taught anew.")
    prompt = ensure_system_prompt(acme.project)
    assert standing(acme) == ([(2, True), (1, True)], 2)
    [moved] = queries.promotions_page(acme.principal, prompt).items
    row = moved.promotion
    assert (moved.author, row.label, row.from_version and row.from_version.number, row.to_version.number) == (
        "RLM Lab",
        "production",
        1,
        2,
    )
    assert (row.overridden, row.evidence, row.reason[:13]) == (True, {}, "A new release")


def test_new_release_leaves_production_where_somebody_put_it(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    write(acme, OWN)
    move(acme, "production", 2)
    monkeypatch.setattr(full, "SYSTEM", f"{OWN} Taught anew.")
    ensure_system_prompt(acme.project)
    assert standing(acme) == ([(3, True), (2, False), (1, True)], 2)


def test_releases_side_by_side_do_not_take_turns(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    before = full.SYSTEM
    ensure_system_prompt(acme.project)
    for text in ("Taught anew.", before, "Taught anew.", before):
        monkeypatch.setattr(full, "SYSTEM", text)
        ensure_system_prompt(acme.project)
    assert standing(acme) == ([(2, True), (1, True)], 2)


@pytest.mark.django_db(transaction=True)
def test_first_looks_at_once_make_one_version(acme: Tenant) -> None:
    def look() -> None:
        try:
            ensure_system_prompt(acme.project)
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert standing(acme) == ([(1, True)], 1)
    with scoping.organization(acme.organization):
        assert Prompt.objects.for_org(acme.organization).count() == 1


# ---- versions


def test_version_is_numbered_audited_and_in_no_ones_way(acme: Tenant) -> None:
    version = write(acme, f"{OWN}\r\nBe brief.\r", note=" shorter ")
    assert (version.number, version.text, version.note, version.builtin) == (2, f"{OWN}\nBe brief.\n", "shorter", False)
    assert standing(acme)[1] == 1
    with scoping.organization(acme.organization):
        entry = AuditEntry.objects.for_org(acme.organization).get(object_id=version.id)
    assert (entry.action, entry.actor_id) == ("prompt.create_version", acme.user.id)
    assert entry.changes == {"prompt": "system", "version": 2, "characters": len(version.text), "note": "shorter"}


@pytest.mark.django_db(transaction=True)
def test_versions_written_at_once_get_numbers_of_their_own(acme: Tenant) -> None:
    ensure_system_prompt(acme.project)

    def add(number: int) -> None:
        try:
            write(acme, f"{OWN} {number}")
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [number for number, _ in standing(acme)[0]] == [6, 5, 4, 3, 2, 1]


def test_text_of_the_latest_version_is_refused(acme: Tenant) -> None:
    write(acme, OWN)
    with pytest.raises(Invalid, match="is the text of v2") as caught:
        write(acme, OWN)
    assert caught.value.errors[0].field == "text"
    assert write(acme, full.SYSTEM).number == 3, "an earlier text may come back"


@pytest.mark.parametrize(
    ("text", "note", "field"),
    [
        ("", "", "text"),
        (" \n", "", "text"),
        ("a\x00", "", "text"),
        ("\ud800", "", "text"),
        ("x" * (TEXT_CHARACTERS + 1), "", "text"),
        ("x\n" * (TEXT_LINES + 1), "", "text"),
        (OWN, "x" * 501, "note"),
        (OWN, "a\nb", "note"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(acme: Tenant, text: str, note: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        write(acme, text, note)
    assert [error.field for error in caught.value.errors] == [field]
    assert standing(acme)[0] == [(1, True)]


def test_longest_text_is_kept(acme: Tenant) -> None:
    assert len(write(acme, "x" * TEXT_CHARACTERS).text) == TEXT_CHARACTERS


def test_viewer_may_look_but_not_write(acme: Tenant, vera: Principal) -> None:
    prompt = queries.prompt_for(vera, acme.project, "system")
    assert queries.version_for(vera, prompt, 1).version.number == 1
    with pytest.raises(NotAllowed, match=r"prompt\.edit"):
        create_version(by=vera, prompt=prompt, text=OWN)


def test_foreign_prompt_is_not_found(acme: Tenant, bolt: Tenant) -> None:
    with pytest.raises(NotFound):
        create_version(by=bolt.principal, prompt=ensure_system_prompt(acme.project), text=OWN)


# ---- what a run gets


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("", 3),
        ("production", 3),
        ("staging", 2),
        ("1", 1),
        ("v2", 2),
        ("system@2", 2),
        ("system@v1", 1),
        ("system@staging", 2),
    ],
)
def test_reference_names_a_version(acme: Tenant, reference: str, number: int) -> None:
    write(acme, OWN)
    write(acme, f"{OWN} Be brief.")
    move(acme, "staging", 2)
    move(acme, "production", 3)
    with scoping.organization(acme.organization):
        assert version_for_run(acme.project, reference).number == number


@pytest.mark.parametrize(
    "reference",
    ["nobody", "0", "2", "v9", "999999999", "9" * 30, "other@1", "system@", "@1", "-1", "Production", "a\x00", " 1"],
)
def test_unknown_reference_is_refused_with_what_there_is(acme: Tenant, reference: str) -> None:
    with pytest.raises(Invalid, match=r"neither a version's number nor a label \(production\)") as caught:
        make_run(acme.principal, acme.project, prompt=reference)
    assert [error.field for error in caught.value.errors] == ["prompt"]


def test_every_run_has_the_version_that_was_in_production(acme: Tenant) -> None:
    first = make_run(acme.principal, acme.project)
    write(acme, OWN)
    move(acme, "production", 2)
    second = make_run(acme.principal, acme.project)
    assert [str(reload(run).prompt_version) for run in (first, second)] == ["system v1", "system v2"]


def test_taught_text_is_left_to_the_engine_and_an_own_text_is_sent(acme: Tenant) -> None:
    write(acme, OWN)
    taught, own = make_run(acme.principal, acme.project), make_run(acme.principal, acme.project, prompt="2")
    assert spec_of(reload(taught)) == ("system v1", None)
    assert spec_of(reload(own)) == ("system v2", OWN)
    with scoping.organization(acme.organization):
        assert root_data(reload(own))["prompt"] == "system v2"


def test_text_that_an_earlier_release_taught_is_sent_as_it_was(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run, before = make_run(acme.principal, acme.project), full.SYSTEM
    monkeypatch.setattr(full, "SYSTEM", "Taught anew.")
    assert spec_of(reload(run)) == ("system v1", before)


def test_run_made_before_prompts_had_versions_gets_what_the_engine_teaches(acme: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    with scoping.organization(acme.organization):
        Run.objects.for_org(acme.organization).filter(id=run.id).update(prompt_version=None)
    assert spec_of(reload(run)) == (None, None)


def test_composed_text_tells_the_repl_in_any_case() -> None:
    assert (teaches_the_repl(OWN), composed(OWN)) == (True, OWN)
    assert not teaches_the_repl("Be brief.")
    assert composed("Be brief.") == f"Be brief.\n{full.CONTRACT}"
    assert own_text(PromptVersion(text=OWN, builtin=True)) == OWN
    assert own_text(PromptVersion(text=full.SYSTEM)) == full.SYSTEM, "written by a person: sent as it is"


def test_refused_reference_leaves_no_run_and_no_promotion(acme: Tenant) -> None:
    with pytest.raises(Invalid):
        make_run(acme.principal, acme.project, prompt="nobody")
    with scoping.organization(acme.organization):
        assert Run.objects.for_org(acme.organization).count() == 0
        assert Promotion.objects.for_org(acme.organization).count() == 0
