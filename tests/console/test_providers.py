"""The page of providers and models, as an admin uses it."""

import os
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from rlmlab.console.views.providers import per_million, told
from rlmlab.engine.providers.access import Credential
from rlmlab.engine.providers.probe import Probe
from rlmlab.tenancy.actions.prices import set_price
from rlmlab.tenancy.actions.providers import set_provider_key
from rlmlab.tenancy.catalogs import load_access
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.providers import prices_of, provider_keys_of
from tests.console.conftest import browser_of
from tests.console.page import text_of
from tests.factories.keys import allow_private, use_keys
from tests.factories.tenancy import make_member
from tests.fakes.model_server import ModelServer

pytestmark = pytest.mark.django_db
PAGE = "/o/acme/settings/providers"
PRICES = "/o/acme/settings/prices"
SECRET = "sk-acme-0123456789abcdef"
ENVIRON = os.environ | {"DJANGO_SETTINGS_MODULE": "rlmlab.settings"}


def test_empty_page_says_what_to_do(as_ada: Client) -> None:
    page = as_ada.get(PAGE)
    assert page.status_code == 200
    assert "No keys of your own yet Add one below" in text_of(page)
    assert "No prices of your own Set one for a model" in text_of(page)
    assert "local/gemma-3-270m" in text_of(page)


def test_key_is_saved_and_never_shown(as_ada: Client, ada: Principal) -> None:
    answer = as_ada.post(PAGE, {"provider": "groq", "api_key": SECRET}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "Runs call groq with your own access from now on." in text_of(answer)
    assert "groq …cdef usual" in text_of(answer)
    assert SECRET not in answer.content.decode()
    assert load_access(ada.organization).credentials == {"groq": Credential(SECRET)}


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"provider": "", "api_key": "k"}, "provider", "This field is required."),
        ({"provider": "nobody", "api_key": SECRET}, "provider", "is not a provider that LiteLLM has"),
        ({"provider": "openai", "api_key": SECRET, "base_url": "http://10.0.0.1"}, "base_url", "not a public address"),
        ({"provider": "openai"}, "api_key", "must not be empty"),
    ],
)
def test_refusal_stands_at_its_field_without_the_key(
    as_ada: Client, ada: Principal, body: dict[str, str], field: str, words: str
) -> None:
    answer = as_ada.post(PAGE, body)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert re.search(rf'id="id_{field}_note">\s*<p class="error">[^<]*{words}', html)
    assert SECRET not in html
    assert provider_keys_of(ada) == []


def test_key_is_removed(as_ada: Client, ada: Principal) -> None:
    key = set_provider_key(by=ada, provider="groq", api_key=SECRET)
    page = as_ada.post(f"{PAGE}/{key.id}/remove", follow=True)
    assert "Your access to groq is removed." in text_of(page)
    assert provider_keys_of(ada) == []


