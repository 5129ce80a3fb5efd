"""Breaks files: blindly, and by their structure.

A file whose checksum is wrong is refused at the door; what finds faults is a file that is right everywhere but in one
place. So where a format says how long its parts are, parts are changed, moved, left out and doubled, and lengths and
checksums are made to fit again (or, at times, not to).
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

#: Numbers at which programs go wrong.
EDGES = (0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 257, 1023, 4096, 32767, 32768, 65535, 65536)
LARGE = (1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 32) - 8)
#: What parsers look for.
TOKENS = (
    *(b"\xff" + bytes([marker]) for marker in (0xC0, 0xC2, 0xC3, 0xC9, 0xC4, 0xD0, 0xD7, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD)),
    *(b"\xff" + bytes([marker]) for marker in (0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE)),
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"acTL", b"fcTL", b"fdAT", b"eXIf"),
    *(b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"XMP "),
    *(b"GIF87a", b"GIF89a", b"\x21\xf9\x04", b"\x21\xff\x0bNETSCAPE2.0", b"\x2c", b"\x3b"),
    *(b"ftyp", b"moov", b"moof", b"mdat", b"trak", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64", b"avc1"),
    *(b"hev1", b"av01", b"vp09", b"dref", b"url ", b"cmov", b"elst", b"ctts", b"sidx", b"uuid"),
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\xa3", b"\xec", b"\x00\x00\x01", b"\x47"),
    *(b"AVI ", b"movi", b"strf", b"idx1", b"#EXTM3U\n", b"file:///etc/passwd", b"concat:", b"%!PS-Adobe", b"<svg"),
    *("\u202e".encode(), "\u0300".encode() * 40, b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"xn--", b"%00", b"\0"),
)

Mutation = Callable[[bytes, Random], bytes]


def mutate(data: bytes, format_: str, others: Sequence[bytes], chance: Random) -> tuple[str, bytes]:
    """Break a file in one to three ways; give how, and what came of it."""
    names = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        structured = _STRUCTURED.get(format_)
        if structured is not None and chance.random() < _BY_STRUCTURE:
            name, mutation = f"{format_} structure", structured
        elif chance.random() < _SPLICED:
            name, mutation = "splice", _splicing(others)
        else:
            mutation = chance.choice(_BLIND)
            name = mutation.__name__
        names.append(name)
        data = mutation(data, chance)
    return ", ".join(names), data


_BY_STRUCTURE, _SPLICED = 0.6, 0.05
#: No mutant is larger.
_LONGEST = 1 << 20


def flip_bits(data: bytes, chance: Random) -> bytes:
    """Flip up to sixteen bits."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 16)):
        if broken:
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    return bytes(broken)


def truncate(data: bytes, chance: Random) -> bytes:
    """Leave out the end."""
    return data[: chance.randrange(len(data) + 1)]


def behead(data: bytes, chance: Random) -> bytes:
    """Leave out a little of the beginning."""
    return data[chance.randrange(min(len(data), 64) + 1) :]


def leave_out(data: bytes, chance: Random) -> bytes:
    """Leave out a piece."""
    start, end = _piece(data, chance)
    return data[:start] + data[end:]


def repeat(data: bytes, chance: Random) -> bytes:
    """Have a piece many times."""
    start, end = _piece(data, chance)
    times = chance.choice((1, 2, 16, 256))
    return (data[:end] + data[start:end] * times + data[end:])[:_LONGEST]


def overwrite(data: bytes, chance: Random) -> bytes:
    """Put a token, or noise, over a piece."""
    start, end = _piece(data, chance)
    put = chance.choice(TOKENS) if chance.random() < 0.5 else chance.randbytes(min(end - start, 64))
    return data[:start] + put + data[start + len(put) :]


