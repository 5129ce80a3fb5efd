"""Harmless pictures, made from a number: hills, a bridge, a sky; and the edits people make to slip past a filter.

May decide: nothing. The same number makes the same picture, byte by byte, on the same release of Pillow. Drawing
happens here in the open: these bytes are our own.
"""

import io
import struct
import zlib
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

WIDTH, HEIGHT = 640, 480
_QUALITY = 90
_HILLS = 5
_BORDER_PERCENT = 5


class Edit(StrEnum):
    """What is done to a known picture before it is posted again."""

    REENCODED = "reencoded"
    RESIZED = "resized"
    BLURRED = "blurred"
    BRIGHTENED = "brightened"
    MIRRORED = "mirrored"
    BORDERED = "bordered"


def picture(seed: int) -> bytes:
    """Make a landscape as a JPEG."""
    chance = np.random.default_rng(seed)
    image = Image.fromarray(_sky(chance), "RGB")
    draw = ImageDraw.Draw(image)
    for number in range(_HILLS):
        base = HEIGHT * (0.35 + 0.13 * number)
        phase, wave = chance.uniform(0, 6.3, 3), chance.uniform(1, 9, 3)
        across = np.linspace(0, 1, WIDTH)
        line = base + sum(40 / (part + 1) * np.sin(wave[part] * 6.3 * across + phase[part]) for part in range(3))
        colour = tuple(int(value) for value in chance.integers(20, 230, 3))
        draw.polygon([(0, HEIGHT), *zip(range(WIDTH), line.tolist(), strict=True), (WIDTH, HEIGHT)], fill=colour)
    _bridge(draw, chance)
    return _jpeg(image)


def edited(original: bytes, edit: Edit) -> bytes:
    """Edit one of our own pictures."""
    with Image.open(io.BytesIO(original)) as opened:
        image = opened.convert("RGB")
    match edit:
        case Edit.REENCODED:
            return _jpeg(image, quality=60)
        case Edit.RESIZED:
            return _jpeg(image.resize((WIDTH * 6 // 10, HEIGHT * 6 // 10)))
        case Edit.BLURRED:
            return _jpeg(image.filter(ImageFilter.GaussianBlur(1.5)))
        case Edit.BRIGHTENED:
            return _jpeg(ImageEnhance.Brightness(image).enhance(1.15))
        case Edit.MIRRORED:
            return _jpeg(ImageOps.mirror(image))
        case Edit.BORDERED:
            return _jpeg(ImageOps.expand(image, border=image.width * _BORDER_PERCENT // 100, fill="white"))


def broken() -> bytes:
    """Make a JPEG that breaks off in its first third."""
    whole = picture(7)
    return whole[: len(whole) // 3]


def bomb() -> bytes:
    """Make a PNG of a few kilobytes that claims to be 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    header = struct.pack("!IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(4_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _sky(chance: np.random.Generator) -> NDArray[np.uint8]:
    top, bottom = chance.uniform(60, 255, 3), chance.uniform(60, 255, 3)
    fade = np.linspace(0, 1, HEIGHT)[:, None, None]
    clouds = np.asarray(
        Image.fromarray(chance.integers(0, 256, (9, 12), dtype=np.uint8), "L").resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC
        ),
        dtype=np.float64,
    )[:, :, None]
    mixed = top * (1 - fade) + bottom * fade + (clouds - 128) * 0.5
    sky: NDArray[np.uint8] = np.clip(mixed, 0, 255).astype(np.uint8)
    return sky


def _bridge(draw: ImageDraw.ImageDraw, chance: np.random.Generator) -> None:
    left, right = sorted(int(value) for value in chance.integers(40, WIDTH - 40, 2))
    right = max(right, left + 160)
    deck = int(chance.integers(HEIGHT // 2, HEIGHT - 90))
    colour = tuple(int(value) for value in chance.integers(0, 120, 3))
    draw.rectangle((left, deck, right, deck + 14), fill=colour)
    for pier in range(left, right + 1, 40):
        draw.rectangle((pier, deck, pier + 8, deck + 80), fill=colour)
        draw.arc((pier, deck - 50, pier + 80, deck + 50), 180, 360, fill=colour, width=5)


def _jpeg(image: Image.Image, quality: int = _QUALITY) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
