"""A second hash of a picture, as unlike PDQ as can be: where it is bright and where it is dark, and how it goes on.

May decide: nothing; it computes. It is never searched by. It is asked only of what PDQ found, whether that is the same
picture or merely one of the same make: a page of the same form, a card of the same template, another text on the same
ground. PDQ keeps the signs of waves over the whole picture and forgets how strong they are; this keeps the brightness
of 15 x 15 cells, each in its place, evened out so that brightness and contrast of the whole do not count. No transform
is shared. Turning or flipping the picture turns or flips the cells.

Two grids are compared twice, and the worse counts:

- the share of neighbours, across and down, that differ in which of the two is brighter (after difference hashing), and
- how badly the worst window of 7 x 7 cells correlates, since what differs between two of the same make often differs in
  one place.

See ``docs/adr/0012-second-hash.md`` for what else was tried, and ``benchmarks/pictures.py`` for what it removes.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.model import Rotation

SIDES: Final = 15
SECOND_BYTES: Final = SIDES * SIDES
#: Distances up to here are those of one picture. It loses 5 of 100 edited pictures that PDQ finds.
SECOND_RADIUS: Final = 100
#: However unlike.
FARTHEST: Final = 999

#: Levels a standard deviation: the 8 bits hold two and a half to each side.
_LEVELS: Final = 256 / 5
_WINDOW, _STRIDE = 7, 2
#: What is at the radius: neighbours of 420 that differ, and what the worst window lacks of a full correlation.
_NEIGHBOURS, _LACK = 30, 0.0722
#: Cells squared, of a standard deviation of one: below it a window has nothing in it to correlate.
_NOTHING: Final = 0.3

Cells = NDArray[np.float64]

_TURNS: dict[Rotation, Callable[[Cells], Cells]] = {
    Rotation.ORIGINAL: lambda grid: grid,
    Rotation.ROTATE_90: np.rot90,
    Rotation.ROTATE_180: lambda grid: np.rot90(grid, 2),
    Rotation.ROTATE_270: lambda grid: np.rot90(grid, 3),
    Rotation.FLIP_X: np.flipud,
    Rotation.FLIP_Y: np.fliplr,
    Rotation.FLIP_PLUS_1: np.transpose,
    Rotation.FLIP_MINUS_1: lambda grid: np.rot90(grid, 2).T,
}


def pack(means: Cells) -> bytes:
    """Write the mean luma of 15 x 15 cells, evened out, as the hash."""
    even = means - means.mean()
    spread = math.sqrt(float(np.vdot(even, even)) / even.size)
    levels = even * (_LEVELS / spread) if spread > 1 / _LEVELS else np.zeros_like(even)
    return bytes(np.minimum(np.maximum(np.rint(levels + 128), 0), 255).astype(np.uint8))


def distance(query: bytes, known: bytes, rotation: Rotation) -> int | None:
    """Say how far a picture, turned or flipped so, is from a known one; up to 100 they are one picture.

    None when either side has no such hash.
    """
    if len(query) != SECOND_BYTES or len(known) != SECOND_BYTES:
        return None
    one, other = _TURNS[rotation](_cells(query)), _cells(known)
    worse = max(_neighbours_apart(one, other) / _NEIGHBOURS, _lack(one, other) / _LACK)
    return min(round(worse * SECOND_RADIUS), FARTHEST)


def _cells(value: bytes) -> Cells:
    return np.frombuffer(value, dtype=np.uint8).astype(np.float64).reshape(SIDES, SIDES)


def _neighbours_apart(one: Cells, other: Cells) -> int:
    """Count the neighbours, across and down, of which another is the brighter."""
    across = (np.diff(one, axis=1) > 0) != (np.diff(other, axis=1) > 0)
    down = (np.diff(one, axis=0) > 0) != (np.diff(other, axis=0) > 0)
    return int(across.sum() + down.sum())


def _lack(one: Cells, other: Cells) -> float:
    """Find the window that correlates worst, and say what it lacks of a full correlation."""
    here, there = _windows(one), _windows(other)
    both = (here * there).sum(axis=1) + _NOTHING
    each = np.sqrt(((here * here).sum(axis=1) + _NOTHING) * ((there * there).sum(axis=1) + _NOTHING))
    return float((1 - both / each).max())


def _windows(grid: Cells) -> Cells:
    view = np.lib.stride_tricks.sliding_window_view(grid / _LEVELS, (_WINDOW, _WINDOW))[::_STRIDE, ::_STRIDE]
    flat = view.reshape(-1, _WINDOW * _WINDOW)
    even: Cells = flat - flat.mean(axis=1, keepdims=True)
    return even
