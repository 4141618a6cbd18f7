"""Projects as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field

from rlmlab.api.schemas.base import Body
from rlmlab.api.schemas.runs import BudgetIn
from rlmlab.tenancy.models import Project

Model = Annotated[str | None, Field(description="A LiteLLM name; null: the installation's default.")]
SubModel = Annotated[str | None, Field(description="Model of sub-calls; null: the run's own model.")]
Fallbacks = Annotated[list[str], Field(description="Asked in order when a model fails for good; at most five.")]

Hosts = Annotated[
    list[str], Field(description="What the tool http_fetch may reach: api.example.com, or *.example.com for all below.")
]
CACHE: Final = (
    "Answer plain sub-calls from what runs of the organization have paid for, where model, endpoint, prompt, seed and "
    "schema are the same; for runs that are made from now on."
)


class ProjectIn(Body):
    """A new project; without a name it is called by its slug."""

    slug: str
    name: str = ""
    default_model: str = ""
    default_environment: str = "auto"


class ProjectPatch(Body):
    """Settings to change; those left out stay as they are. A limit that is null is the installation's default."""

    name: str = ""
    default_model: Model = None
    default_sub_model: SubModel = None
    fallback_models: Fallbacks = []
    default_environment: str = ""
    use_examples: bool = Field(False, description="What the console's form of a new run starts with.")
    use_memory: bool = Field(False, description="What the console's form of a new run starts with.")
    cache_sub_calls: bool = Field(False, description=CACHE)
    allowed_hosts: Hosts = []
    budget: BudgetIn = BudgetIn()

    def changes(self) -> dict[str, Any]:
        """Return what was given, under the domain's names."""
        given = self.model_dump(exclude_unset=True)
        budget = given.pop("budget", {})
        for name in {"default_model", "default_sub_model"} & given.keys():
            given[name] = given[name] or ""
        return {**given, **{f"budget.{name}": value for name, value in budget.items()}}


class ProjectBudget(Schema):
    """Limits of runs that name none; null: the installation's default."""

    max_tokens: int | None
    max_cost_usd: float | None
    max_seconds: float | None
    max_depth: int | None
    max_steps: int | None
    max_sub_calls: int | None


class ProjectOut(Schema):
    """A project, and what its runs start from where they name nothing else."""

    id: UUID
    slug: str
    name: str
    default_model: str | None
    default_sub_model: str | None
    fallback_models: list[str]
    default_environment: str
    use_examples: bool
    use_memory: bool
    cache_sub_calls: bool = Field(description=CACHE)
    allowed_hosts: list[str]
    budget: ProjectBudget
    created_at: datetime

    @classmethod
    def of(cls, project: Project) -> Self:
        """Show a project."""
        return cls(
            id=project.id,
            slug=project.slug,
            name=project.name,
            default_model=project.default_model or None,
            default_sub_model=project.default_sub_model or None,
            fallback_models=project.fallback_models,
            default_environment=project.default_environment,
            use_examples=project.use_examples,
            use_memory=project.use_memory,
            cache_sub_calls=project.cache_sub_calls,
            allowed_hosts=project.allowed_hosts,
            budget=ProjectBudget(**{name: getattr(project, name) for name in ProjectBudget.model_fields}),
            created_at=project.created_at,
        )