def insert(data: bytes, chance: Random) -> bytes:
    """Put a token in between."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(TOKENS) + data[at:]


def renumber(data: bytes, chance: Random) -> bytes:
    """Put a number at which programs go wrong over another, in either order of bytes."""
    size = chance.choice((1, 2, 4, 4, 8))
    if len(data) < size:
        return data
    at = chance.randrange(len(data) - size + 1)
    number = chance.choice(EDGES + LARGE) & ((1 << 8 * size) - 1)
    return data[:at] + number.to_bytes(size, chance.choice(("big", "little"))) + data[at + size :]


def _splicing(others: Sequence[bytes]) -> Mutation:
    def splice(data: bytes, chance: Random) -> bytes:
        other = chance.choice(others)
        return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]

    return splice


_BLIND: tuple[Mutation, ...] = (flip_bits, truncate, behead, leave_out, repeat, overwrite, insert, renumber)


def _piece(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 2, 4, 16, 64, 1024)))


@dataclass(slots=True)
class Part:
    """A part of a file: how it is named, and what is in it."""

    name: bytes
    data: bytes


def _rearranged(parts: list[Part], chance: Random, names: Sequence[bytes]) -> list[Part]:
    """Do to a list of parts one of what can be done to a list of parts."""
    if not parts:
        return parts
    at = chance.randrange(len(parts))
    part = parts[at]
    deed = chance.randrange(7)
    if deed == 0:
        return parts[:at] + parts[at + 1 :]
    if deed == 1:
        return parts[:at] + [part] * chance.choice((2, 3, 50)) + parts[at + 1 :]
    if deed == 2:
        other = chance.randrange(len(parts))
        parts[at], parts[other] = parts[other], parts[at]
        return parts
    if deed == 3:
        return [*parts[:at], Part(chance.choice(names), part.data), *parts[at + 1 :]]
    if deed == 4:
        return [*parts[:at], Part(chance.choice(names), chance.randbytes(chance.choice(EDGES[:15]))), *parts[at:]]
    mutation = chance.choice((renumber, renumber, flip_bits, truncate, leave_out))
    return [*parts[:at], Part(part.name, mutation(part.data, chance)), *parts[at + 1 :]]


def _png(data: bytes, chance: Random) -> bytes:
    parts, at = [], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        parts.append(Part(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    parts = _rearranged(parts, chance, TOKENS[18:30])
    if chance.random() < 0.3:
        parts = [_other_pixels(part, chance) for part in parts]
    written = b"".join(
        struct.pack(">I", len(part.data)) + part.name + part.data + struct.pack(">I", zlib.crc32(part.name + part.data))
        for part in parts
    )
    return data[:8] + written


def _other_pixels(part: Part, chance: Random) -> Part:
    """Compress other bytes than were: the stream is right, and what it holds is not."""
    if part.name != b"IDAT":
        return part
    try:
        pixels = zlib.decompress(part.data)
    except zlib.error:
        return part
    return Part(part.name, zlib.compress(chance.choice((flip_bits, truncate, repeat))(pixels, chance)))


_ALONE = frozenset((0xD8, 0xD9, *range(0xD0, 0xD8)))


def _jpeg(data: bytes, chance: Random) -> bytes:
    parts, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in _ALONE:
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if data[at + 1] == 0xDA:
            # What is coded has no length: it ends where the next marker begins.
            while end + 1 < len(data) and (data[end] != 0xFF or data[end + 1] in {0, *range(0xD0, 0xD8)}):
                end += 1
        parts.append(Part(data[at : at + 2], data[at + 4 : end]))
        at = end
    parts = _rearranged(parts, chance, TOKENS[:18])
    written = b"".join(part.name + struct.pack(">H", _segment_length(part, chance)) + part.data for part in parts)
    return data[:2] + written + b"\xff\xd9"


def _segment_length(part: Part, chance: Random) -> int:
    if chance.random() < 0.03:
        return chance.choice(EDGES) & 0xFFFF
    if part.name == b"\xff\xda":
        # The header of a scan: two bytes a component, and four.
        return (6 + 2 * part.data[0]) & 0xFFFF if part.data else 2
    return (len(part.data) + 2) & 0xFFFF


def _riff(data: bytes, chance: Random) -> bytes:
    parts, at = [], 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        parts.append(Part(data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    parts = _rearranged(parts, chance, TOKENS[32:40])
    written = b"".join(
        part.name + struct.pack("<I", len(part.data)) + part.data + bytes(len(part.data) % 2) for part in parts
    )
    length = len(written) + 4 if chance.random() < 0.9 else chance.choice(EDGES + LARGE)
    return b"RIFF" + struct.pack("<I", length) + data[8:12] + written


def _gif(data: bytes, chance: Random) -> bytes:
    """Change what is fixed in size: the screen, a frame's place, the size of a code; and the blocks after them."""
    broken = bytearray(data)
    frames = [at for at in range(13, len(data) - 10) if data[at] == 0x2C]
    if frames and chance.random() < 0.7:
        at = chance.choice(frames)
        field = chance.choice((1, 3, 5, 7))
        struct.pack_into("<H", broken, at + field, chance.choice(EDGES) & 0xFFFF)
        if chance.random() < 0.3 and at + 10 < len(broken):
            broken[at + 9 + chance.randrange(2)] = chance.randrange(256)
    elif len(broken) > 12:
        struct.pack_into("<H", broken, chance.choice((6, 8)), chance.choice(EDGES) & 0xFFFF)
        broken[10] = chance.randrange(256)
    return bytes(broken)


