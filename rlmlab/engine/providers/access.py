"""What an organization brings along itself: keys, base URLs and prices; they precede what the operator has set.

Loaded when a run starts and handed to the provider as a value: keys never stand in environment variables, which all
organizations of a process would share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rlmlab.engine.providers.base import Price, Provider


@dataclass(frozen=True, slots=True)
class Credential:
    """An organization's access to one provider: a key (None: it needs none), a base URL ("": the usual one), or both.

    `readable` is false where the stored key cannot be decrypted: then nothing is called, with anybody's key.
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str = ""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials by the provider's prefix, prices by the model's name."""

    credentials: Mapping[str, Credential] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)


NOTHING_OWN = Access()


class SharedProvider(Provider, Protocol):
    """The provider of a whole worker, of which each run uses the view of its organization."""

    def for_access(self, access: Access) -> Provider:
        """Return a view that calls with an organization's credentials first; closing it is the worker's business."""
        ...
