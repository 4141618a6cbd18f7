"""What the engine relies on in a run's files; the fake ones and stored ones both pass it."""

from rlmlab.engine.tools.files import RunFile, RunFiles

LARGE = bytes(range(256)) * 10_000  # 2.56 MB, over three stored chunks


class FilesContract:
    """Subclasses give `files`: `a.txt` with `hello`, and `large.bin` with `LARGE`."""

    async def test_files_are_listed_in_order(self, files: RunFiles) -> None:
        assert list(await files.listed()) == [RunFile("a.txt", 5), RunFile("large.bin", len(LARGE))]

    async def test_part_is_read_from_wherever_it_lies(self, files: RunFiles) -> None:
        assert await files.read("a.txt", 1, 3) == b"ell"
        for start, length in ((0, 10), (1_048_570, 20), (1_000_000, 1_200_000), (len(LARGE) - 5, 100)):
            assert await files.read("large.bin", start, length) == LARGE[start : start + length]