def test_connection_is_tested_in_place(
    as_ada: Client,
    ada: Principal,
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow_private(monkeypatch)
    key = set_provider_key(by=ada, provider="openai_like", api_key=SECRET, base_url=model_server.base_url)
    page = as_ada.post(f"{PAGE}/{key.id}/test")
    assert page.status_code == 200
    assert re.search(r"openai_like answers: \d+ models\.", text_of(page))
    assert "tone-ok" in page.content.decode()


def test_connection_of_a_provider_with_another_api_is_not_offered(as_ada: Client, ada: Principal) -> None:
    key = set_provider_key(by=ada, provider="anthropic", api_key=SECRET)
    assert "Test connection" not in text_of(as_ada.get(PAGE))
    assert "cannot be tried from here" in text_of(as_ada.post(f"{PAGE}/{key.id}/test", follow=True))


@pytest.mark.parametrize(
    ("found", "ok", "words"),
    [
        (Probe("ok", models=3), True, "x answers: 3 models."),
        (Probe("rejected", status=401), False, "does not accept the key (HTTP 401)"),
        (Probe("status", status=503), False, "answered with HTTP 503"),
        (Probe("not_openai", status=200), False, "does not answer as OpenAI's API does"),
        (Probe("refused"), False, "leads to an address that is not public"),
        (Probe("unreachable"), False, "cannot be reached"),
        (Probe("timeout"), False, "within 5 seconds"),
    ],
)
def test_every_outcome_is_told(found: Probe, ok: bool, words: str) -> None:
    shown = told("x", found)
    assert shown is not None
    assert (shown["ok"], words in shown["text"]) == (ok, True)


def test_price_is_set_changed_and_removed(as_ada: Client, ada: Principal) -> None:
    as_ada.post(PRICES, {"model": "openai/gpt-5-mini", "input_usd": "0.2", "output_usd": "1.5"})
    price = prices_of(ada)[0]
    assert (price.input_usd, price.output_usd, price.cached_input_usd) == (Decimal("0.2"), Decimal("1.5"), None)
    page = text_of(as_ada.get(PAGE, {"q": "openai/gpt-5-mini", "show": "all"}))
    assert "openai/gpt-5-mini 272K 0.2 – 1.5 yours" in page  # noqa: RUF001  an en dash stands for no value
    form = as_ada.get(PAGE, {"price": "openai/gpt-5-mini"}).context["price_form"]
    assert form.initial == {
        "model": "openai/gpt-5-mini",
        "input_usd": "0.2",
        "output_usd": "1.5",
        "cached_input_usd": "",
        "cache_write_usd": "",
    }
    page = text_of(as_ada.post(f"{PRICES}/{price.id}/remove", follow=True))
    assert "openai/gpt-5-mini costs again what the installation's price list says." in page
    assert prices_of(ada) == []


def test_price_of_writing_to_a_cache_is_set_and_shown(as_ada: Client, ada: Principal) -> None:
    told = {"model": "openai/gpt-5-mini", "input_usd": "3", "output_usd": "15", "cached_input_usd": "0.3"}
    as_ada.post(PRICES, told | {"cache_write_usd": "3.75"})
    assert prices_of(ada)[0].cache_write_usd == Decimal("3.75")
    assert "openai/gpt-5-mini 3 0.3 3.75 15" in text_of(as_ada.get(PAGE))
    form = as_ada.get(PAGE, {"price": "anthropic/claude-sonnet-4-5"}).context["price_form"]
    assert (form.initial["cached_input_usd"], form.initial["cache_write_usd"]) == ("0.3", "3.75")


def test_wrong_price_stands_at_its_field(as_ada: Client, ada: Principal) -> None:
    answer = as_ada.post(PRICES, {"model": "nobody/x", "input_usd": "1", "output_usd": "-1"})
    assert answer.status_code == 422
    assert "Unknown model" in text_of(answer) or "must be between 0 and" in text_of(answer)
    assert "Enter a number." in text_of(as_ada.post(PRICES, {"model": "openai/x", "input_usd": "x", "output_usd": "1"}))
    assert prices_of(ada) == []


def test_models_are_searched_and_paged(as_ada: Client, ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "None that can be called here" in text_of(as_ada.get(PAGE, {"q": "claude"}))
    assert "No model of that name" in text_of(as_ada.get(PAGE, {"q": "no such thing", "show": "all"}))
    set_provider_key(by=ada, provider="anthropic", api_key=SECRET)
    monkeypatch.setattr("rlmlab.console.views.providers.PAGE", 3)
    first = as_ada.get(PAGE, {"q": "claude"})
    shown = [model["name"] for model in first.context["models"]]
    assert len(shown) == 3
    assert all(model["callable"] for model in first.context["models"])
    after = first.context["next"]
    assert after == shown[-1]
    second = [model["name"] for model in as_ada.get(PAGE, {"q": "claude", "after": after}).context["models"]]
    assert min(second) > max(shown)
    assert as_ada.get(PAGE, {"q": "x" * 300}).status_code == 200


@pytest.mark.parametrize(
    ("usd", "text"), [(None, ""), (0.0, "0"), (2.5e-07, "0.25"), (1.5e-05, "15"), (3.75e-08, "0.0375")]
)
def test_price_is_written_for_a_million_tokens(usd: float | None, text: str) -> None:
    assert per_million(usd) == text


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_page_is_an_admins(acme: object, ada: Principal, role: str) -> None:
    price = set_price(by=ada, model="openai/x", input_usd=Decimal(1), output_usd=Decimal(1))
    key = set_provider_key(by=ada, provider="groq", api_key=SECRET)
    browser = browser_of(make_member(ada.organization, f"{role}@acme.example", role))
    assert browser.get(PAGE).status_code == 403
    for path in (PAGE, PRICES, f"{PAGE}/{key.id}/remove", f"{PAGE}/{key.id}/test", f"{PRICES}/{price.id}/remove"):
        body = {"provider": "groq", "api_key": "k", "model": "openai/x", "input_usd": "1", "output_usd": "1"}
        assert browser.post(path, body).status_code == 403, path
    assert "Providers & models" not in text_of(browser.get("/o/acme/p/demo/runs"))
    assert len(provider_keys_of(ada)) == len(prices_of(ada)) == 1


def test_key_that_cannot_be_decrypted_says_so(as_ada: Client, ada: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, Fernet.generate_key().decode())
    set_provider_key(by=ada, provider="groq", api_key=SECRET)
    use_keys(monkeypatch, Fernet.generate_key().decode())
    page = text_of(as_ada.get(PAGE))
    assert "groq Cannot be decrypted: store it again" in page
    assert "Test connection" not in page


def test_price_of_a_model_that_nobody_lists_is_asked_for_by_name(as_ada: Client) -> None:
    form = as_ada.get(PAGE, {"price": "hosted_vllm/ours"}).context["price_form"]
    assert form.initial == {"model": "hosted_vllm/ours"}


def test_the_web_process_does_not_import_the_gateway_library() -> None:
    code = "import django, sys; django.setup(); import rlmlab.urls; print('litellm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRON)
    assert done.stdout.strip() == "False"
