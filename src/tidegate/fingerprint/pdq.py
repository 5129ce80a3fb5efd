"""PDQ: a 256-bit value by which one sees that two pictures are the same picture.

May decide: nothing; it computes. A port of Meta's C++ reference (ThreatExchange, ``pdq/cpp/hashing``, BSD),
bit for bit: every sum is taken in the same order and the same 32-bit precision, so that our values are
everybody's values.

The reference blurs the whole picture twice (a running mean along rows, then along columns), keeps 64 x 64
points and transforms those. Here the rows stream through: only as many are kept as the running means look
back over (about 1/128 of the picture), and the second blur is computed only where a point is kept. The
numbers are the same. No ``fastmath`` and no fused multiply-add, which would alter bits; no threads, for the
jail has none.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint import pdq_kernels as kernels
from tidegate.fingerprint.model import Pdq, Rotation
from tidegate.fingerprint.pdq_kernels import Floats

#: Of the eight rotations and flips, in the order of the reference; the first is the picture as it is.
Values = tuple[tuple[Rotation, Pdq], ...]

#: Below this side the reference gives an empty value of quality 0.
SMALLEST: Final = 5


class PdqStream:
    """Takes a picture's rows in order, in strips of any height, and gives its value."""

    def __init__(self, rows: int, columns: int) -> None:
        over_rows, over_columns = window_of(columns), window_of(rows)
        self._hashable = min(rows, columns) >= SMALLEST
        # The reference leaves 64 x 64 input as it is: video frames come like that.
        self._as_is = rows == columns == kernels.POINTS
        self._taken = 0
        self._rows = rows
        self._blur = kernels.Blur(
            size=np.array([rows, columns, over_rows, over_columns], dtype=np.int64),
            steps=np.zeros(4, dtype=np.int64),
            lanes=_floats(kernels.LANES, columns),
            first_ring=_floats(over_columns, columns),
            first_sums=_floats(1, columns)[0],
            waiting=_floats(kernels.LANES, columns),
            narrow=_floats(kernels.LANES, kernels.POINTS),
            second_ring=_floats(over_columns, kernels.POINTS),
            second_sums=_floats(1, kernels.POINTS)[0],
            blurred=_floats(1, kernels.POINTS)[0],
            points=_floats(kernels.POINTS, kernels.POINTS),
        )

    def take(self, strip: NDArray[np.uint8] | Floats) -> None:
        """Take the next rows: red, green, blue as bytes (rows, columns, 3), or luma (rows, columns)."""
        luma = luma_of(strip)
        if self._as_is:
            self._blur.points[self._taken : self._taken + len(luma)] = luma
        elif self._hashable:
            kernels.take(luma, self._blur)
        self._taken += len(luma)

    def dihedral(self) -> Values:
        """Finish, and give the values of the picture's eight rotations and flips from one transform."""
        if self._taken != self._rows:
            raise ValueError("not all rows were taken")
        if not self._hashable:
            return empty_values()
        if not self._as_is:
            kernels.finish(self._blur)
        return values_of(self._blur.points)


def values_of(points: Floats) -> Values:
    """Transform 64 x 64 points, and give the values of the eight rotations and flips and their quality."""
    values = values_if_apart(points, 0.0)
    assert values is not None
    return values


def values_if_apart(points: Floats, gap: float) -> Values | None:
    """Do the same, but only where the two waves around the middle are so far apart in each rotation and flip."""
    bits, least = kernels.dihedral_bits(kernels.transform(points, _COSINES))
    if least < gap:
        return None
    quality = int(kernels.quality(points))
    packed = np.packbits(bits, axis=1)
    return tuple(
        (rotation, Pdq(value=row.tobytes(), quality=quality)) for rotation, row in zip(Rotation, packed, strict=True)
    )


def empty_values() -> Values:
    """Give what the reference gives for a picture too small to hash."""
    return tuple((rotation, Pdq(value=bytes(32), quality=0)) for rotation in Rotation)


def pdq(picture: NDArray[np.uint8] | Floats) -> Pdq:
    """Hash a picture: red, green, blue as bytes (rows, columns, 3), or luma (rows, columns)."""
    return pdq_dihedral(picture)[0][1]


def pdq_dihedral(picture: NDArray[np.uint8] | Floats) -> Values:
    """Hash a picture and its rotations and flips, in the order of the reference; the first is the picture."""
    stream = PdqStream(picture.shape[0], picture.shape[1])
    stream.take(picture)
    return stream.dihedral()


def warm() -> None:
    """Compile or load every kernel, for where nothing can be compiled any more."""
    for shape in ((70, 130, 3), (64, 64, 3), (70, 130)):
        pdq(np.zeros(shape, dtype=np.uint8))


def window_of(dimension: int) -> int:
    """Half of a 64th, rounded up: two running means of this width make a tent as wide as a point."""
    return (dimension + 2 * kernels.POINTS - 1) // (2 * kernels.POINTS)


def _floats(rows: int, columns: int) -> Floats:
    return np.zeros((rows, columns), dtype=np.float32)


def luma_of(strip: NDArray[np.uint8] | Floats) -> Floats:
    """Weigh red, green and blue of a strip; what is luma already stays as it is."""
    if strip.ndim == 2:  # noqa: PLR2004 -- rows and columns: luma already
        return kernels.read_only(np.ascontiguousarray(strip, dtype=np.float32))
    return kernels.read_only(kernels.luma(kernels.read_only(np.ascontiguousarray(strip, dtype=np.uint8))))


# As the reference does: the cosine in double precision, scaled, then rounded.
_COSINES: Final = kernels.read_only(
    np.array(
        [
            [
                float(np.float32(math.sqrt(2.0 / kernels.POINTS)))
                * math.cos((math.pi / 2.0 / kernels.POINTS) * (wave + 1) * (2 * point + 1))
                for point in range(kernels.POINTS)
            ]
            for wave in range(kernels.WAVES)
        ],
        dtype=np.float32,
    )
)
