"""Finds what lies inside a uniform border: letterboxes, bars, frames around a picture.

May decide: what counts as a border. Rows and columns at the edges that hardly vary belong to it; a border of less than
a fiftieth is left, and what would leave hardly anything is a dark picture and no border.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Greys by which a row of a border may vary: compression leaves some noise, and more where it meets the picture.
_VARIES: Final = 10
#: Parts of a side: smaller borders move the value little, and larger ones leave no picture.
_LEAST, _MOST = 0.02, 0.6


def inside_of(luma: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """Give rows and columns of what a border surrounds, or None when there is none.

    Args:
        luma: greys, rows by columns.
    """
    height, width = luma.shape
    top, bottom = _edges(luma)
    if top + bottom >= height:
        return None
    left, right = _edges(luma[top : height - bottom].T)
    return _cut(height, top, bottom, width, left, right)


def _cut(height: int, top: int, bottom: int, width: int, left: int, right: int) -> tuple[slice, slice] | None:
    high, wide = (top + bottom) / height, (left + right) / width
    if max(high, wide) < _LEAST or max(high, wide) > _MOST:
        return None
    return slice(top, height - bottom), slice(left, width - right)


def _edges(luma: NDArray[np.uint8]) -> tuple[int, int]:
    """Count the rows at the top and at the bottom that belong to a border."""
    return _run(luma), _run(luma[::-1])


def _run(rows: NDArray[np.uint8]) -> int:
    first = int(rows[0, 0])
    for number, row in enumerate(rows):
        # The darkest and lightest hundredth is noise: a logo drawn into a bar is not.
        if int(row.max()) - first > _VARIES or first - int(row.min()) > _VARIES:
            return number
    return len(rows)
