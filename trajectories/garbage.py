"""How a worker process collects garbage: seldom, and never what it has had since its start.

A full collection of what Django, Celery and a gateway library leave behind takes 35 to 100 ms, in which no run of the
worker goes on; the interpreter makes one every few hundred calls. https://docs.python.org/3/library/gc.html#gc.freeze
"""

import gc
from typing import Final

ALLOCATIONS: Final = 20_000
"""So many more objects before the youngest are looked at; 700 by default, which a single batch of sub-calls makes."""


def settle() -> None:
    """Take what is there now for lasting, and look for garbage less often from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, *gc.get_threshold()[1:])
