"""Images and sounds as tests need them: headers that are right, and nothing behind them that anybody would look at."""

import hashlib
import struct
import zlib
from collections.abc import Mapping

from rlmlab.engine.events import MediaReference


def png(width: int = 640, height: int = 480, tail: bytes = b"") -> bytes:
    """Return a PNG that is grey all over, with bytes of one's own behind its end."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress((b"\x00" + b"\x80" * min(width, 4_096)) * min(height, 4_096)))
        + _chunk(b"IEND", b"")
        + tail
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg(width: int = 640, height: int = 480, notes: int = 0) -> bytes:
    """Return the head of a JPEG with so many bytes of notes before its frame."""
    blocks = [min(60_000, notes - at) for at in range(0, notes, 60_000)]
    app = b"".join(b"\xff\xe1" + struct.pack(">H", size + 2) + bytes(size) for size in blocks)
    return b"\xff\xd8" + app + b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(20)


def gif(width: int = 3, height: int = 2) -> bytes:
    """Return the head of a GIF."""
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


def wav(seconds: float = 1.0, rate: int = 16_000) -> bytes:
    """Return silence of 16 bits and one channel."""
    data = bytes(int(seconds * rate) * 2)
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def flac(seconds: int = 10, rate: int = 44_100) -> bytes:
    """Return the head of a FLAC stream."""
    told = (rate << 44 | 15 << 36 | seconds * rate).to_bytes(8, "big")
    return b"fLaC\x80\x00\x00\x22" + bytes(10) + told + bytes(16)


def reference(name: str, media_type: str, data: bytes) -> MediaReference:
    """Name bytes as a run's input does."""
    return MediaReference(name=name, media_type=media_type, size=len(data), sha256=hashlib.sha256(data).hexdigest())


class StoredMedia:
    """Reads bytes by their hash from memory, and remembers what was read."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.by_hash = {hashlib.sha256(data).hexdigest(): data for data in contents.values()}
        self.reads: list[str] = []

    async def read(self, sha256: str) -> bytes:
        """Return the bytes."""
        self.reads.append(sha256)
        return self.by_hash[sha256]
