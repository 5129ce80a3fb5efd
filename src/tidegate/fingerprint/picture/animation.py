"""Which frames of a moving picture stand for all of it.

May decide: which frames are looked at. Someone who hides one frame among many would have to show the others longer
than it, so a frame counts by how long it is shown and by how unlike it is to those chosen before. That holds however
many came before it: where there is no room for one more, the one shown shortest gives way to what is shown longer.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Kept = TypeVar("Kept")
Some = TypeVar("Some")

#: Frames chosen at most, besides the first, which is the picture as stored.
MOST_FRAMES: Final = 16
#: Frames this near to one another, in bits of PDQ, are one: a known still near to either is near to both.
_SAME: Final = 15
#: Unlike frames remembered while looking through, and as many that may yet take the place of one of them.
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
    #: Frames there was no room for: only how long they are shown.
    _waiting: deque[Unlike[None]] = field(default_factory=lambda: deque(maxlen=_MOST_UNLIKE))

    def known(self, value: bytes, milliseconds: int) -> bool:
        """Count a frame to those it is like; say whether there were any, or no room for one shown so shortly."""
        here = int.from_bytes(value)
        if _apart(here, self.first) <= _SAME or _counted(self.unlike, here, milliseconds):
            return True
        if len(self.unlike) < _MOST_UNLIKE:
            return False
        shown = _counted(self._waiting, here, milliseconds)
        if shown is None:
            shown = Unlike(here, milliseconds, None)
            self._waiting.append(shown)
        return shown.milliseconds <= self._shortest().milliseconds

    def add(self, value: bytes, milliseconds: int, kept: Kept) -> None:
        """Remember a frame that is not known; where there is no room, instead of the one shown shortest."""
        here = int.from_bytes(value)
        if len(self.unlike) == _MOST_UNLIKE:
            self.unlike.remove(self._shortest())
            # How long it was shown while it waited counts, and its turn to wait is over.
            if (waited := _counted(self._waiting, here, 0)) is not None:
                milliseconds = waited.milliseconds
                self._waiting.remove(waited)
        self.unlike.append(Unlike(here, milliseconds, kept))

    def _shortest(self) -> Unlike[Kept]:
        return min(self.unlike, key=lambda frame: frame.milliseconds)

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


def _counted(frames: Iterable[Unlike[Some]], value: int, milliseconds: int) -> Unlike[Some] | None:
    """Count a frame to the one it is like, if there is one, and give that."""
    for other in frames:
        if _apart(value, other.value) <= _SAME:
            other.milliseconds += milliseconds
            return other
    return None


def _apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()
