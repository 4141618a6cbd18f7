"""Telling images and sounds by their bytes, whatever they are called and however hostile they are."""

import random
import struct

import pytest

from rlmlab.engine.sniffing import HEAD_BYTES, media_type_of, pixels_of, seconds_of
from tests.fakes.media import flac, gif, jpeg, png, wav

WEBP = b"RIFF\x00\x00\x00\x00WEBP"
MP3_FRAME = b"\xff\xfb\x90\x64" + bytes(100)


@pytest.mark.parametrize(
    ("data", "media_type", "pixels"),
    [
        (png(1_920, 1_080), "image/png", (1_920, 1_080)),
        (jpeg(800, 600), "image/jpeg", (800, 600)),
        (jpeg(800, 600, notes=200_000), "image/jpeg", (800, 600)),
        (b"\xff\xd8\xff\xff\xff" + jpeg(8, 6)[3:], "image/jpeg", (8, 6)),
        (gif(3, 2), "image/gif", (3, 2)),
        (WEBP + b"VP8X" + bytes(8) + b"\xff\x01\x00\x2b\x01\x00", "image/webp", (512, 300)),
        (WEBP + b"VP8L" + bytes(4) + b"\x2f" + struct.pack("<I", 299 << 14 | 511), "image/webp", (512, 300)),
        (WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 512, 300), "image/webp", (512, 300)),
        (wav(), "audio/wav", None),
        (flac(), "audio/flac", None),
        (b"ID3\x04\x00\x00\x00\x00\x0f\x76" + bytes(20), "audio/mpeg", None),
        (MP3_FRAME, "audio/mpeg", None),
        (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg", None),
        (b"OggS" + bytes(24) + b"\x01vorbis", "audio/ogg", None),
    ],
)
def test_media_is_told_by_its_bytes(data: bytes, media_type: str, pixels: tuple[int, int] | None) -> None:
    assert media_type_of(data[:HEAD_BYTES]) == media_type
    assert pixels_of(data[:HEAD_BYTES]) == pixels


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        "ÿþ UTF-16".encode("utf-16"),
        b"<html>GIF89a</html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7 \x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(8) + b"\x00\x00\x00\x01\x00\x00\x00\x01",
        png(0, 5),
        gif(5, 0),
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe1\xff\xff",
        b"\xff\xd8\xff" + b"\xff" * 5_000,
        b"\xff\xd8\xff\xe0\x00\x00" * 50,
        b"RIFF\x00\x00\x00\x00AVI ",
        WEBP + b"VP9X" + bytes(40),
        b"ID3\x04\x00\x00\xff\xff\xff\xff",
        b"\xff\xfb\xf0\x64",
        b"\xff\xeb\x90\x64",
        b"OggS" + bytes(24) + b"\x80theora",
    ],
)
def test_what_only_looks_like_media_is_none(data: bytes) -> None:
    assert media_type_of(data) is None


def test_script_that_begins_as_a_gif_is_an_image_and_nothing_else() -> None:
    assert media_type_of(b"GIF89a/*\x01\x00*/=1;alert(1)//<script>alert(1)</script>") == "image/gif"


def test_garbage_behind_a_magic_number_raises_nothing() -> None:
    chance = random.Random(7)  # noqa: S311 - bytes, no secrets
    starts = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        WEBP,
        b"RIFF1234WAVE",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\xff\xfb",
    ]
    for start in starts:
        for length in range(0, 400, 7):
            data = start + chance.randbytes(length)
            found = media_type_of(data)
            assert found is None or seconds_of(found, data) >= 0


@pytest.mark.parametrize(
    ("media_type", "data", "seconds"),
    [
        ("audio/wav", wav(2.0), 2.0),
        ("audio/wav", wav(2.0)[:28] + bytes(4) + wav(2.0)[32:], 8.0),
        ("audio/wav", b"RIFF", 0.0),
        ("audio/flac", flac(10), 10.0),
        ("audio/flac", flac(0) + bytes(2_000), 2.0),
        ("audio/flac", b"fLaC", 0.0),
        ("audio/mpeg", bytes(3_000), 3.0),
        ("audio/ogg", bytes(1_500), 2.0),
    ],
)
def test_length_of_a_sound_is_bounded(media_type: str, data: bytes, seconds: float) -> None:
    assert seconds_of(media_type, data) == pytest.approx(seconds, abs=0.1)
