"""What the node learns of a picture: the bytes go to a locked child, a checked answer comes back.

May decide: whether an answer from a child is well formed. May not: decode anything here; nothing in this
module loads a decoder.
"""

import struct
from dataclasses import dataclass
from typing import Self

from tidegate.fingerprint.model import Rotation
from tidegate.jail import Jail, JailError, Reason

#: More are not decoded. Read from the header, before memory is taken.
PIXELS = 50_000_000
PREVIEW_SIDE = 480
LARGEST_PREVIEW = 512 * 1024
#: Enough to read a page of print, or a press card, that someone photographed.
COPY_SIDE = 2048
LARGEST_COPY = 4 * 2**20

_VALUE = 32
#: All values, quality, width, height.
_FINGERPRINT = struct.Struct(f"!{_VALUE * len(Rotation)}sBII")
_PREVIEW_ARGUMENTS = struct.Struct("!??")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewArguments:
    """How a preview spares the one who must look."""

    grey: bool
    blur: bool

    def pack(self) -> bytes:
        """Write them as a request's arguments."""
        return _PREVIEW_ARGUMENTS.pack(self.grey, self.blur)

    @classmethod
    def unpack(cls, arguments: bytes) -> Self:
        """Read them in the child."""
        grey, blur = _PREVIEW_ARGUMENTS.unpack(arguments)
        return cls(grey=grey, blur=blur)


async def fingerprint_in(jail: Jail, data: bytes) -> PictureFingerprint:
    """Fingerprint a picture in the jail.

    Raises:
        JailError: it could not be checked, and why.
    """
    answer = await jail.run(f"{_ENGINE}:fingerprint", data, answer_limit=_FINGERPRINT.size)
    try:
        return PictureFingerprint.unpack(answer)
    except ValueError as error:
        raise JailError(Reason.UNDECODABLE) from error


async def preview_in(jail: Jail, data: bytes, *, grey: bool, blur: bool) -> bytes:
    """Get a small JPEG of a picture, encoded anew in the jail, to show to people.

    Raises:
        JailError: it could not be made, and why.
    """
    arguments = PreviewArguments(grey=grey, blur=blur).pack()
    return _jpeg(await jail.run(f"{_ENGINE}:preview", data, arguments, answer_limit=LARGEST_PREVIEW))


async def copy_in(jail: Jail, data: bytes) -> bytes:
    """Get a JPEG of a picture that can be kept instead of it: what it shows, and nothing else that was in the file.

    Raises:
        JailError: it could not be made, and why.
    """
    return _jpeg(await jail.run(f"{_ENGINE}:copy", data, answer_limit=LARGEST_COPY))


def _jpeg(answer: bytes) -> bytes:
    if not (answer.startswith(b"\xff\xd8\xff") and answer.endswith(b"\xff\xd9")):
        raise JailError(Reason.UNDECODABLE)
    return answer
