"""A run's files in a dict; passes `tests/engine/fakes/files_contract.py` as stored ones must."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rlmlab.engine.tools.files import RunFile


@dataclass
class ListedFiles:
    """Files by name; `media_types` of those that are no text."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    media_types: Mapping[str, str] = field(default_factory=dict)
    reads: list[tuple[str, int, int]] = field(default_factory=list)

    async def listed(self) -> Sequence[RunFile]:
        """Name them."""
        return [RunFile(name, len(data), self.media_types.get(name, "")) for name, data in self.contents.items()]

    async def read(self, name: str, start: int, length: int) -> bytes:
        """Cut a part out."""
        self.reads.append((name, start, length))
        return self.contents[name][start : start + length]
