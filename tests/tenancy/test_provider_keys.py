"""An organization's own access to providers: stored encrypted, shown never, used by nobody else."""

import pytest
from cryptography.fernet import Fernet

from rlmlab import scoping
from rlmlab.audit.models import AuditEntry
from rlmlab.engine.providers.access import NOTHING_OWN, Credential
from rlmlab.engine.providers.probe import Probe
from rlmlab.errors import Invalid, NotFound
from rlmlab.tenancy.actions.providers import hint_of, remove_provider_key, set_provider_key
from rlmlab.tenancy.catalogs import catalog_of, load_access
from rlmlab.tenancy.models import ProviderKey
from rlmlab.tenancy.principals import PermissionMissing, Principal
from rlmlab.tenancy.providers import provider_keys_of, try_provider_key
from tests.factories.keys import allow_private, use_keys
from tests.fakes.model_server import ModelServer
from tests.live import free_port

pytestmark = pytest.mark.django_db
SECRET = "sk-acme-0123456789abcdef"
PUBLIC = "https://93.184.216.34/v1"


def stored(by: Principal) -> list[ProviderKey]:
    with scoping.organization(by.organization):
        return list(ProviderKey.objects.order_by("provider"))


def entries(by: Principal, action: str) -> list[AuditEntry]:
    with scoping.organization(by.organization):
        return list(AuditEntry.objects.filter(action=action).order_by("id"))


def test_key_is_stored_encrypted_and_recorded_by_its_hint(ada: Principal) -> None:
    key = set_provider_key(by=ada, provider=" groq ", api_key=f" {SECRET}\n")
    assert [(row.provider, row.hint, row.base_url, row.created_by_id) for row in stored(ada)] == [
        ("groq", "cdef", "", ada.actor.id)
    ]
    (entry,) = entries(ada, "provider.set_key")
    assert entry.object_id == key.id
    assert entry.changes == {
        "provider": "groq",
        "key": {"from": "", "to": "…cdef"},
        "base_url": {"from": "", "to": ""},
    }
    everything = [*vars(stored(ada)[0]).values(), *vars(entry).values()]
    assert not any(SECRET in str(value) for value in everything)
    assert load_access(ada.organization).credentials == {"groq": Credential(SECRET)}


