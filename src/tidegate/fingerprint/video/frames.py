"""What the node learns of a video: the bytes go to a locked child, checked answers come back, a part at a time.

May decide: whether an answer from a child is well formed. May not: decode anything here; nothing in this module loads a
decoder.

A video is known by frames: when a frame is shown, how much detail its value rests on, and its PDQ value. The values are
taken from the luma at full size, so that they are those of the vPDQ reference within a few bits. Hand-held pictures
change by about 20 bits from one frame to the next, so what is known of a video must be dense: known videos keep every
frame that differs from the one kept before, uploads are read by their key frames first.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.picture.reading import LARGEST_PREVIEW, Filter, Size, jpeg_of
from tidegate.jail import Jail
from tidegate.jail.model import Data

#: One frame, 38 bytes, little-endian: milliseconds from the first frame, quality (0 to 100), which look, value.
FRAME: Final = np.dtype([("at", "<u4"), ("quality", "u1"), ("look", "u1"), ("value", "u1", (32,))])

Frames = np.ndarray[tuple[int], np.dtype[np.void]]

#: A frame is looked at as it is stored, and without its border if it has one.
AS_STORED, WITHOUT_BORDER = 0, 1
#: Most pixels of a frame: 8192 x 4320.
PIXELS: Final = 8192 * 4320
#: Of everything: the end of a video, where a part has no end.
END: Final = 0xFFFFFFFF
#: Frames of one answer. A part ends early rather than give more.
MOST_FRAMES: Final = 60_000
MOST_PICTURES: Final = 9

_HEADER: Final = struct.Struct("!IIIIII")
_ARGUMENTS: Final = struct.Struct("!BIIII")
_SHEET: Final = struct.Struct("!BBII")
_ENGINE: Final = "tidegate.fingerprint.video.decoder"
_BEST: Final = 100


class Density(IntEnum):
    """Which frames are hashed."""

    #: Key frames, and frames in between where those are too far apart.
    KEY = 0
    #: Frames at a rate, whatever they show.
    DENSE = 1
    #: Every frame that differs from the one kept before: what is known of a video.
    EVERY = 2
    #: Every frame there is.
    ALL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of a video is read, how densely, and how much processor time it may take."""

    density: Density = Density.KEY
    #: Milliseconds from the first frame; the end is not included.
    start: int = 0
    end: int = END
    #: Milliseconds of processor time after which the part ends where it stands.
    budget: int = 3_000
    #: Longer videos are refused, in milliseconds.
    longest: int = 4 * 3_600_000

    def pack(self) -> bytes:
        """Write it as a request's arguments."""
        return _ARGUMENTS.pack(self.density, self.start, self.end, self.budget, self.longest)

    @classmethod
    def unpack(cls, arguments: bytes) -> Self:
        """Read it in the child."""
        density, start, end, budget, longest = _ARGUMENTS.unpack(arguments)
        return cls(density=Density(density), start=start, end=end, budget=budget, longest=longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRead:
    """Frames of a part, in order of time, and where to go on: ``END`` when there is no more."""

    frames: Frames
    next: int
    #: Of the whole video, in milliseconds, as the file says; 0 when it does not say.
    duration: int
    width: int
    height: int
    #: Frames that were there and could not be decoded.
    broken: int

    def pack(self) -> bytes:
        """Write it as an answer."""
        header = _HEADER.pack(len(self.frames), self.next, self.duration, self.width, self.height, self.broken)
        return header + self.frames.tobytes()

    @classmethod
    def unpack(cls, answer: bytes, part: Part) -> Self:
        """Read an answer, believing nothing.

        Raises:
            ValueError: it is not one.
        """
        if len(answer) < _HEADER.size:
            raise ValueError("an answer is too short")
        count, next_, duration, width, height, broken = _HEADER.unpack_from(answer)
        if len(answer) != _HEADER.size + count * FRAME.itemsize or count > MOST_FRAMES:
            raise ValueError("an answer has another length")
        frames = unpack_frames(answer[_HEADER.size :])
        if next_ <= part.start or not width or not height or width * height > PIXELS:
            raise ValueError("an answer is out of range")
        if count and (int(frames["at"][0]) < part.start or int(frames["at"][-1]) >= part.end):
            raise ValueError("an answer is of another part")
        return cls(frames=frames, next=next_, duration=duration, width=width, height=height, broken=broken)


def unpack_frames(packed: bytes) -> Frames:
    """Read packed frames, believing nothing.

    Raises:
        ValueError: they are no whole frames, a quality or a look is out of range, or they are not in order of time.
    """
    frames: Frames = np.frombuffer(packed, dtype=FRAME)
    at = frames["at"].astype(np.int64)
    if (frames["quality"] > _BEST).any() or (frames["look"] > WITHOUT_BORDER).any() or (np.diff(at) < 0).any():
        raise ValueError("frames are out of range")
    return frames


def join_frames(parts: Iterable[Frames]) -> Frames:
    """Put frames of several parts in order of time; the same frame read twice counts once."""
    every: Frames = np.concatenate([np.zeros(0, dtype=FRAME), *parts]).astype(FRAME)
    moments = every["at"].astype(np.int64) * 2 + every["look"]
    return every[np.unique(moments, return_index=True)[1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetArguments:
    """A contact sheet: of which stretch, in milliseconds, and how it spares the one who must look."""

    start: int = 0
    end: int = END
    filter: Filter = Filter.BLUR
    size: Size = Size.SMALL

    def pack(self) -> bytes:
        """Write them as a request's arguments."""
        return _SHEET.pack(list(Filter).index(self.filter), list(Size).index(self.size), self.start, self.end)

    @classmethod
    def unpack(cls, arguments: bytes) -> Self:
        """Read them in the child."""
        filter_, size, start, end = _SHEET.unpack(arguments)
        return cls(start=start, end=end, filter=list(Filter)[filter_], size=list(Size)[size])


async def read_part(jail: Jail, data: Data, part: Part) -> PartRead:
    """Read a part of a video in the jail.

    Raises:
        JailError: it could not be checked, and why.
    """
    limit = _HEADER.size + MOST_FRAMES * FRAME.itemsize
    return await jail.read(
        lambda answer: PartRead.unpack(answer, part),
        f"{_ENGINE}:frames",
        data,
        part.pack(),
        _patience(part, data),
        answer_limit=limit,
    )


async def sheet_in(jail: Jail, data: bytes, wanted: SheetArguments) -> bytes:
    """Get a JPEG with pictures of a video, filtered and encoded anew in the jail, to show to people.

    Raises:
        JailError: it could not be made, and why.
    """
    return await jail.read(jpeg_of, f"{_ENGINE}:sheet", data, wanted.pack(), 30.0, answer_limit=LARGEST_PREVIEW)


def spread(start: int, end: int, count: int = MOST_PICTURES) -> tuple[int, ...]:
    """Spread times evenly over a span, each in the middle of its share."""
    length = max(end - start, 0)
    return tuple(dict.fromkeys(start + length * (2 * step + 1) // (2 * count) for step in range(count)))


def _patience(part: Part, data: Data) -> float:
    """Give the seconds a part may take: a busy machine is slow, and a long file must be read up to the part."""
    return 10.0 + 4 * part.budget / 1000 + len(data) / 20e6


def values_of(frames: Frames) -> NDArray[np.uint64]:
    """Give the values as rows of four words, shape (n, 4), the most significant first."""
    values = np.ascontiguousarray(frames["value"])
    return values.view(">u8").astype(np.uint64).reshape(-1, 4)
