"""What the engine relies on in a memory; the fake one and a stored one both pass it."""

from rlmlab.engine.memory import MemoryPort, Recalled, Remembered


class MemoryContract:
    """Subclasses give a `memory` that is empty."""

    async def test_what_was_remembered_is_recalled(self, memory: MemoryPort) -> None:
        kept = await memory.remember("The invoices of Acme are in euros")
        assert isinstance(kept, Remembered)
        assert (kept.text, kept.created) == ("The invoices of Acme are in euros", True)
        (found,) = await memory.recall("invoices Acme euros", 8)
        assert isinstance(found, Recalled)
        assert (found.id, found.text) == (kept.id, kept.text)

    async def test_same_text_twice_is_one_memory(self, memory: MemoryPort) -> None:
        first = await memory.remember("The invoices of Acme are in euros")
        second = await memory.remember("The invoices of Acme are in euros")
        assert (second.id, second.created) == (first.id, False)
        assert len(await memory.recall("invoices Acme euros", 8)) == 1

    async def test_limit_bounds_what_is_found(self, memory: MemoryPort) -> None:
        for name in ("Ada", "Bo", "Cy"):
            await memory.remember(f"The badge of {name} opens the archive door")
        assert len(await memory.recall("badge archive door", 2)) == 2

    async def test_nothing_known_is_an_empty_answer(self, memory: MemoryPort) -> None:
        assert list(await memory.recall("anything at all", 8)) == []