def test_setting_it_again_replaces_all_of_it(ada: Principal) -> None:
    """A URL that could be changed without the key would be a way to have the key sent to oneself."""
    set_provider_key(by=ada, provider="openai", api_key=SECRET)
    set_provider_key(by=ada, provider="openai", base_url=PUBLIC)
    assert load_access(ada.organization).credentials == {"openai": Credential(None, PUBLIC)}
    assert entries(ada, "provider.set_key")[1].changes == {
        "provider": "openai",
        "key": {"from": "…cdef", "to": ""},
        "base_url": {"from": "", "to": PUBLIC},
    }


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"provider": "nobody", "api_key": "k"}, "provider", '"nobody" is not a provider that LiteLLM has'),
        ({"provider": "", "api_key": "k"}, "provider", '"" is not a provider'),
        ({"provider": "a\x00b", "api_key": "k"}, "provider", "is not a provider"),
        ({"provider": "local", "api_key": "k"}, "provider", "is not a provider"),
        ({"provider": "bedrock", "api_key": "k"}, "provider", '"bedrock" needs more than a key'),
        ({"provider": "huggingface", "api_key": "k"}, "provider", '"huggingface" needs more than a key'),
        ({"provider": "openai"}, "api_key", "must not be empty"),
        ({"provider": "openai", "api_key": "a b"}, "api_key", "must be a key as the provider shows it"),
        ({"provider": "openai", "api_key": "a\r\nX: y"}, "api_key", "must be a key as the provider shows it"),
        ({"provider": "openai", "api_key": "schlüssel"}, "api_key", "must be a key as the provider shows it"),
        ({"provider": "openai", "api_key": "k" * 1001}, "api_key", "has 1,001 characters; 1,000 are allowed"),
        ({"provider": "anthropic", "api_key": "k", "base_url": PUBLIC}, "base_url", "anthropic takes a key only"),
        ({"provider": "hosted_vllm", "api_key": "k"}, "base_url", "must be given: hosted_vllm is a server that"),
        ({"provider": "openai", "base_url": "ftp://x"}, "base_url", "must begin with https:// or http://"),
        ({"provider": "openai", "base_url": "http://127.0.0.1:11434"}, "base_url", "127.0.0.1 is not a public"),
        ({"provider": "openai", "base_url": "http://169.254.169.254/"}, "base_url", "169.254.169.254 is not a"),
        ({"provider": "openai", "base_url": "http://localhost/v1"}, "base_url", "localhost ("),
        ({"provider": "openai", "base_url": "http://[::ffff:10.0.0.1]/"}, "base_url", "::ffff:10.0.0.1 is not a"),
    ],
)
def test_wrong_field_is_named_and_nothing_is_stored(
    ada: Principal, fields: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        set_provider_key(by=ada, **fields)
    assert [error.field for error in caught.value.errors] == [field]
    assert caught.value.errors[0].message.startswith(words) or words in caught.value.errors[0].message
    assert stored(ada) == []
    assert entries(ada, "provider.set_key") == []


def test_private_base_url_is_taken_where_the_operator_allows_it(
    ada: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_private(monkeypatch)
    set_provider_key(by=ada, provider="ollama", base_url="http://127.0.0.1:11434/v1")
    assert catalog_of(ada.organization).check("ollama/llama3").model == "ollama/llama3"
    with pytest.raises(Invalid, match="base_url: 169"):
        set_provider_key(by=ada, provider="ollama", base_url="http://169.254.169.254/v1")


@pytest.mark.parametrize(
    ("key", "hint"), [("", ""), ("abc", ""), ("abcd", "d"), ("abcdefgh", "gh"), ("a" * 15 + "xyz", "axyz")]
)
def test_hint_shows_four_characters_and_less_of_a_short_key(key: str, hint: str) -> None:
    assert hint_of(key) == hint


def test_removed_key_is_gone_and_recorded(ada: Principal) -> None:
    key = set_provider_key(by=ada, provider="groq", api_key=SECRET)
    assert remove_provider_key(by=ada, provider_key_id=key.id).provider == "groq"
    assert stored(ada) == []
    assert load_access(ada.organization) == NOTHING_OWN
    assert entries(ada, "provider.remove_key")[0].changes == {
        "provider": "groq",
        "key": {"from": "…cdef", "to": ""},
        "base_url": {"from": "", "to": ""},
    }
    with pytest.raises(NotFound):
        remove_provider_key(by=ada, provider_key_id=key.id)


def test_another_organizations_key_is_not_found_and_not_used(ada: Principal, bo: Principal) -> None:
    key = set_provider_key(by=ada, provider="groq", api_key=SECRET)
    for call in (
        lambda: remove_provider_key(by=bo, provider_key_id=key.id),
        lambda: try_provider_key(bo, key.id),
    ):
        with pytest.raises(NotFound, match="no such provider key"):
            call()
    assert (provider_keys_of(bo), load_access(bo.organization)) == ([], NOTHING_OWN)
    assert not catalog_of(bo.organization).is_callable("groq/x")
    assert catalog_of(ada.organization).is_callable("groq/x")
    assert len(stored(ada)) == 1


@pytest.mark.parametrize("role", ["viewer", "reviewer", "editor"])
def test_only_who_manages_providers_sees_or_changes_them(ada: Principal, role: str) -> None:
    key = set_provider_key(by=ada, provider="groq", api_key=SECRET)
    other = Principal(ada.actor, ada.organization, role)
    for call in (
        lambda: set_provider_key(by=other, provider="groq", api_key="x"),
        lambda: remove_provider_key(by=other, provider_key_id=key.id),
        lambda: provider_keys_of(other),
        lambda: try_provider_key(other, key.id),
    ):
        with pytest.raises(PermissionMissing, match=r"provider\.manage"):
            call()


def test_list_says_what_can_be_tried_and_what_cannot_be_read(ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, Fernet.generate_key().decode())
    set_provider_key(by=ada, provider="groq", api_key=SECRET)
    set_provider_key(by=ada, provider="anthropic", api_key=SECRET)
    rows = {row.key.provider: row for row in provider_keys_of(ada)}
    assert (rows["groq"].url, rows["groq"].can_be_tried) == ("https://api.groq.com/openai/v1", True)
    assert (rows["anthropic"].url, rows["anthropic"].can_be_tried) == ("", False)
    use_keys(monkeypatch, Fernet.generate_key().decode())
    assert not any(row.readable or row.can_be_tried for row in provider_keys_of(ada))
    with pytest.raises(Invalid, match="cannot be tried from here"):
        try_provider_key(ada, rows["groq"].key.id)


def test_trying_lists_the_models_with_the_key(
    ada: Principal, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_private(monkeypatch)
    there = set_provider_key(by=ada, provider="openai_like", api_key=SECRET, base_url=model_server.base_url)
    provider, found = try_provider_key(ada, there.id)
    assert (provider, found.outcome) == ("openai_like", "ok")
    assert found.models > 10
    nowhere = set_provider_key(by=ada, provider="ollama", base_url=f"http://127.0.0.1:{free_port()}/v1")
    assert try_provider_key(ada, nowhere.id) == ("ollama", Probe("unreachable"))


def test_trying_does_not_reach_inside_when_the_setting_is_gone(
    ada: Principal, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        allow_private(before)
        key = set_provider_key(by=ada, provider="ollama", base_url=model_server.base_url)
    assert try_provider_key(ada, key.id) == ("ollama", Probe("refused"))
