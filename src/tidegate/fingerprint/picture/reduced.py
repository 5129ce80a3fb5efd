"""PDQ of a picture that was decoded smaller than it is.

May decide: nothing; it computes. What it gives is for looking only: it differs from the value of the full size in a few
bits, so what it finds is hashed again at full size, and no signal is made from it.

A JPEG can be decoded at a half, a quarter or an eighth of its sides for little more than reading it. Hashing that
smaller picture as if it were one moves the value by up to 18 bits, for PDQ's blur is a whole number of pixels wide and
its points lie at whole pixels, and of a small picture those are other places than of the large one. So the blur of the
*full* size is used: all that PDQ does between pixels and points is one weighted sum along rows and one along columns
(two running means in a row make a tent), and each weight of a full-size pixel is given to the smaller pixel that
covers it. What is left is the rounding of sums, and what the decoder did to make a smaller picture: 0 bits at the
median, 2 to 4 in a hundredth of all cases (``benchmarks/pictures.py``).
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint import pdq_kernels as kernels
from tidegate.fingerprint.pdq import SMALLEST, Values, empty_values, luma_of, values_if_apart, values_of, window_of
from tidegate.fingerprint.pdq_kernels import Floats, Weights

#: Weights are the same for every picture of a size, and most uploads have one of a few sizes.
_SIZES_REMEMBERED: Final = 64
_CERTAIN_GAP: Final = 0.015
#: In pixels: small pictures are quickly hashed as the reference does.
_SMALLEST_CERTAIN: Final = 128


def pdq_of_reduced(grey: NDArray[np.uint8], rows: int, columns: int, scale: int) -> Values:
    """Hash a picture of the given full size from its luma, decoded smaller; in the order of the reference.

    Args:
        grey: luma of the smaller picture, shape (rows / scale, columns / scale), rounded up.
        rows: of the picture at full size.
        columns: of the picture at full size.
        scale: how many full-size pixels a pixel is high and wide.
    """
    if min(rows, columns) < SMALLEST:
        return empty_values()
    points = kernels.points_of(
        kernels.read_only(np.ascontiguousarray(grey)),
        _weights(rows, grey.shape[0], scale),
        _weights(columns, grey.shape[1], scale),
    )
    return values_of(points)


def pdq_if_certain(luma: Floats) -> Values | None:
    """Hash a picture of full size by the same sums, several times as fast as the reference's own way.

    The sums are rounded elsewhere than the reference rounds them, which moves its waves by up to 0.006 in all that was
    measured. A bit says on which side of the middle a wave lies, so where the two waves around the middle are further
    apart than twice that and more, in each rotation, the bits are the reference's. In one of six pictures they are not,
    and there is no answer.

    Args:
        luma: shape (rows, columns), as ``pdq.luma_of`` gives it.
    """
    rows, columns = luma.shape
    if min(rows, columns) < _SMALLEST_CERTAIN:
        return None
    points = kernels.points_of(luma, _weights(rows, rows, 1), _weights(columns, columns, 1))
    return values_if_apart(points, _CERTAIN_GAP)


def warm() -> None:
    """Compile or load every kernel."""
    grey = np.zeros((_SMALLEST_CERTAIN, _SMALLEST_CERTAIN), dtype=np.uint8)
    pdq_of_reduced(grey, *grey.shape, 1)
    pdq_if_certain(luma_of(grey))


@lru_cache(_SIZES_REMEMBERED)
def _weights(full: int, reduced: int, scale: int) -> Weights:
    dense = kernels.tents(full, reduced, scale, window_of(full))
    counts = dense > 0
    first = counts.argmax(axis=1)
    count = counts.sum(axis=1)
    weight = np.zeros((kernels.POINTS, int(count.max())), dtype=np.float32)
    for point in range(kernels.POINTS):
        weight[point, : count[point]] = dense[point, first[point] : first[point] + count[point]]
    return Weights(first=first, counts=count, weight=weight)
