"""What the node learns of a picture: the bytes go to a locked child, a checked answer comes back.

May decide: whether an answer from a child is well formed. May not: decode anything here; nothing in this
module loads a decoder.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tidegate.fingerprint.model import Rotation
from tidegate.jail import Jail

#: More are not decoded. Read from the header, before memory is taken.
PIXELS = 50_000_000
#: Of a preview, at the quality it is encoded with: the noisiest picture of the large size stays below.
LARGEST_PREVIEW = 1 << 20
#: Enough to read a page of print, or a press card, that someone photographed.
COPY_SIDE = 2048
LARGEST_COPY = 4 * 2**20

_VALUE = 32
#: All values, quality, width, height.
_FINGERPRINT = struct.Struct(f"!{_VALUE * len(Rotation)}sBII")
_PREVIEW_ARGUMENTS = struct.Struct("!BB")
_ENGINE = "tidegate.fingerprint.decoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFingerprint:
    """Values of a picture and its rotations and flips, in the order of ``Rotation``; its size as stored."""

    pdq: tuple[bytes, ...]
    quality: int
    width: int
    height: int

    def pack(self) -> bytes:
        """Write it as an answer of fixed size."""
        return _FINGERPRINT.pack(b"".join(self.pdq), self.quality, self.width, self.height)

    @classmethod
    def unpack(cls, answer: bytes) -> Self:
        """Read an answer, believing nothing.

        Raises:
            ValueError: it is not one.
        """
        if len(answer) != _FINGERPRINT.size:
            raise ValueError("an answer has another length")
        values, quality, width, height = _FINGERPRINT.unpack(answer)
        if quality > 100 or not width or not height or width * height > PIXELS:  # noqa: PLR2004 -- hundredths
            raise ValueError("an answer is out of range")
        pdq = tuple(values[start : start + _VALUE] for start in range(0, len(values), _VALUE))
        return cls(pdq=pdq, quality=quality, width=width, height=height)


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


async def fingerprint_in(jail: Jail, data: bytes) -> PictureFingerprint:
    """Fingerprint a picture in the jail.

    Raises:
        JailError: it could not be checked, and why.
    """
    return await jail.read(PictureFingerprint.unpack, f"{_ENGINE}:fingerprint", data, answer_limit=_FINGERPRINT.size)


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
