"""Which frames of a moving picture stand for all of it.

May decide: which frames are looked at. Someone who hides one frame among many would have to show the others longer
than it, so a frame counts by how long it is shown and by how unlike it is to those chosen before.
"""

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Kept = TypeVar("Kept")

#: Frames chosen at most, besides the first, which is the picture as stored.
MOST_FRAMES: Final = 16
#: Frames this near to one another, in bits of PDQ, are one: a known still near to either is near to both.
_SAME: Final = 15
#: Unlike frames remembered while looking through: more are not looked at.
_MOST_UNLIKE: Final = 64


@dataclass(slots=True)
class Unlike(Generic[Kept]):
    """A frame unlike all others so far, how long those like it are shown, and what was kept of it."""

    value: int
    milliseconds: int
    kept: Kept


@dataclass(slots=True)
class Frames(Generic[Kept]):
    """The frames looked through so far."""

    first: int
    unlike: list[Unlike[Kept]] = field(default_factory=list)

    def known(self, value: bytes, milliseconds: int) -> bool:
        """Count a frame to those it is like; say whether there were any, or no room for more."""
        here = int.from_bytes(value)
        if _apart(here, self.first) <= _SAME:
            return True
        for other in self.unlike:
            if _apart(here, other.value) <= _SAME:
                other.milliseconds += milliseconds
                return True
        return len(self.unlike) == _MOST_UNLIKE

    def add(self, value: bytes, milliseconds: int, kept: Kept) -> None:
        """Remember a frame that is like none before."""
        self.unlike.append(Unlike(int.from_bytes(value), milliseconds, kept))

    def chosen(self) -> list[Kept]:
        """Choose those that stand for all: again and again the longest shown and least like those chosen."""
        found: list[Kept] = []
        left, values = list(self.unlike), [self.first]
        while left and len(found) < MOST_FRAMES:
            best = max(left, key=lambda frame: frame.milliseconds * min(_apart(frame.value, value) for value in values))
            left.remove(best)
            values.append(best.value)
            found.append(best.kept)
        return found


def _apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()
