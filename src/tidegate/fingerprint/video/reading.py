"""Reading a video from the outside: key frames first, and more of it where it looks like something known.

May decide: where to look closer. May not: decode anything; what a locked child answers is checked and put together.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.video.frames import END, Density, Frames, Part, join_frames, read_part, unpack_frames
from tidegate.jail import Jail
from tidegate.jail.model import Data

#: Gives the times, in milliseconds, at which packed frames look like anything known.
Hits = Callable[[bytes], Awaitable[Sequence[int]]]

#: Milliseconds before and after a hit that are read densely, and the most of that in one part.
_AROUND: Final = 5_000
_MOST_DENSE: Final = 60_000
#: Milliseconds of processor time a part may take.
_BUDGET: Final = 3_000
_DENSE_BUDGET: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRead:
    """What was read of a video so far. Times are in milliseconds."""

    #: Packed.
    frames: bytes = b""
    #: Where to go on.
    reached: int = 0
    #: As the file says; 0 until it was opened.
    duration: int = 0
    width: int = 0
    height: int = 0
    #: Frames that were there and could not be decoded.
    broken: int = 0
    #: There is no more.
    whole: bool = False

    @property
    def undecodable(self) -> bool:
        """Say whether more of it is broken than could be read."""
        return self.broken > len(unpack_frames(self.frames))

    def fingerprints(self, sha256: bytes) -> Fingerprints:
        """Give what is compared."""
        frames = unpack_frames(self.frames)
        return Fingerprints(
            sha256=sha256,
            quality=int(frames["quality"].max()) if len(frames) else 0,
            width=self.width,
            height=self.height,
            frames=self.frames,
        )


async def read_on(jail: Jail, data: Data, so_far: VideoRead, hits: Hits, longest: int) -> VideoRead:
    """Read the next part by its key frames, and densely where anything hits.

    Args:
        jail: one whose engines read videos.
        data: the whole file.
        so_far: what was read before.
        hits: where to look closer.
        longest: videos of more milliseconds are refused.

    Raises:
        JailError: this part could not be checked, and why.
    """
    read = await read_part(jail, data, Part(start=so_far.reached, budget=_BUDGET, longest=longest))
    found = await hits(read.frames.tobytes())
    closer = [await _densely(jail, data, start, end, longest) for start, end in windows(found)]
    whole = read.next == END
    return replace(
        so_far,
        frames=join_frames([unpack_frames(so_far.frames), read.frames, *closer]).tobytes(),
        reached=so_far.reached if whole else read.next,
        duration=max(read.duration, so_far.duration),
        width=read.width,
        height=read.height,
        broken=so_far.broken + read.broken,
        whole=whole,
    )


async def read_every(jail: Jail, data: bytes, frames: Frames, longest: int) -> tuple[Frames, bool]:
    """Read the next part of what is to be known: every frame that differs; say whether there is no more.

    Raises:
        JailError: this part could not be read, and why.
    """
    start = int(frames["at"][-1]) + 1 if len(frames) else 0
    part = Part(density=Density.EVERY, start=start, budget=_DENSE_BUDGET, longest=longest)
    read = await read_part(jail, data, part)
    return join_frames([frames, read.frames]), read.next == END


def windows(hits: Sequence[int]) -> list[tuple[int, int]]:
    """Give the stretches around hits to look closer at: joined where they meet, and not too many."""
    found: list[tuple[int, int]] = []
    for hit in hits:
        start, end = max(hit - _AROUND, 0), hit + _AROUND
        if found and start <= found[-1][1]:
            start = found.pop()[0]
        found.append((start, end))
    left, chosen = _MOST_DENSE, []
    for start, end in found:
        if left > 0:
            chosen.append((start, min(end, start + left)))
            left -= chosen[-1][1] - start
    return chosen


async def _densely(jail: Jail, data: Data, start: int, end: int, longest: int) -> Frames:
    parts = []
    while start < end:
        part = Part(density=Density.DENSE, start=start, end=end, budget=_DENSE_BUDGET, longest=longest)
        read = await read_part(jail, data, part)
        parts.append(read.frames)
        start = read.next
    return join_frames(parts)
