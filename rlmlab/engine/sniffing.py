"""Tells images and sounds by their first bytes, and how large they are; nothing is decoded.

Names and declared types are not asked: bytes that begin as HTML are never an image, whatever they are called. The magic
numbers are those of the WHATWG's MIME Sniffing standard (sections 6.1, 6.2); sizes stand where PNG (ISO 15948, 11.2.2),
GIF89a (section 18), RFC 9649 (WebP), ITU-T T.81 (B.2.2, JPEG) and RFC 9639 (FLAC, 8.2) put them.
"""

import struct
from collections.abc import Callable, Mapping

HEAD_BYTES = 256 << 10  # enough for the size of a JPEG behind its camera's notes
LEAST_WAV_RATE = 8_000  # bytes a second
SLOWEST_RATES: Mapping[str, int] = {  # bytes a second of what lasts longest
    "audio/mpeg": 1_000,  # 8 kbit/s, the least of MPEG-2 layer III (ISO 13818-3)
    "audio/ogg": 750,  # 6 kbit/s, the least of Opus (RFC 6716, 2.1.1)
    "audio/flac": 1_000,
}
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})

Size = tuple[int, int]


def media_type_of(head: bytes) -> str | None:
    """Return the media type of bytes that are an image of a readable size, or a sound; None for everything else."""
    if (kind := _image_type(head)) is not None:
        return kind if pixels_of(head) is not None else None
    return _audio_type(head)


def pixels_of(head: bytes) -> Size | None:
    """Return an image's width and height; None where they cannot be read, or are none."""
    read = _SIZES.get(_image_type(head) or "")
    try:
        size = None if read is None else read(head)
    except (struct.error, IndexError):
        return None
    return size if size is not None and min(size) > 0 else None


def seconds_of(media_type: str, data: bytes) -> float:
    """Bound how long a sound lasts from above: as its header tells, else by the slowest rate of its format."""
    if media_type == "audio/wav":
        rate = struct.unpack_from("<I", data, 28)[0] if len(data) >= 32 else 0  # noqa: PLR2004 - of the "fmt " chunk
        return len(data) / max(rate, LEAST_WAV_RATE)
    if media_type == "audio/flac" and (seconds := _flac_seconds(data)):
        return seconds
    return len(data) / SLOWEST_RATES.get(media_type, 1_000)


def _image_type(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def _audio_type(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS") and (b"OpusHead" in head[28:64] or b"\x01vorbis" in head[28:64]):
        return "audio/ogg"
    if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 0x80:  # noqa: PLR2004 - ID3v2.4, 3.1
        return "audio/mpeg"
    return "audio/mpeg" if _is_mpeg_frame(head) else None


def _is_mpeg_frame(head: bytes) -> bool:
    """Tell a frame of layer III: twelve set bits, then a version, a bit rate and a sampling rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # noqa: PLR2004 - the frame's header
        return False
    version, bit_rate, sampling = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and 0 < bit_rate < 15 and sampling != 3  # noqa: PLR2004 - the reserved values


def _png(head: bytes) -> Size | None:
    if head[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _gif(head: bytes) -> Size:
    width, height = struct.unpack_from("<HH", head, 6)
    return width, height


def _webp(head: bytes) -> Size | None:
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", head, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(head: bytes) -> Size | None:
    """Walk the segments up to the frame's header."""
    at = 2
    while head[at] == 0xFF:  # noqa: PLR2004 - every marker
        marker = head[at + 1]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        at += 2 if marker in _WITHOUT_LENGTH else 1 if marker == 0xFF else 2 + max(2, _length(head, at + 2))  # noqa: PLR2004
    return None


def _length(head: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", head, at)[0])


def _flac_seconds(data: bytes) -> float | None:
    """Read rate and number of samples from the first block, which tells of the stream."""
    if len(data) < 26:  # noqa: PLR2004 - where they end
        return None
    bits = int.from_bytes(data[18:26], "big")
    rate, samples = bits >> 44, bits & (1 << 36) - 1
    return samples / rate if rate and samples else None


_SIZES: Mapping[str, Callable[[bytes], Size | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
