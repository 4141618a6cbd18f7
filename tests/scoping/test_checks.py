"""The system refuses a set-up in which row-level security would not hold."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from rlmlab.embedded import postgres
from rlmlab.embedded.places import Places
from rlmlab.embedded.secrets import read_secret
from rlmlab.scoping.checks import application_role_is_bound, roles_differ


def test_two_roles_are_fine() -> None:
    assert roles_differ() == []


def test_one_role_for_both_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES, "owner", {**settings.DATABASES["owner"], "USER": "rlmlab_app"})
    (error,) = roles_differ()
    assert error.id == "rlmlab.E001"
    assert "RLMLAB_OWNER_DATABASE_URL" in error.msg


@pytest.mark.django_db
def test_application_role_is_bound() -> None:
    assert application_role_is_bound(databases=["default"]) == []
    assert application_role_is_bound(databases=["owner"]) == []
    assert application_role_is_bound() == []


@pytest.mark.django_db(transaction=True)
def test_superuser_as_the_application_is_an_error(servers: Places) -> None:
    connection = connections["default"]
    before: dict[str, Any] = dict(connection.settings_dict)
    connection.close()
    superuser = {"USER": postgres.SUPERUSER, "PASSWORD": read_secret(servers, postgres.SUPERUSER)}
    connection.settings_dict |= superuser | {"OPTIONS": {}}  # no pool, which holds connections of the other role
    try:
        (error,) = application_role_is_bound(databases=["default"])
    finally:
        connection.close()
        connection.settings_dict |= before
    assert error.id == "rlmlab.E002"
    assert '"postgres" bypasses row-level security' in error.msg
