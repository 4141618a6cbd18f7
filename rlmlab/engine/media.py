"""Images and sounds among a run's inputs: named by cells, read by content hash, sent to models that take them.

Their bytes never enter a REPL or an event: there a file is the dict that `marker` makes, which travels through contexts
and prompts as any JSON does. What a model will count for them is bounded before it is asked; the rules are the
providers' own, and the largest of them is taken, since a name does not tell who answers behind it.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from rlmlab.engine.errors import UnsupportedMedia
from rlmlab.engine.events import MediaReference
from rlmlab.engine.providers.base import Media, ModelInfo
from rlmlab.engine.sniffing import pixels_of, seconds_of

LARGEST_ITEM = 20 << 20  # bytes; OpenAI and Gemini take no larger one inline
LARGEST_CALL = 24 << 20  # 32 MB as base64, the largest request that Anthropic takes
LARGEST_RUN = 200 << 20
MOST_ITEMS = 20  # of a call; Anthropic's limit before it shrinks them
LONGEST_SIDE = 8_000  # pixels; Anthropic refuses larger ones
KEPT_BYTES = 64 << 20  # of a run's media in memory between calls
IN_FLIGHT_BYTES = 64 << 20  # of a run's media in calls at the same time
TOKENS_A_SECOND = 32  # Gemini's; OpenAI counts 10
DEAREST_TILES = 34  # gpt-4o-mini counts 2,833 + 5,667 a tile, where gpt-4o counts 85 + 170


class MediaPort(Protocol):
    """Reads what a run was given by its content hash."""

    async def read(self, sha256: str) -> bytes:
        """Return the bytes; they are among the run's inputs."""
        ...


class Shelf:
    """The media of one run, and those of its bytes that were read last."""

    def __init__(self, files: Sequence[MediaReference] = (), port: MediaPort | None = None) -> None:
        self.files = tuple(files)
        self._port = port
        self._by_name = {file.name: file for file in files}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._in_flight = 0
        self._returned = asyncio.Condition()

    def find(self, name: str) -> MediaReference | None:
        """Return the file of a name."""
        return self._by_name.get(name)

    def names(self, kind: str) -> list[str]:
        """Name the files of a kind: `image` or `audio`."""
        return [file.name for file in self.files if file.media_type.startswith(f"{kind}/")]

    @asynccontextmanager
    async def taken(self, files: Sequence[MediaReference]) -> AsyncIterator[tuple[Media, ...]]:
        """Hold the bytes of some files for a block, which waits while other calls hold too many."""
        size = sum(file.size for file in files)
        async with self._returned:
            await self._returned.wait_for(lambda: not self._in_flight or self._in_flight + size <= IN_FLIGHT_BYTES)
            self._in_flight += size
        try:
            yield tuple([Media(file.media_type, await self._read(file), file.sha256) for file in files])
        finally:
            self._in_flight -= size
            async with self._returned:
                self._returned.notify_all()

    async def _read(self, file: MediaReference) -> bytes:
        if file.sha256 not in self._kept:
            if self._port is None:
                raise UnsupportedMedia(f"{file.name} cannot be read here")
            self._kept[file.sha256] = await self._port.read(file.sha256)
        self._kept.move_to_end(file.sha256)
        data = self._kept[file.sha256]
        while sum(map(len, self._kept.values())) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return data


def marker(file: MediaReference) -> dict[str, Any]:
    """Return what stands for a file in a REPL, in its place in `context`."""
    return {"media": file.name, "media_type": file.media_type, "size": file.size}


def problem_of(media_type: str, head: bytes, size: int) -> str | None:
    """Say why a file is too large for any model."""
    if size > LARGEST_ITEM:
        return f"has {size:,} bytes; at most {LARGEST_ITEM:,} are taken of an image or a sound"
    pixels = pixels_of(head) if media_type.startswith("image/") else None
    if pixels is not None and max(pixels) > LONGEST_SIDE:
        return f"is an image of {pixels[0]:,} x {pixels[1]:,} pixels; at most {LONGEST_SIDE:,} on a side are taken"
    return None


def unseen_by(info: ModelInfo, files: Sequence[MediaReference]) -> str | None:
    """Name what of the files a model is known not to take; what nothing is known of may be tried."""
    if info.context_window is None:
        return None
    kinds = {file.media_type.partition("/")[0] for file in files}
    if "image" in kinds and not info.images:
        return "images"
    return "audio" if "audio" in kinds and not info.audio else None


def refuse_blind(info: ModelInfo, files: Sequence[MediaReference]) -> None:
    """Go on only with a model that is not known to take none of the files; another may stand in for the one asked.

    Raises:
        UnsupportedMedia: it takes none.
    """
    if (what := unseen_by(info, files)) is not None:
        raise UnsupportedMedia(f"{info.model} takes no {what}: choose a model that does")


def takes(info: ModelInfo, kind: str) -> bool:
    """Tell whether a model is known to take `images` or `audio`."""
    return info.images if kind == "images" else info.audio


def token_bound(media: Media, model: str = "") -> int:
    """Bound the prompt tokens of an image or a sound from above.

    An image counts by its pixels, as the dearest of these rules says (platform.openai.com/docs/guides/images-vision,
    docs.anthropic.com/en/docs/build-with-claude/vision, ai.google.dev/gemini-api/docs/tokens): OpenAI's patches of 32
    pixels, at most 1,536, each up to 2.46 tokens; OpenAI's tiles; Anthropic's width x height / 750, at most 4,784;
    Gemini's 258 for each crop. A sound counts by its seconds.
    """
    if media.media_type.startswith("audio/"):
        return math.ceil(seconds_of(media.media_type, media.data) * TOKENS_A_SECOND) + 8
    width, height = pixels_of(media.data) or (LONGEST_SIDE, LONGEST_SIDE)
    tiles = _tile_tokens(width, height) * (DEAREST_TILES if "gpt-4o-mini" in model else 1)
    patches = math.ceil(min(1_536, -(-width // 32) * -(-height // 32)) * 2.46)
    area = min(4_784, math.ceil(width * height / 750))
    return max(tiles, patches, area, _crop_tokens(width, height))


def _tile_tokens(width: int, height: int) -> int:
    """Count 85, and 170 for each tile of 512 pixels of the image within 2,048, its shorter side at most 768."""
    scale = min(1.0, 2_048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    return 85 + 170 * math.ceil(width * scale / 512) * math.ceil(height * scale / 512)


def _crop_tokens(width: int, height: int) -> int:
    """Count 258 for each crop, whose side is the image's shorter one / 1.5, between 256 and 768 pixels."""
    side = min(768, max(256, int(min(width, height) / 1.5)))
    return 258 * -(-width // side) * -(-height // side)
