"""What the node learns of a picture: the bytes go to a locked child, a checked answer comes back.

May decide: whether an answer from a child is well formed. May not: decode anything here; nothing in this
module loads a decoder.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tidegate.content.model import Look, LookKind
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.picture.animation import MOST_FRAMES
from tidegate.fingerprint.picture.second import SECOND_BYTES
from tidegate.jail import Jail

#: More are not decoded. Read from the header, before memory is taken.
PIXELS = 50_000_000
#: Of a preview, at the quality it is encoded with: the noisiest picture of the large size stays below.
LARGEST_PREVIEW = 1 << 20
#: Enough to read a page of print, or a press card, that someone photographed.
COPY_SIDE = 2048
LARGEST_COPY = 4 * 2**20

_VALUE = 32
#: The whole picture, the same without its border, and frames.
MOST_LOOKS = 2 + MOST_FRAMES
#: Which flags are set, how many looks follow, width, height.
_HEADER = struct.Struct("!BBII")
#: Kind, quality, all values, the second hash.
_LOOK = struct.Struct(f"!BB{_VALUE * len(Rotation)}s{SECOND_BYTES}s")
_REDUCED, _PARTIAL = 1, 2
_KINDS = tuple(LookKind)
_PREVIEW_ARGUMENTS = struct.Struct("!BB")
_ENGINE = "tidegate.fingerprint.picture.decoder"
#: As arguments of the engine: decode at full size, whatever it takes.
FULL_SIZE = b"full"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFingerprint:
    """How a picture looks, the first look being the whole as stored, and its size as stored.

    Attributes:
        looks: each with a second hash.
        width: in pixels, as stored.
        height: in pixels, as stored.
        reduced: it was decoded smaller than it is, so the values are near to those of the full size and not the same.
        partial: it moves for longer than is looked at.
    """

    looks: tuple[Look, ...]
    width: int
    height: int
    reduced: bool = False
    partial: bool = False

    @property
    def quality(self) -> int:
        """Say how much detail the whole picture has."""
        return self.looks[0].quality

    def pack(self) -> bytes:
        """Write it as an answer of a size between two bounds."""
        flags = _REDUCED * self.reduced | _PARTIAL * self.partial
        return _HEADER.pack(flags, len(self.looks), self.width, self.height) + b"".join(
            _LOOK.pack(_KINDS.index(look.kind), look.quality, b"".join(look.pdq), look.second) for look in self.looks
        )

    @classmethod
    def unpack(cls, answer: bytes) -> Self:
        """Read an answer, believing nothing.

        Raises:
            ValueError: it is not one.
        """
        if len(answer) < _HEADER.size:
            raise ValueError("an answer has another length")
        flags, count, width, height = _HEADER.unpack_from(answer)
        if not 1 <= count <= MOST_LOOKS or len(answer) != _HEADER.size + count * _LOOK.size:
            raise ValueError("an answer has another length")
        if flags > (_REDUCED | _PARTIAL) or not width or not height or width * height > PIXELS:
            raise ValueError("an answer is out of range")
        looks = tuple(_unpack_look(*fields) for fields in _LOOK.iter_unpack(answer[_HEADER.size :]))
        if [look.kind is LookKind.AS_STORED for look in looks] != [True] + [False] * (count - 1):
            raise ValueError("an answer is out of range")
        return cls(
            looks=looks, width=width, height=height, reduced=bool(flags & _REDUCED), partial=bool(flags & _PARTIAL)
        )


def _unpack_look(kind: int, quality: int, values: bytes, second: bytes) -> Look:
    if kind >= len(_KINDS) or quality > 100:  # noqa: PLR2004 -- hundredths
        raise ValueError("an answer is out of range")
    pdq = tuple(values[start : start + _VALUE] for start in range(0, len(values), _VALUE))
    return Look(kind=_KINDS[kind], pdq=pdq, quality=quality, second=second)


class Filter(StrEnum):
    """How a preview spares the one who must look."""

    #: Grey and blurred.
    BLUR = "blur"
    #: Drawn from its edges: shapes stay, detail goes.
    LINES = "lines"
    #: Sharp, without colour.
    GREY = "grey"
    #: Sharp and in colour.
    CLEAR = "clear"


class Size(StrEnum):
    """How large a preview is. The filter is applied before it is encoded, so it is the same at each size."""

    SMALL = "small"
    LARGE = "large"

    @property
    def side(self) -> int:
        """Give the longest side, in pixels."""
        return _SIDES[self]


_SIDES = {Size.SMALL: 240, Size.LARGE: 960}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewArguments:
    """What a preview looks like."""

    filter: Filter = Filter.BLUR
    size: Size = Size.SMALL

    def pack(self) -> bytes:
        """Write them as a request's arguments."""
        return _PREVIEW_ARGUMENTS.pack(list(Filter).index(self.filter), list(Size).index(self.size))

    @classmethod
    def unpack(cls, arguments: bytes) -> Self:
        """Read them in the child."""
        filter_, size = _PREVIEW_ARGUMENTS.unpack(arguments)
        return cls(filter=list(Filter)[filter_], size=list(Size)[size])


async def fingerprint_in(jail: Jail, data: bytes, *, full_size: bool = False) -> PictureFingerprint:
    """Fingerprint a picture in the jail.

    Args:
        jail: where it is decoded.
        data: the bytes.
        full_size: decode at full size, which takes several times as long: for what is compared on record, and for
            signals.

    Raises:
        JailError: it could not be checked, and why.
    """
    return await jail.read(
        PictureFingerprint.unpack,
        f"{_ENGINE}:fingerprint",
        data,
        FULL_SIZE if full_size else b"",
        answer_limit=_HEADER.size + MOST_LOOKS * _LOOK.size,
    )


async def preview_in(jail: Jail, data: bytes, wanted: PreviewArguments) -> bytes:
    """Get a JPEG of a picture, filtered and encoded anew in the jail, to show to people.

    Raises:
        JailError: it could not be made, and why.
    """
    return await jail.read(jpeg_of, f"{_ENGINE}:preview", data, wanted.pack(), answer_limit=LARGEST_PREVIEW)


async def copy_in(jail: Jail, data: bytes) -> bytes:
    """Get a JPEG of a picture that can be kept instead of it: what it shows, and nothing else that was in the file.

    Raises:
        JailError: it could not be made, and why.
    """
    return await jail.read(jpeg_of, f"{_ENGINE}:copy", data, answer_limit=LARGEST_COPY)


def jpeg_of(answer: bytes) -> bytes:
    """Take an answer for a JPEG, if it is one.

    Raises:
        ValueError: it is not.
    """
    if not (answer.startswith(b"\xff\xd8\xff") and answer.endswith(b"\xff\xd9")):
        raise ValueError("an answer is no JPEG")
    return answer
