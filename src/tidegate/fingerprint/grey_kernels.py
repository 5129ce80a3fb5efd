"""The compiled loops over a picture's luma that have nothing to do with PDQ: cells for the second hash, and borders.

May decide: nothing. See ``second.py`` and ``border.py`` for what they are for.
"""

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel

Greys = NDArray[np.uint8]


@kernel
def cells(grey: Greys, sides: int) -> NDArray[np.float64]:
    """Take the mean luma of sides x sides equal cells; a pixel on a boundary counts for both, by its parts."""
    rows, columns = grey.shape
    means = np.zeros((sides, sides), dtype=np.float64)
    sums = np.empty(columns, dtype=np.float32)
    for cell in range(sides):
        top, bottom = cell * rows / sides, (cell + 1) * rows / sides
        sums[:] = 0
        for row in range(int(top), min(int(np.ceil(bottom)), rows)):
            part = np.float32(min(row + 1.0, bottom) - max(float(row), top))
            line = grey[row]
            for column in range(columns):
                sums[column] += part * np.float32(line[column])
        for other in range(sides):
            left, right = other * columns / sides, (other + 1) * columns / sides
            total = 0.0
            for column in range(int(left), min(int(np.ceil(right)), columns)):
                total += sums[column] * (min(column + 1.0, right) - max(float(column), left))
            means[cell, other] = total / ((bottom - top) * (right - left))
    return means


@kernel
def uniform_lines(grey: Greys, most: int, tolerance: int, drift: float, share: float) -> int:
    """Count the rows from the first on that are all of one grey, up to a number of them.

    A row counts while its mean stays as near to the first row's as the drift, and at most a share of its pixels is
    further from the middle grey of the first row than the tolerance; both in greys.
    """
    rows, columns = grey.shape
    middle, first = _middle(grey[0]), 0.0
    for row in range(min(most, rows)):
        outside, total, line = 0, 0, grey[row]
        for column in range(columns):
            value = int(np.int64(line[column]))
            total += value
            outside += abs(value - middle) > tolerance
        mean = total / columns
        if row == 0:
            first = mean
        if outside > share * columns or abs(mean - first) > drift:
            return row
    return int(min(most, rows))


@kernel
def _middle(line: Greys) -> int:
    counts = np.zeros(256, dtype=np.int64)
    for column in range(line.shape[0]):
        counts[line[column]] += 1
    seen = 0
    for grey in range(256):
        seen += counts[grey]
        if 2 * seen >= line.shape[0]:
            return grey
    return 255


@kernel
def apart(one: Greys, other: Greys) -> float:
    """Say how much two rows differ: the mean difference of their pixels, in greys."""
    total = np.int64(0)
    for column in range(one.shape[0]):
        total += abs(np.int64(one[column]) - np.int64(other[column]))
    return float(total / one.shape[0])
