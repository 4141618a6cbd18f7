"""Which models a form offers: the project's, its latest runs' and the local one, as far as they can be called."""

from typing import Final

from django.conf import settings

from rlmlab import scoping
from rlmlab.tenancy.catalogs import catalog_of
from rlmlab.tenancy.models import Project
from rlmlab.tenancy.principals import Principal
from trajectories.models import Run

LATEST_RUNS: Final = 200
NAMES: Final = 20


def default_model(project: Project) -> str:
    """Return the model of a run that names none."""
    return project.default_model or settings.RLMLAB.default_model or settings.RLMLAB.local_model


def model_names(principal: Principal, project: Project) -> list[str]:
    """Return names of models for a project's forms, the likeliest first."""
    own = [project.default_model, project.default_sub_model, *project.fallback_models]
    usual = [settings.RLMLAB.default_model or "", settings.RLMLAB.local_model]
    names = dict.fromkeys(name for name in (*own, *used_lately(principal, project), *usual) if name)
    seen = catalog_of(principal.organization)
    return [name for name in names if seen.is_callable(name)]


def used_lately(principal: Principal, project: Project) -> list[str]:
    """Return the models of the project's latest runs, each once, the latest first."""
    with scoping.organization(principal.organization):
        runs = Run.objects.for_org(principal.organization).filter(project=project).order_by("-created_at", "-id")
        rows = list(runs.values_list("model", "sub_model")[:LATEST_RUNS])
    return list(dict.fromkeys(name for row in rows for name in row if name))[:NAMES]
