"""Making projects, and setting what their runs start from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.engine.errors import MissingCredentials, UnknownModel
from rlmlab.errors import FieldError, Invalid, NotFound
from rlmlab.tenancy.catalogs import catalog_of
from rlmlab.tenancy.fields import clean_environment, clean_slug, clean_text, unique
from rlmlab.tenancy.hosts import clean_hosts
from rlmlab.tenancy.limits import HIGHEST, checked_budget
from rlmlab.tenancy.models import EnvironmentName, Organization, Project
from rlmlab.tenancy.principals import Principal

MODEL_CHARACTERS: Final = 200
FALLBACK_MODELS: Final = 5
BUDGET: Final = "budget."


def create_project(
    *,
    by: Principal,
    slug: str,
    name: str = "",
    default_model: str = "",
    default_environment: str = EnvironmentName.AUTO,
) -> Project:
    """Make a project; without a name it is called by its slug.

    Raises:
        Invalid: a field is not valid, or the slug is taken.
    """
    by.require("project.create")
    project = Project(
        organization=by.organization,
        slug=clean_slug("slug", slug),
        name=clean_text("name", name or slug),
        default_model=clean_text("default_model", default_model, limit=MODEL_CHARACTERS, blank=True),
        default_environment=clean_environment("default_environment", default_environment),
    )
    with scoping.organization(by.organization):
        with unique("project_slug_once_per_organization", "slug", f'"{slug}" is taken'):
            project.save(force_insert=True)
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="project.create",
            object_type="project",
            object_id=project.id,
            changes={"slug": project.slug, "name": project.name},
        )
    return project


def configure_project(*, by: Principal, project: Project, changes: Mapping[str, Any]) -> Project:
    """Change what is named of a project's settings; what is not named stays, and what stays as it is leaves no entry.

    `changes` has `name`, `default_model`, `default_sub_model`, `fallback_models`, `default_environment`,
    `use_examples`, `use_memory`, `cache_sub_calls`, `allowed_hosts`, and limits as `budget.<limit>`, where None is the
    installation's default. Models are checked when they are new here: one whose key was taken away since does not stand
    in the way of another change.

    Raises:
        Invalid: naming every wrong field; nothing is changed.
        NotFound: the project is another organization's.
    """
    by.require("project.configure")
    with scoping.organization(by.organization):
        found = Project.objects.for_org(by.organization).select_for_update().filter(pk=project.pk).first()
        if found is None:
            raise NotFound(f'There is no project "{project.slug}".')
        wanted = {_column(field): value for field, value in _cleaned(found, by.organization, changes).items()}
        differing = {column: value for column, value in wanted.items() if getattr(found, column) != value}
        if not differing:
            return found
        told = {column: {"from": getattr(found, column), "to": value} for column, value in differing.items()}
        for column, value in differing.items():
            setattr(found, column, value)
        found.save(update_fields=list(differing))
        record(
            organization_id=by.organization_id,
            actor=by.actor,
            action="project.configure",
            object_type="project",
            object_id=found.id,
            changes={"slug": found.slug, **told},
        )
    return found


def _column(field: str) -> str:
    return field.removeprefix(BUDGET)


def _cleaned(project: Project, organization: Organization, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Clean each value that differs from what is there.

    Raises:
        Invalid: naming every wrong field.
    """
    cleaners = _cleaners(organization)
    cleaned: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field, value in changes.items():
        if field not in cleaners:
            raise Invalid.field(field, "is not a setting of a project")
        if value == getattr(project, _column(field)):
            continue
        try:
            cleaned[field] = cleaners[field](field, value)
        except Invalid as error:
            errors += error.errors
    if errors:
        raise Invalid("; ".join(f"{error.field}: {error.message}" for error in errors), errors=tuple(errors))
    return cleaned


def _cleaners(organization: Organization) -> dict[str, Callable[[str, Any], Any]]:
    def limit(field: str, value: float | None) -> float | None:
        return None if value is None else _limit(field, value, organization)

    def model(field: str, value: str) -> str:
        return clean_model(field, value, organization)

    def fallbacks(field: str, value: Sequence[str]) -> list[str]:
        return _fallbacks(field, value, organization)

    return {
        "name": clean_text,
        "default_model": model,
        "default_sub_model": model,
        "fallback_models": fallbacks,
        "default_environment": clean_environment,
        "use_examples": _flag,
        "use_memory": _flag,
        "cache_sub_calls": _flag,
        "allowed_hosts": clean_hosts,
        **{f"{BUDGET}{name}": limit for name in HIGHEST},
    }


def clean_model(field: str, value: str, organization: Organization) -> str:
    """Return the name of a model that the organization can call, or "" for none.

    Raises:
        Invalid: it is not known, or nobody has a key for its provider.
    """
    name = clean_text(field, value, limit=MODEL_CHARACTERS, blank=True)
    try:
        if name:
            catalog_of(organization).check(name)
    except (UnknownModel, MissingCredentials) as error:
        raise Invalid.field(field, str(error)) from None
    return name


def _fallbacks(field: str, names: Sequence[str], organization: Organization) -> list[str]:
    if len(names) > FALLBACK_MODELS:
        raise Invalid.field(field, f"has {len(names)} items; {FALLBACK_MODELS} are allowed")
    named = [(f"{field}.{at}", name) for at, name in enumerate(names)]
    return list(dict.fromkeys(clean_model(at, clean_text(at, name), organization) for at, name in named))


def _limit(field: str, value: float, organization: Organization) -> float:
    name = _column(field)
    limit: float = getattr(checked_budget({name: value}, organization), name)
    return limit


def _flag(field: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise Invalid.field(field, "must be true or false")
    return value
