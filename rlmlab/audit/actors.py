"""Who acts."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

ActorKind = Literal["user", "api_key", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API key or the installation itself; `label` is a personal field, erasable from the log."""

    kind: ActorKind
    id: UUID | None
    label: str


SYSTEM: Final = Actor("system", None, "system")
