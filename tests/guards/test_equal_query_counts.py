"""A page asks the database as often for three rows as for one. The API's lists: `tests/api/test_openapi.py`."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from memory import actions as memory
from rlmlab.tenancy.actions.invitations import invite
from rlmlab.tenancy.actions.keys import create_key
from rlmlab.tenancy.actions.members import add_member
from rlmlab.tenancy.actions.organizations import create_organization
from rlmlab.tenancy.actions.prices import set_price
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.actions.providers import set_provider_key
from rlmlab.tenancy.principals import system_principal
from tests.factories.datasets import make_dataset
from tests.factories.experiments import make_experiment, start_experiment
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.examples import make_example
from trajectories.actions.ratings import Judgement, rate_run

Add = Callable[[Tenant, int], object]


def add_person(tenant: Tenant, number: int) -> object:
    invite(by=tenant.principal, email=f"invited-{number}@acme.example", role="viewer")
    return make_member(tenant.organization, f"person-{number}@acme.example", "viewer")


def add_key(tenant: Tenant, number: int) -> object:
    return create_key(by=tenant.principal, label=f"key {number}")


def add_project(tenant: Tenant, number: int) -> object:
    return create_project(by=tenant.principal, slug=f"more-{number}")


def add_run(tenant: Tenant, number: int) -> object:
    return finished_run(tenant.principal, tenant.project, number + 1, tags=[f"tag-{number}"])


def add_provider(tenant: Tenant, number: int) -> object:
    set_price(by=tenant.principal, model=f"openai/{number}", input_usd=Decimal(1), output_usd=Decimal(1))
    provider = ("openai", "groq", "anthropic")[number]
    return set_provider_key(by=tenant.principal, provider=provider, api_key="sk-0123456789")


def add_example(tenant: Tenant, number: int) -> object:
    run = finished_run(tenant.principal, tenant.project, task=f"Count the birds, {number}")
    rate_run(by=tenant.principal, run=run, judgement=Judgement("correct", 1.0))
    return make_example(by=tenant.principal, run=run)


def add_memory(tenant: Tenant, number: int) -> object:
    run, text = finished_run(tenant.principal, tenant.project), f"Fact {number}"
    return memory.remember(organization_id=tenant.organization.id, project=tenant.project, run_id=run.id, text=text)


def add_organization(tenant: Tenant, number: int) -> object:
    organization = create_organization(by=tenant.principal.actor, slug=f"acme-{number}", name=f"Acme {number}")
    return add_member(by=system_principal(organization), email=tenant.user.email, role="owner")


def add_dataset(tenant: Tenant, number: int) -> object:
    return make_dataset(tenant.principal, tenant.project, 1, name=f"sums-{number}")


def add_experiment(tenant: Tenant, number: int) -> object:
    if number == 0:
        return make_experiment(tenant.principal, tenant.project, items=1)
    return start_experiment(tenant.principal, tenant.project)


LISTS: dict[str, Add] = {
    "/organizations": add_organization,
    "/o/acme": add_run,
    "/o/acme/projects": add_project,
    "/o/acme/p/demo/runs": add_run,
    "/o/acme/p/demo/examples": add_example,
    "/o/acme/p/demo/memory": add_memory,
    "/o/acme/p/demo/datasets": add_dataset,
    "/o/acme/p/demo/experiments": add_experiment,
    "/o/acme/settings/members": add_person,
    "/o/acme/settings/keys": add_key,
    "/o/acme/settings/providers": add_provider,
    "/o/acme/settings/audit": add_project,
}


@pytest.mark.parametrize(("path", "add"), LISTS.items(), ids=LISTS)
def test_a_page_asks_as_often_for_three_as_for_one(acme: Tenant, path: str, add: Add) -> None:
    client = Client()
    client.force_login(acme.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    add(acme, 0)

    def asked() -> tuple[int, list[str]]:
        with CaptureQueriesContext(connection) as captured:
            response = client.get(path)
        assert response.status_code == 200
        return len(response.content), [query["sql"] for query in captured]

    asked()  # the session learns the project
    one, one_queries = asked()
    add(acme, 1)
    add(acme, 2)
    three, three_queries = asked()
    assert three > one, "the rows are on the page"
    assert len(three_queries) == len(one_queries), "\n".join(three_queries)
    assert len(one_queries) < 30  # savepoints and the scope's own statements are among them