#: Boxes with boxes in them.
_HOLDERS = frozenset(
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"moof", b"traf", b"mvex", b"udta")
)


def _video(data: bytes, chance: Random) -> bytes:
    if data[4:8] == b"ftyp":
        return _boxes(data, chance)
    if data[:4] == b"RIFF":
        return _riff(data, chance)
    return renumber(data, chance)


def _boxes(data: bytes, chance: Random) -> bytes:
    parts, at = [], 0
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        length = length if length >= 8 else len(data) - at
        parts.append(Part(data[at + 4 : at + 8], data[at + 8 : at + length]))
        at += length
    holders = [part for part in parts if part.name in _HOLDERS]
    if holders and chance.random() < 0.8:
        inner = chance.choice(holders)
        inner.data = _boxes(inner.data, chance)
    else:
        parts = _rearranged(parts, chance, TOKENS[46:66])
    return b"".join(
        struct.pack(">I", _box_length(part, chance) & 0xFFFFFFFF) + part.name.ljust(4)[:4] + part.data for part in parts
    )


def _box_length(part: Part, chance: Random) -> int:
    return len(part.data) + 8 if chance.random() < 0.98 else chance.choice(EDGES + LARGE)


def _text(data: bytes, chance: Random) -> bytes:
    """Put characters of every kind in between, many of one, or bytes that are none."""
    text = data.decode("utf-8", "replace")
    at = chance.randrange(len(text) + 1)
    put = "".join(chr(_any_character(chance)) for _ in range(chance.choice((1, 4, 64, 1000))))
    if chance.random() < 0.3:
        put = chr(_any_character(chance)) * chance.choice((100, 10_000))
    encoded = (text[:at] + put + text[at:]).encode("utf-8", "surrogatepass")
    return (encoded * chance.choice((1, 1, 1, 20)))[:_LONGEST]


def _any_character(chance: Random) -> int:
    start, end = chance.choice(
        ((0, 0x80), (0x300, 0x370), (0x600, 0x700), (0x2000, 0x2070), (0xD800, 0xE000), (0xFE00, 0xFE10), (0, 0x110000))
    )
    return chance.randrange(start, end)


_STRUCTURED: dict[str, Mutation] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _riff,
    "gif": _gif,
    "video": _video,
    "text": _text,
    "link": _text,
}
