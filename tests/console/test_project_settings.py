"""The page of a project's settings, and what the form of a new run makes of them."""

import re

import pytest
from django.test import Client

from rlmlab.tenancy.actions.projects import configure_project
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.queries import project_by_slug
from tests.console.page import links_of, text_of
from tests.engine.fakes.cache_contract import PAID
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant
from trajectories.answers import keep_answers
from trajectories.recent import model_names, used_lately

pytestmark = pytest.mark.django_db
PAGE = "/o/acme/p/demo/settings"
LAUNCH = "/o/acme/p/demo/runs/new"
LOCAL = "local/gemma-3-270m"
SETTINGS = {"name": "Demo", "default_environment": "auto"}


def test_settings_are_shown_and_saved(as_ada: Client, ada: Principal) -> None:
    assert PAGE in links_of(as_ada.get("/o/acme/p/demo/runs"))
    body = SETTINGS | {
        "default_model": LOCAL,
        "fallback_models": f"\n {LOCAL} \r\n\r\n",
        "use_memory": "on",
        "budget.max_steps": "7",
        "budget.max_cost_usd": "0.5",
    }
    answer = as_ada.post(PAGE, body, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "The settings are saved" in text_of(answer)
    found = project_by_slug(ada, "demo")
    assert (found.name, found.default_model, found.fallback_models) == ("Demo", LOCAL, [LOCAL])
    assert (found.use_examples, found.use_memory, found.max_steps, found.max_cost_usd) == (False, True, 7, 0.5)
    html = answer.content.decode()
    assert re.search(r'name="budget\.max_steps"[^>]* value="7"', html)
    assert re.search(r'name="use_memory"[^>]* checked', html)
    assert re.search(rf"<textarea[^>]*>{LOCAL}</textarea>", html)


def test_what_is_emptied_is_the_installations_again(as_ada: Client, acme: Tenant) -> None:
    configure_project(by=acme.principal, project=acme.project, changes={"default_model": LOCAL, "budget.max_depth": 1})
    as_ada.post(PAGE, SETTINGS)
    found = project_by_slug(acme.principal, "demo")
    assert (found.default_model, found.max_depth) == ("", None)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"default_model": "nonsense"}, "default_model", "Unknown model"),
        ({"fallback_models": f"{LOCAL}\nnobody/x"}, "fallback_models", "Line 2: Unknown model"),
        ({"budget.max_steps": "many"}, "budget.max_steps", "Enter a whole number."),
        ({"budget.max_steps": "0"}, "budget.max_steps", "must be at least 1"),
        ({"budget.max_seconds": "nan"}, "budget.max_seconds", "Enter a number."),
    ],
)
def test_refusal_stands_at_its_field(
    as_ada: Client, ada: Principal, body: dict[str, str], field: str, words: str
) -> None:
    answer = as_ada.post(PAGE, SETTINGS | {"use_examples": "on"} | body)
    assert answer.status_code == 422
    assert re.search(rf'id="id_{re.escape(field)}_note">\s*<p class="error">{words}', answer.content.decode())
    assert project_by_slug(ada, "demo").use_examples is False


def test_settings_are_an_admins(as_vera: Client, ada: Principal) -> None:
    assert as_vera.get(PAGE).status_code == 403
    assert as_vera.post(PAGE, SETTINGS).status_code == 403
    assert PAGE not in links_of(as_vera.get("/o/acme/p/demo/runs"))
    assert project_by_slug(ada, "demo").name == "demo"


def test_form_of_a_new_run_shows_the_defaults(as_ada: Client, acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    changes = {
        "default_model": "openai/gpt-5-mini",
        "default_sub_model": LOCAL,
        "fallback_models": ["openai/gpt-5"],
        "budget.max_tokens": 5000,
        "budget.max_cost_usd": 0.25,
    }
    configure_project(by=acme.principal, project=acme.project, changes=changes)
    html = as_ada.get(LAUNCH).content.decode()
    for name, shown in [
        ("model", "openai/gpt-5-mini"),
        ("sub_model", LOCAL),
        ("fallback_models", "openai/gpt-5"),
        ("budget.max_tokens", "5000"),
        ("budget.max_cost_usd", "0.25"),
        ("budget.max_steps", "30"),
    ]:
        assert re.search(rf'name="{re.escape(name)}"[^>]* placeholder="{re.escape(shown)}"', html), name


def test_models_are_offered_that_were_used_and_can_be_called(
    acme: Tenant, bolt: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model_names(acme.principal, acme.project) == [LOCAL]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    finished_run(acme.principal, acme.project, model="openai/first")
    finished_run(acme.principal, acme.project, model="openai/second", sub_model="openai/first")
    acme.project.default_sub_model = "openai/own"
    assert used_lately(acme.principal, acme.project) == ["openai/second", "openai/first"]
    assert model_names(acme.principal, acme.project) == ["openai/own", "openai/second", "openai/first", LOCAL]
    assert used_lately(bolt.principal, bolt.project) == []
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    assert model_names(acme.principal, acme.project) == [LOCAL]


def test_cache_is_switched_on_and_emptied(as_ada: Client, acme: Tenant) -> None:
    as_ada.post(PAGE, SETTINGS | {"cache_sub_calls": "on"})
    project = project_by_slug(acme.principal, "demo")
    assert project.cache_sub_calls is True
    assert "holds 0 answers" in text_of(as_ada.get(PAGE))
    keep_answers(make_run(acme.principal, project), [PAID])
    assert "holds 1 answer, of all its projects" in text_of(as_ada.get(PAGE))
    answer = as_ada.post(f"{PAGE}/empty-cache", follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert "The cache is empty: 1 answers are forgotten." in text_of(answer)
    assert "holds 0 answers" in text_of(answer)
