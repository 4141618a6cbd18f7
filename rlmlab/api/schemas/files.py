"""Files as the API shows them."""

from typing import Self
from uuid import UUID

from ninja import Schema

from trajectories.models import File


class FileOut(Schema):
    """A stored file; runs take it as input by its id."""

    id: UUID
    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, file: File) -> Self:
        """Show a file."""
        return cls(id=file.id, name=file.name, size=file.blob.size, sha256=file.blob.sha256)
