"""Files that want far more than they weigh, and files that are two things at once."""

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache

from PIL import Image

from fuzz.seeds import Seed, scene
from tidegate.content.model import ContentKind

_PNG, _MAXIMUM = b"\x89PNG\r\n\x1a\n", 0x7FFFFFFF


@cache
def bombs() -> tuple[Seed, ...]:
    """Make one of each."""
    every = (*_pictures(), *_videos(), *_words(), *_double())
    return tuple(Seed(kind, f"bomb: {name}", data) for kind, name, data in every)


def _pictures() -> Iterator[tuple[ContentKind, str, bytes]]:
    for name, data in (
        ("png of many pixels", png(50_000, 50_000, zlib.compress(bytes(1 << 20)))),
        ("png at the limit, all there", png(7071, 7071, _zeros(7071 * (7071 * 3 + 1)))),
        ("png whose pixels never end", png(1000, 1000, _zeros(100 << 20))),
        ("png of the most a number holds", png(_MAXIMUM, _MAXIMUM, zlib.compress(b"x"))),
        ("png one pixel wide", png(1, 49_999_999, _zeros(4 * 49_999_999))),
        ("png one pixel high", png(49_999_999, 1, _zeros(3 * 49_999_999 + 1))),
        ("png with a large text", png(8, 8, _rows(8, 8), (b"zTXt", b"a\0\0" + _zeros(100 << 20)))),
        ("png with a large profile", png(8, 8, _rows(8, 8), (b"iCCP", b"a\0\0" + _zeros(100 << 20)))),
        ("png with many texts", png(8, 8, _rows(8, 8), *((b"tEXt", b"key\0" + bytes(100)) for _ in range(20_000)))),
        ("png of a million empty chunks", png(8, 8, _rows(8, 8), *((b"IDAT", b"") for _ in range(80_000)))),
        ("gif of a large screen", gif(65535, 65535, 1, b"\x00")),
        ("gif of many frames", gif(2000, 2000, 20_000, b"\x00")),
        ("gif of many large frames", gif(7000, 7000, 200, b"\x00", whole=True)),
        ("jpeg of many pixels", _jpeg_sized(65500, 65500)),
        ("jpeg that says it is larger", _jpeg_sized(7000, 7000)),
        ("jpeg of many scans", _scans(2000)),
        ("jpeg of many comments", _commented(10_000)),
        ("webp of many pixels", _webp_sized(16383, 16383)),
        ("webp of many frames", _webp_frames(100)),
        ("nothing", b""),
        ("one byte", b"\xff"),
        ("zeros", bytes(1 << 20)),
        ("gzip of a picture", gzip.compress(_saved(scene(64, 64), "PNG"))),
    ):
        yield ContentKind.PICTURE, name, data


