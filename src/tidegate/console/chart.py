"""Charts as numbers: where each mark stands, for ``templates/chart.html`` to draw.

May decide: scales and places, nothing of what is counted. Along the line of reading, places are in percent of the
picture's width, so that a chart is as wide as there is room while its text keeps the size of the page's; across it,
they are in pixels. ``mirrored`` turns a chart around for scripts that are read from right to left.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: The part of the width that is kept for the numbers beside an axis.
AXIS = 13.0
#: Between the columns of neighbouring buckets, as a part of the room of one.
_GAP = 0.22
#: No column is wider than this, however few there are.
_WIDEST_COLUMN = 9.0
#: Columns this high in all.
HEIGHT = 220
#: Room above for the topmost number, and below for the days.
TOP, BELOW = 18, 26
_MOST_LABELS = 4

#: One row of a chart of rows: its words above, its bar below them.
ROW = 50
BAR_Y, BAR_HEIGHT = 22, 18
#: A longer bar has its number inside, so that no number is cut off, however large.
INSIDE = 55.0
#: Whiskers stay clear of the edge by this much.
_MARGIN = 2.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle: which series and which place in it, where, and for which count."""

    series: int
    place: int
    x: float
    width: float
    y: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart at a number of the axis."""

    y: float
    count: int


@dataclass(frozen=True, slots=True)
class Label:
    """Where the word for a bucket stands: its middle, or at the edges its start or end, so that nothing is cut off."""

    place: int
    x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart of columns over time: some series stacked upwards, the others downwards, on one scale."""

    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    labels: tuple[Label, ...]
    zero: float
    axis: float
    height: int


def columns(up: Sequence[Sequence[int]], down: Sequence[Sequence[int]] = (), *, mirrored: bool = False) -> Columns:
    """Place columns; each series has one count per bucket."""
    buckets = max((len(series) for series in (*up, *down)), default=0)
    highest, lowest = _stacked(up), _stacked(down)
    step = nice_step(max(highest, lowest))
    above, below = math.ceil(highest / step), math.ceil(lowest / step)
    unit = HEIGHT / max(1, above + below) / step
    zero = TOP + above * step * unit
    room = (100 - AXIS) / max(1, buckets)
    width = min(room * (1 - _GAP), _WIDEST_COLUMN)
    marks: list[Mark] = []
    for direction, stack, first in ((-1, up, 0), (1, down, len(up))):
        reached = [0] * buckets
        for number, series in enumerate(stack, first):
            for place, count in enumerate(series):
                start, reached[place] = reached[place], reached[place] + count
                if count:
                    top = zero + direction * unit * (reached[place] if direction < 0 else start)
                    x = AXIS + room * place + (room - width) / 2
                    marks.append(Mark(number, place, _turned(x, width, mirrored), width, top, count * unit, count))
    lines = tuple(Line(zero - number * step * unit, abs(number) * step) for number in range(-below, above + 1))
    labels = tuple(_label(place, buckets, room, mirrored) for place in _spread(buckets, _MOST_LABELS))
    return Columns(
        tuple(marks), lines, labels, zero, _turned(AXIS, 0, mirrored), TOP + HEIGHT + (BELOW if buckets else 0)
    )


def rows(counts: Sequence[int], *, mirrored: bool = False) -> tuple[Mark, ...]:
    """Place one bar per count, one below the other, the largest the longest."""
    largest = max(counts, default=0)
    made = []
    for place, count in enumerate(counts):
        width = 100 * count / largest if largest else 0.0
        made.append(Mark(0, place, _turned(0, width, mirrored), width, place * ROW + BAR_Y, BAR_HEIGHT, count))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Whisker:
    """A share as a point, and how far it may be off as a line."""

    y: float
    at: float | None
    low: float
    high: float


def whiskers(shares: Sequence[tuple[float | None, float, float]], *, mirrored: bool = False) -> tuple[Whisker, ...]:
    """Place shares from 0 to 1, each with its lower and its upper bound."""
    return tuple(
        Whisker(
            place * ROW + BAR_Y + BAR_HEIGHT / 2,
            None if share is None else along(share, mirrored=mirrored),
            along(low, mirrored=mirrored),
            along(high, mirrored=mirrored),
        )
        for place, (share, low, high) in enumerate(shares)
    )


def along(part: float, *, mirrored: bool = False) -> float:
    """Give the place of a part from 0 to 1 along a scale that ends clear of both edges."""
    return _turned(_MARGIN + (100 - 2 * _MARGIN) * min(1.0, max(0.0, part)), 0, mirrored)


def nice_step(largest: float, most: int = 4) -> int:
    """Give the step of an axis: 1, 2 or 5 times a power of ten, so that few lines reach the largest count."""
    step = 1
    while True:
        for times in (1, 2, 5):
            if largest <= step * times * most:
                return step * times
        step *= 10


def _label(place: int, buckets: int, room: float, mirrored: bool) -> Label:
    if 0 < place < buckets - 1 or buckets == 1:
        return Label(place, _turned(AXIS + room * (place + 0.5), 0, mirrored), "middle")
    first = place == 0
    return Label(place, _turned(AXIS if first else 100, 0, mirrored), "start" if first else "end")


def _stacked(stack: Sequence[Sequence[int]]) -> int:
    return max((sum(counts) for counts in zip(*stack, strict=True)), default=0)


def _spread(count: int, most: int) -> list[int]:
    """Choose evenly spread places, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(number * (count - 1) / (most - 1)) for number in range(most)]


def _turned(x: float, width: float, mirrored: bool) -> float:
    return 100 - x - width if mirrored else x
