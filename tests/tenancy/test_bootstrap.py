"""`manage.py bootstrap`: the contract of its one JSON object."""

import json
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.models import Membership, Organization, User
from rlmlab.tenancy.queries import keys_of, principal_for_key, principal_for_user, project_by_slug
from tests.database import Execute

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_wishes_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ORGANIZATION", "EMAIL", "PASSWORD", "PROJECT"):
        monkeypatch.delenv(f"RLMLAB_BOOTSTRAP_{name}", raising=False)


def bootstrap(**options: str) -> dict[str, str | None]:
    out, err = StringIO(), StringIO()
    call_command("bootstrap", json=True, stdout=out, stderr=err, **options)
    assert out.getvalue().count("\n") == 1
    return json.loads(out.getvalue())  # type: ignore[no-any-return]


def test_first_call_makes_everything() -> None:
    made = bootstrap()
    assert list(made) == ["url", "email", "password", "organization", "project", "api_key"]
    assert (made["url"], made["email"]) == ("http://127.0.0.1:8000", "admin@localhost")
    assert (made["organization"], made["project"]) == ("main", "demo")
    user = User.objects.get()
    assert user.check_password(str(made["password"]))
    assert (user.is_staff, user.is_superuser) == (True, True)
    principal = principal_for_user(user, "main")
    assert principal.role == "owner"
    assert principal.organization.name == "Main"
    assert project_by_slug(principal, "demo").name == "demo"
    assert principal_for_key(str(made["api_key"])).organization == principal.organization


def test_second_call_changes_nothing_but_adds_a_key() -> None:
    first, second = bootstrap(), bootstrap()
    assert second["password"] is None
    assert {**first, "password": None, "api_key": second["api_key"]} == second
    assert User.objects.get().check_password(str(first["password"]))
    assert first["api_key"] != second["api_key"]
    principal = principal_for_key(str(first["api_key"]))
    assert len(keys_of(principal)) == 2
    with scoping.system("a test counts"):
        assert (Organization.objects.count(), Membership.objects.count()) == (1, 1)
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [
        "organization.create", "user.create", "member.add", "project.create", "api_key.create", "api_key.create",
    ]  # fmt: skip


def test_given_password_is_set_and_printed_each_time() -> None:
    bootstrap()
    for _ in range(2):
        assert bootstrap(password="a given password")["password"] == "a given password"
        assert User.objects.get().check_password("a given password")
    with scoping.organization(scoping.PLATFORM):
        assert AuditEntry.objects.filter(action="user.set_password").count() == 1


def test_options_add_a_second_organization_with_its_own_owner() -> None:
    bootstrap()
    made = bootstrap(organization="bolt", email="Bo@Bolt.example", password="correct horse", project="papers")
    assert (made["organization"], made["email"], made["project"]) == ("bolt", "bo@bolt.example", "papers")
    bo = User.objects.get(email="bo@bolt.example")
    assert (bo.is_staff, bo.is_superuser) == (False, False)
    assert principal_for_user(bo, "bolt").role == "owner"
    assert principal_for_key(str(made["api_key"])).organization.slug == "bolt"


def test_second_organization_of_the_same_person() -> None:
    bootstrap()
    made = bootstrap(organization="bolt")
    assert (made["email"], made["password"]) == ("admin@localhost", None)
    assert principal_for_user(User.objects.get(), "bolt").role == "owner"


def test_viewer_becomes_owner() -> None:
    bootstrap()
    with scoping.system("a test demotes"):
        Membership.objects.update(role="viewer")
    bootstrap()
    assert principal_for_user(User.objects.get(), "main").role == "owner"


def test_environment_sets_each_value_and_an_option_overrides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLMLAB_BOOTSTRAP_ORGANIZATION", "acme")
    monkeypatch.setenv("RLMLAB_BOOTSTRAP_EMAIL", "ada@acme.example")
    monkeypatch.setenv("RLMLAB_BOOTSTRAP_PASSWORD", "correct horse")
    monkeypatch.setenv("RLMLAB_BOOTSTRAP_PROJECT", "papers")
    made = bootstrap(project="books")
    assert [made[name] for name in ("organization", "email", "password", "project")] == [
        "acme", "ada@acme.example", "correct horse", "books",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"organization": "Not A Slug"}, "organization: must be lower-case letters, digits and inner hyphens"),
        ({"project": "new"}, 'project: "new" is reserved; choose another'),
        ({"email": "nobody"}, 'email: "nobody" is not an email address'),
        ({"password": "short"}, "password: This password is too short. It must contain at least 8 characters."),
    ],
)
def test_bad_option_names_itself_and_makes_nothing(options: dict[str, str], message: str) -> None:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("bootstrap", json=True, stdout=out, **options)
    assert str(caught.value) == message
    assert out.getvalue() == ""
    with scoping.system("a test counts"):
        assert (Organization.objects.count(), User.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)


def test_without_json_it_prints_a_line_each() -> None:
    bootstrap()
    out = StringIO()
    call_command("bootstrap", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[:5] == [
        "url          http://127.0.0.1:8000",
        "email        admin@localhost",
        "password     (unchanged)",
        "organization main",
        "project      demo",
    ]
    assert lines[5].startswith("api_key      rlm_")


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_time_make_one_organization() -> None:
    start, made = Barrier(3), []

    def call() -> None:
        start.wait(20)
        try:
            made.append(bootstrap())
        finally:
            connection.close()

    threads = [Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({item["api_key"] for item in made}) == 3
    assert sum(item["password"] is not None for item in made) == 1
    assert User.objects.count() == 1
    assert len(keys_of(principal_for_key(str(made[0]["api_key"])))) == 3


@pytest.mark.django_db(transaction=True)
def test_database_without_tables_says_what_to_run(as_owner: Execute) -> None:
    as_owner("ALTER TABLE tenancy_organization RENAME TO elsewhere")
    try:
        with pytest.raises(CommandError, match=r"not migrated: run manage\.py migrate"):
            call_command("bootstrap", json=True)
    finally:
        as_owner("ALTER TABLE elsewhere RENAME TO tenancy_organization")


@pytest.mark.django_db(transaction=True)
def test_database_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})  # no pool, which holds connections that answer
    with pytest.raises(CommandError, match=r"the database does not answer: .*/nonexistent"):
        call_command("bootstrap", json=True)