def _videos() -> Iterator[tuple[ContentKind, str, bytes]]:
    box = struct.pack(">I4s", 8, b"moov")
    nested = b""
    for _ in range(5000):
        nested = struct.pack(">I4s", 8 + len(nested), b"moov") + nested
    for name, data in (
        ("boxes in boxes", _ftyp() + nested),
        ("many boxes", _ftyp() + box * 50_000),
        ("a box without an end", _ftyp() + struct.pack(">I4sQ", 1, b"mdat", (1 << 63) - 1)),
        ("a playlist", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"),
        ("a list of files", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("packets of nothing", (b"\x47\x1f\xff\x10" + bytes(184)) * 5000),
        (
            "matroska without an end",
            b"\x1a\x45\xdf\xa3\x84\x42\x82\x81w\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(9000),
        ),
        ("matroska of many elements", b"\x1a\x45\xdf\xa3\x84\x42\x82\x81w" + b"\xec\x80" * 200_000),
        ("nothing", b""),
        ("zeros", bytes(1 << 20)),
        ("a picture", _saved(scene(64, 64), "PNG")),
    ):
        yield ContentKind.VIDEO, name, data


def _words() -> Iterator[tuple[ContentKind, str, bytes]]:
    for name, text in (
        ("a megabyte of accents", "e" + "\u0301" * 500_000),
        ("a megabyte that grows", "\ufdfa" * 300_000),
        ("a megabyte of nothing to see", "\u200b" * 300_000),
        ("a megabyte of one letter", "a" * (1 << 20)),
        ("a megabyte from right to left", "\u202eא" * 200_000),
        ("nothing", ""),
        ("a zero", "\0"),
    ):
        yield ContentKind.TEXT, name, text.encode()
    yield ContentKind.TEXT, "no characters", b"\xff" * (1 << 20)
    for name, link in (
        ("a long one", "https://bridge.example/" + "a/../" * 200_000),
        ("many labels", "https://" + "a." * 100_000 + "example"),
        ("many names in one", "https://" + "@" * 100_000),
        ("a large number", "https://" + "9" * 100_000),
        ("a long foreign name", "https://" + "ü" * 60_000 + ".example"),
        ("nothing", ""),
    ):
        yield ContentKind.LINK, name, link.encode()


def _double() -> Iterator[tuple[ContentKind, str, bytes]]:
    image = scene(64, 64)
    jpeg, still, drawn = _saved(image, "JPEG"), _saved(image, "PNG"), _saved(image.convert("P"), "GIF")
    for name, data in (
        ("jpeg, then png", jpeg + still),
        ("png, then a script", still + b"<script>alert(1)</script>"),
        ("gif that is a script", drawn[:6] + b"=1;/*" + drawn[11:] + b"*/"),
        ("jpeg with a png in it", jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(still) + 2) + still + jpeg[2:]),
        ("png behind a jpeg's beginning", b"\xff\xd8\xff\xe0" + still),
        ("riff of sound", b"RIFF\x24\0\0\0WAVEfmt " + bytes(32)),
        ("postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n" + b"%" * 5000),
        ("tiff", _saved(image, "TIFF")),
        ("bmp", _saved(image, "BMP")),
        ("ico", _saved(image, "ICO")),
        ("pdf", b"%PDF-1.7\n" + jpeg),
        ("zip", b"PK\x03\x04" + bytes(100) + jpeg),
        ("a drawing", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
        ("fits in gzip", gzip.compress(b"SIMPLE  =                    T" + b" " * 50 + bytes(1 << 20))),
    ):
        yield ContentKind.PICTURE, name, data
    yield ContentKind.VIDEO, "mp4 that begins as a jpeg", jpeg + _ftyp()


def png(width: int, height: int, pixels: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """Write a PNG of red, green and blue by hand."""
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), *more, (b"IDAT", pixels), (b"IEND", b""))
    return _PNG + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def gif(width: int, height: int, frames: int, pixels: bytes, *, whole: bool = False) -> bytes:
    """Write a GIF whose frames are one pixel, or the whole screen with hardly a pixel in it."""
    size = struct.pack("<HH", width, height) if whole else struct.pack("<HH", 1, 1)
    frame = b"\x2c" + bytes(4) + size + b"\0" + b"\x02" + bytes([2]) + b"\x44\x01" + pixels
    return (
        b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(3) + b"\xff" * 3 + frame * frames + b"\x3b"
    )


def _zeros(count: int) -> bytes:
    """Compress zeros, a little at a time."""
    packer = zlib.compressobj(1)
    piece = bytes(1 << 20)
    return b"".join(
        [*(packer.compress(piece) for _ in range(count >> 20)), packer.compress(bytes(count & 0xFFFFF)), packer.flush()]
    )


def _rows(width: int, height: int) -> bytes:
    return zlib.compress(bytes((3 * width + 1) * height))


def _saved(image: Image.Image, format_: str) -> bytes:
    out = io.BytesIO()
    image.save(out, format_)
    return out.getvalue()


def _jpeg_sized(width: int, height: int) -> bytes:
    data = bytearray(_saved(scene(64, 64), "JPEG"))
    at = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, height, width)
    return bytes(data)


def _scans(count: int) -> bytes:
    """Write a progressive JPEG with a scan over and over, of a size that makes each one slow."""
    out = io.BytesIO()
    Image.new("L", (6000, 6000)).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + b"\xff\xd9"


def _commented(count: int) -> bytes:
    data = _saved(scene(64, 64), "JPEG")
    return data[:2] + (b"\xff\xfe\x00\x42" + bytes(64)) * count + data[2:]


def _webp_sized(width: int, height: int) -> bytes:
    data = bytearray(_saved(scene(64, 64), "WEBP"))
    at = data.index(b"\x9d\x01\x2a")
    struct.pack_into("<HH", data, at + 3, width, height)
    return bytes(data)


def _webp_frames(count: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (500, 500), (number % 256, number // 256, 0)) for number in range(count)]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=20, lossless=True, method=0)
    return out.getvalue()


def _ftyp() -> bytes:
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom")
