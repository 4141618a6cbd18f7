"""The input, taken over from one descriptor with at most two copies of it alive at a time."""

import json
import mmap
import os
from typing import Any

from sandbox.guest.wire import Frame


class ContextLoader:
    """Maps the descriptor before the jail is sealed, decodes it behind the seal, where a hostile input does no harm."""

    def __init__(self, description: Frame | None, fds: list[int]) -> None:
        self._description = description
        self._map: mmap.mmap | None = None
        if description is not None and description["size"]:
            self._map = mmap.mmap(fds[0], description["size"], prot=mmap.PROT_READ)
        for fd in fds:
            os.close(fd)

    def load(self) -> Any:
        """Decode the input as its kind says and give the mapping back."""
        if self._description is None:
            return None
        view = memoryview(self._map) if self._map is not None else memoryview(b"")
        kind = self._description["kind"]
        if kind == "files":
            value: Any = {
                name: str(view[offset : offset + length], "utf-8", "surrogateescape")
                for name, offset, length in self._description["parts"]
            }
        else:
            value = str(view, "utf-8", "surrogatepass")
        view.release()
        if self._map is not None:
            self._map.close()
        return json.loads(value) if kind == "json" else value
