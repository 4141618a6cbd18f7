"""Where the embedded model server listens: one small file in the data directory, readable by its owner only."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Address:
    """A running server; the key keeps other users of the machine out."""

    pid: int
    url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The server's files below the data directory."""

    path: Path

    @property
    def address_file(self) -> Path:
        """Where the running server wrote its address."""
        return self.path / "address.json"

    @property
    def start_lock(self) -> Path:
        """Held while somebody starts the server, so that two workers start one."""
        return self.path / "start.lock"

    @property
    def life_lock(self) -> Path:
        """Held by the server as long as it lives: whoever gets it knows that the address is stale."""
        return self.path / "life.lock"

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self.path / "server.log"

    def prepare(self) -> None:
        """Make the folder, for its owner only."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read_address(self) -> Address | None:
        """Return the last address written; None where there is none, or half of one."""
        try:
            return Address(**json.loads(self.address_file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_address(self, address: Address) -> None:
        """Replace the address at once; nobody else may read it."""
        new = self.path / f"address.{address.pid}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(address), file)
        new.replace(self.address_file)

    def forget_address(self) -> None:
        """Remove the address of a server that ends."""
        self.address_file.unlink(missing_ok=True)


def folder_of(data_dir: Path) -> Folder:
    """Return the server's folder in a data directory."""
    return Folder(data_dir / "modelserver")
