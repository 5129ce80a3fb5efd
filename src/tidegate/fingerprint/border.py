"""Borders of pictures and of frames of videos, letterbox bars among them: how much of the edges shows nothing.

May decide: what counts as a border. A border 5 % wide moves a PDQ value by 64 to 84 bits, far out of the radius, so a
picture or frame with one is looked at a second time without it. It is a second look and never the only one: what is
taken for a border wrongly costs nothing that was found before.

A border is, on each side by itself, lines of one grey (but for the noise that a JPEG leaves), ending in a step. Without
the step it is a gradient, or the night around something small. Never so much is taken that little is left.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from tidegate.fingerprint import grey_kernels as kernels
from tidegate.fingerprint.grey_kernels import Greys
from tidegate.fingerprint.pdq_kernels import read_only

#: In greys: what a JPEG of poor quality adds to one colour, and what that comes to over a whole line.
_NOISE: Final = 14
_DRIFT: Final = 2.5
#: In greys, from the border to the picture over the reach of the noise: the least, and how much of it in one line.
_LEAST_STEP: Final = 4.0
_SHARP: Final = 0.3
#: Of a line's pixels: a speck or two does not make it a part of the picture.
_SPECKS: Final = 0.02
#: Of a side: less moves no value far enough to matter, and more leaves too little to compare.
_LEAST: Final = 0.008
_MOST: Final = 0.75
#: In pixels: how far the noise of a JPEG reaches from an edge, and what is left at least.
_BLOCK: Final = 8
_SMALLEST_PICTURE: Final = 64
#: A second frame within the first, of another colour, is common; a third is not.
_FRAMES: Final = 2


class Box(NamedTuple):
    """What is left of a picture: from the first to before the last pixel, down and across."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, grey: Greys) -> Greys:
        """Give what is in the box."""
        return grey[self.top : self.bottom, self.left : self.right]


def without_border(grey: Greys, scale: int = 1) -> Box | None:
    """Find what is left of a picture without its border, or None where there is none.

    Args:
        grey: the picture's luma, shape (rows, columns).
        scale: how many pixels of the full size a pixel is high and wide.
    """
    rows, columns = grey.shape
    box = Box(0, rows, 0, columns)
    for frame in range(_FRAMES):
        inside = _stripped(grey, box, scale, after_another=frame > 0)
        if inside == box:
            break
        box = inside
    taken_down, taken_across = rows - (box.bottom - box.top), columns - (box.right - box.left)
    if max(taken_down / rows, taken_across / columns) < _LEAST:
        return None
    too_small = min(box.bottom - box.top, box.right - box.left) * scale < _SMALLEST_PICTURE
    if too_small or taken_down > _MOST * rows or taken_across > _MOST * columns:
        return None
    return box


def _stripped(grey: Greys, box: Box, scale: int, *, after_another: bool) -> Box:
    """Take one border off each side: above and below first, so that bars do not hide what is beside the picture."""
    reach = max(-(-_BLOCK // scale), 1)
    # Where another frame ended, its noise lies over the first lines of this one.
    skipped = reach if after_another else 0

    def edge(lines: Greys) -> int:
        if len(lines) * scale < _SMALLEST_PICTURE:
            return 0
        found = _edge(lines[skipped:], reach)
        return skipped + found if found else 0

    top, bottom, left, right = box
    inside = box.cut(grey)
    over, under = edge(inside), edge(inside[::-1])
    if over + under >= bottom - top:
        return box
    top, bottom = top + over, bottom - under
    inside = grey[top:bottom, left:right].T
    before, behind = edge(inside), edge(inside[::-1])
    if before + behind >= right - left:
        return Box(top, bottom, left, right)
    return Box(top, bottom, left + before, right - behind)


def _edge(lines: Greys, reach: int) -> int:
    """Count the lines of a border from the first on; 0 where there is none, or where it ends in no step."""
    most = int(_MOST * len(lines))
    # A strip at a time is made contiguous: without a border, which is nearly always, the first is the last.
    uniform, taken = 0, 4 * reach
    while True:
        strip = read_only(np.ascontiguousarray(lines[:taken]))
        uniform = int(kernels.uniform_lines(strip, most, _NOISE, _DRIFT, _SPECKS))
        if uniform == 0 or uniform >= most:
            return 0
        if uniform < len(strip):
            break
        taken *= 4
    return _end(read_only(np.ascontiguousarray(lines[uniform - 1 : uniform + reach + 2])), uniform, reach)


def _end(around: Greys, uniform: int, reach: int) -> int:
    """Find the step a border ends in: noise makes the last lines of it look like picture."""
    steps = [kernels.apart(one, other) for one, other in pairwise(around[: reach + 2])]
    whole = kernels.apart(around[0], around[-1])
    if not steps or whole < _LEAST_STEP or max(steps) < _SHARP * whole:
        return 0
    return uniform + next(place for place, height in enumerate(steps) if 2 * height >= max(steps))
