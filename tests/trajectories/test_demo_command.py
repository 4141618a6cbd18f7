"""The demo's command says on the terminal what came out."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from rlmlab import scoping
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from trajectories.models import DemoCheck, Run

QUESTION = "Find the value of SMTP_PORT."


def say(tenant: Tenant) -> str:
    out = StringIO()
    words = ["--organization", tenant.organization.slug, "--project", tenant.project.slug, "--once"]
    call_command("demo", *words, stdout=out)
    return out.getvalue()


def ended(tenant: Tenant, **fields: object) -> DemoCheck:
    run = make_run(tenant.principal, tenant.project)
    with scoping.organization(tenant.organization):
        Run.objects.for_org(tenant.organization).filter(id=run.id).update(finished_at=timezone.now(), **fields)
        return DemoCheck.objects.create(organization=tenant.organization, run=run, question=QUESTION, expected="25")


@pytest.mark.django_db
def test_a_right_answer_is_said_to_be_right(acme: Tenant) -> None:
    ended(acme, status="succeeded", finish_reason="submitted", answer="25")
    said = say(acme)
    assert QUESTION in said
    assert said.endswith("Its answer '25' is right; plain code says '25'.\n")
    assert say(acme) == ""


@pytest.mark.django_db
def test_a_run_that_failed_is_said_with_its_reason(acme: Tenant) -> None:
    ended(acme, status="failed", finish_reason="error", error_code="gone", error_message="No model answers.")
    assert say(acme).endswith("(none)' is WRONG; plain code says '25'.\n  Its run failed: No model answers.\n")
