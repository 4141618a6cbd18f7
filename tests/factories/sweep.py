"""What only Acme has, under the names that URLs give their parameters, and a body that each operation would accept.

Both sweeps over addresses use it: nobody, and nobody of another organization, gets any of it. A new kind of thing with
an address of its own adds a line to `things_of`; an operation that takes a body adds a line to `BODIES`.
"""

from decimal import Decimal
from typing import Any, Final

from memory.actions import add_memory
from rlmlab import scoping
from rlmlab.tenancy.actions.invitations import invite
from rlmlab.tenancy.actions.prices import set_price
from rlmlab.tenancy.actions.projects import create_project
from rlmlab.tenancy.actions.providers import set_provider_key
from rlmlab.tenancy.models import ApiKey, Membership
from tests.factories.experiments import make_experiment
from tests.factories.runs import finished_run
from tests.factories.tenancy import Tenant
from tests.fakes.media import gif
from trajectories.actions.examples import make_example
from trajectories.actions.files import store_file
from trajectories.actions.ratings import Judgement, rate_run
from trajectories.improvement.prompts import ensure_system_prompt

PROJECT: Final = "acme-only"
ONE: Final = Decimal(1)
BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("patch", "/api/v1/projects/{slug}"): {"name": "x"},
    ("patch", "/api/v1/runs/{run_id}"): {"tags": ["x"]},
    ("post", "/api/v1/projects/{slug}/datasets"): {"name": "x"},
    ("post", "/api/v1/projects/{slug}/datasets/{dataset}/items"): {"task": "x", "expected": "x"},
    ("post", "/api/v1/projects/{slug}/experiments"): {"dataset": "x", "candidate": "v1"},
    ("post", "/api/v1/projects/{slug}/memories"): {"text": "x"},
    ("post", "/api/v1/projects/{slug}/prompts/{prompt}/versions"): {"text": "x"},
    ("post", "/api/v1/projects/{slug}/runs"): {"task": "x"},
    ("post", "/api/v1/runs/{run_id}/fork"): {"at_seq": 0},
    ("post", "/api/v1/runs/{run_id}/ratings"): {"dimension": "correct", "value": 1.0},
    ("post", "/v1/chat/completions"): {
        "model": f"rlm/{PROJECT}",
        "messages": [{"role": "user", "content": "x"}],
        "stream": True,
    },
    ("put", "/api/v1/projects/{slug}/prompts/{prompt}/labels/{label}"): {"version": 1, "reason": "It is better."},
}


def things_of(tenant: Tenant) -> dict[str, Any]:
    """Make one of each thing in a project that only this organization has."""
    project = create_project(by=tenant.principal, slug=PROJECT)
    with scoping.organization(tenant.organization):
        key, membership = ApiKey.objects.all()[0], Membership.objects.all()[0]
    image = store_file(by=tenant.principal, project=project, name="secret.gif", chunks=[gif()])
    run = finished_run(tenant.principal, project, task="Count what is secret.", files=[image.id])
    rating = rate_run(by=tenant.principal, run=run, judgement=Judgement("correct", 1.0))
    return {
        "organization": tenant.organization.slug,
        "project": project.slug,
        "slug": project.slug,
        "model": f"rlm/{project.slug}",
        "run_id": run.id,
        "sha256": image.blob.sha256,
        "rating_id": rating.id,
        "example_id": make_example(by=tenant.principal, run=run).id,
        "key_id": key.id,
        "membership_id": membership.id,
        "provider_key_id": set_provider_key(by=tenant.principal, provider="openai", api_key="sk-secret").id,
        "price_id": set_price(by=tenant.principal, model="openai/x", input_usd=ONE, output_usd=ONE).id,
        "invitation_id": invite(by=tenant.principal, email="secret@acme.example", role="viewer").invitation.id,
        "prompt": ensure_system_prompt(project).name,
        "number": 1,
        "label": "production",
        "dataset": "sums",
        "experiment_id": make_experiment(tenant.principal, project, items=1).id,
        "memory_id": add_memory(by=tenant.principal, project=project, text="What is secret.").memory.id,
    }


def filled(path: str, things: dict[str, Any]) -> str:
    """Fill a path's parameters."""
    for name, value in things.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path
