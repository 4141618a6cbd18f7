"""Re-encrypting what is stored: idempotent, organization by organization, and honest about what is lost."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.tenancy.actions.providers import set_provider_key
from rlmlab.tenancy.actions.rotation import Rotated, organizations_with_keys, rotate_organization
from rlmlab.tenancy.catalogs import load_access
from rlmlab.tenancy.encryption import is_current
from rlmlab.tenancy.models import ProviderKey
from rlmlab.tenancy.principals import Principal
from tests.factories.keys import use_keys

pytestmark = pytest.mark.django_db
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def entries(by: Principal) -> list[dict[str, object]]:
    with scoping.organization(by.organization):
        found = AuditEntry.objects.filter(action="provider.rotate_keys").order_by("id")
        return [(entry.actor_kind, entry.changes) for entry in found]


def secrets(by: Principal) -> dict[str, str]:
    with scoping.organization(by.organization):
        return dict(ProviderKey.objects.values_list("provider", "secret"))


def test_all_keys_are_brought_under_the_first(ada: Principal, bo: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, OLD)
    set_provider_key(by=ada, provider="groq", api_key="sk-acme-groq")
    set_provider_key(by=ada, provider="openai", api_key="sk-acme-openai")
    set_provider_key(by=bo, provider="openai", api_key="sk-bolt-openai")
    use_keys(monkeypatch, NEW, OLD)
    assert rotate() == (
        "acme: 2 re-encrypted, 0 current already\n"
        "bolt: 1 re-encrypted, 0 current already\n"
        "3 keys re-encrypted in 2 organizations\n"
    )
    use_keys(monkeypatch, NEW)
    assert load_access(ada.organization).credentials["openai"].api_key == "sk-acme-openai"
    assert load_access(bo.organization).credentials["openai"].api_key == "sk-bolt-openai"
    assert entries(ada) == [("system", {"rotated": 2, "lost": []})]
    assert entries(bo) == [("system", {"rotated": 1, "lost": []})]


def test_again_changes_nothing_and_records_nothing(ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, OLD)
    set_provider_key(by=ada, provider="groq", api_key="sk-acme-groq")
    use_keys(monkeypatch, NEW, OLD)
    rotate()
    before = secrets(ada)
    assert rotate() == "acme: 0 re-encrypted, 1 current already\n0 keys re-encrypted in 1 organizations\n"
    assert secrets(ada) == before
    assert len(entries(ada)) == 1


def test_an_interrupted_rotation_goes_on_where_it_ended(
    ada: Principal, bo: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, OLD)
    for by in (ada, bo):
        set_provider_key(by=by, provider="groq", api_key="sk-1234")
    use_keys(monkeypatch, NEW, OLD)
    first = organizations_with_keys()[0]
    assert rotate_organization(first) == Rotated("acme", rotated=1, current=0, lost=())
    assert "acme: 0 re-encrypted, 1 current already\nbolt: 1 re-encrypted" in rotate()
    assert all(is_current(secret) for by in (ada, bo) for secret in secrets(by).values())


def test_a_key_that_nobody_can_decrypt_is_named_and_stays(ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, OTHER)
    set_provider_key(by=ada, provider="anthropic", api_key="sk-lost")
    use_keys(monkeypatch, OLD)
    set_provider_key(by=ada, provider="groq", api_key="sk-acme-groq")
    lost = secrets(ada)["anthropic"]
    use_keys(monkeypatch, NEW, OLD)
    out = StringIO()
    with pytest.raises(CommandError, match="1 cannot be decrypted by any key of this installation"):
        call_command("rotate_keys", stdout=out)
    assert "acme: 1 re-encrypted, 0 current already, cannot be decrypted: anthropic\n" in out.getvalue()
    assert secrets(ada)["anthropic"] == lost
    assert load_access(ada.organization).credentials["anthropic"].readable is False
    assert entries(ada) == [("system", {"rotated": 1, "lost": ["anthropic"]})]


def test_access_without_a_key_needs_no_rotation(ada: Principal) -> None:
    set_provider_key(by=ada, provider="ollama", base_url="https://93.184.216.34/v1")
    assert rotate() == "0 keys re-encrypted in 0 organizations\n"
