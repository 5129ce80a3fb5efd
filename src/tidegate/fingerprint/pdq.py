"""PDQ: a 256-bit value by which one sees that two pictures are the same picture.

May decide: nothing; it computes. A port of Meta's C++ reference (ThreatExchange, ``pdq/cpp/hashing``, BSD), bit for
bit: every sum is taken in the same order and the same 32-bit precision, so that our values are everybody's values.

The reference blurs the whole picture twice (a running mean along rows, then along columns), keeps 64 x 64 points
and transforms those. Here the rows stream through: only as many are kept as the running means look back over
(about 1/128 of the picture), and the second blur is computed only where a point is kept. The numbers are the same.
No ``fastmath`` and no fused multiply-add, which would alter bits; no threads, for the jail has none.
"""

import math
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tidegate.fingerprint.model import Pdq, Rotation

Floats = NDArray[np.float32]
Item = TypeVar("Item", bound=np.generic)

_POINTS: Final = 64
_WAVES: Final = 16
#: Below this side the reference gives an empty value of quality 0.
_SMALLEST: Final = 5
_LANES: Final = 4


class _Blur(NamedTuple):
    """Where the stream stands. Arrays only, so that one compiled kernel serves every size."""

    #: Rows, columns, running mean over rows, running mean over columns: all in pixels of the picture.
    size: NDArray[np.int64]
    #: Steps taken by the first and by the second column blur, rows waiting, rows of points done.
    steps: NDArray[np.int64]
    lanes: Floats
    first_ring: Floats
    first_sums: Floats
    waiting: Floats
    narrow: Floats
    second_ring: Floats
    second_sums: Floats
    blurred: Floats
    points: Floats


class PdqStream:
    """Takes a picture's rows in order, in strips of any height, and gives its value."""

    def __init__(self, rows: int, columns: int) -> None:
        over_rows, over_columns = _window(columns), _window(rows)
        self._hashable = min(rows, columns) >= _SMALLEST
        # The reference leaves 64 x 64 input as it is: video frames come like that.
        self._as_is = rows == columns == _POINTS
        self._taken = 0
        self._rows = rows
        self._blur = _Blur(
            size=np.array([rows, columns, over_rows, over_columns], dtype=np.int64),
            steps=np.zeros(4, dtype=np.int64),
            lanes=_floats(_LANES, columns),
            first_ring=_floats(over_columns, columns),
            first_sums=_floats(1, columns)[0],
            waiting=_floats(_LANES, columns),
            narrow=_floats(_LANES, _POINTS),
            second_ring=_floats(over_columns, _POINTS),
            second_sums=_floats(1, _POINTS)[0],
            blurred=_floats(1, _POINTS)[0],
            points=_floats(_POINTS, _POINTS),
        )

    def take(self, strip: NDArray[np.uint8] | Floats) -> None:
        """Take the next rows: red, green, blue as bytes (rows, columns, 3), or luma (rows, columns)."""
        luma = _luma_of(strip)
        if self._as_is:
            self._blur.points[self._taken : self._taken + len(luma)] = luma
        elif self._hashable:
            _take(luma, self._blur)
        self._taken += len(luma)

    def dihedral(self) -> tuple[tuple[Rotation, Pdq], ...]:
        """Finish, and give the values of the picture's eight rotations and flips from one transform."""
        if self._taken != self._rows:
            raise ValueError("not all rows were taken")
        if not self._hashable:
            return tuple((rotation, Pdq(value=bytes(32), quality=0)) for rotation in Rotation)
        if not self._as_is:
            _finish(self._blur)
        points = self._blur.points
        bits = np.packbits(_dihedral_bits(_transform(points, _COSINES)), axis=1)
        quality = int(_quality(points))
        return tuple(
            (rotation, Pdq(value=row.tobytes(), quality=quality))
            for rotation, row in zip(Rotation, bits, strict=True)
        )


def pdq(picture: NDArray[np.uint8] | Floats) -> Pdq:
    """Hash a picture: red, green, blue as bytes (rows, columns, 3), or luma (rows, columns)."""
    return pdq_dihedral(picture)[0][1]


def pdq_dihedral(picture: NDArray[np.uint8] | Floats) -> tuple[tuple[Rotation, Pdq], ...]:
    """Hash a picture and its rotations and flips, in the order of the reference; the first is the picture."""
    stream = PdqStream(picture.shape[0], picture.shape[1])
    stream.take(picture)
    return stream.dihedral()


def warm() -> None:
    """Compile or load every kernel, for where nothing can be compiled any more."""
    for shape in ((70, 130, 3), (64, 64, 3), (70, 130)):
        pdq(np.zeros(shape, dtype=np.uint8))


def _window(dimension: int) -> int:
    """Half of a 64th, rounded up: two running means of this width make a tent as wide as a point."""
    return (dimension + 2 * _POINTS - 1) // (2 * _POINTS)


def _floats(rows: int, columns: int) -> Floats:
    return np.zeros((rows, columns), dtype=np.float32)


def _luma_of(strip: NDArray[np.uint8] | Floats) -> Floats:
    if strip.ndim == 2:  # noqa: PLR2004 -- rows and columns: luma already
        return _read_only(np.ascontiguousarray(strip, dtype=np.float32))
    return _read_only(_luma(_read_only(np.ascontiguousarray(strip, dtype=np.uint8))))


def _read_only(array: NDArray[Item]) -> NDArray[Item]:
    """Give a read-only view: to the compiler it is another type, and only one is compiled before the jail."""
    view = array.view()
    view.flags.writeable = False
    return view


# As the reference does: the cosine in double precision, scaled, then rounded.
_COSINES: Final = _read_only(
    np.array(
        [
            [
                float(np.float32(math.sqrt(2.0 / _POINTS)))
                * math.cos((math.pi / 2.0 / _POINTS) * (wave + 1) * (2 * point + 1))
                for point in range(_POINTS)
            ]
            for wave in range(_WAVES)
        ],
        dtype=np.float32,
    )
)


@njit(nogil=True, cache=True)
def _luma(strip):
    rows, columns, _ = strip.shape
    luma = np.empty((rows, columns), dtype=np.float32)
    for row in range(rows):
        for column in range(columns):
            red, green, blue = strip[row, column, 0], strip[row, column, 1], strip[row, column, 2]
            # In double precision, rounded once: what NumPy does with these factors in the Python reference.
            luma[row, column] = np.float32(red * 0.299 + green * 0.587 + blue * 0.114)
    return luma


@njit(nogil=True, cache=True)
def _take(luma, blur):
    """Blur strips of rows, four abreast: each running mean waits for its last sum, four do not wait together."""
    rows = luma.shape[0]
    for start in range(0, rows, _LANES):
        last = min(start + _LANES, rows) - 1
        _mean_along_rows(
            luma[start],
            luma[min(start + 1, last)],
            luma[min(start + 2, last)],
            luma[min(start + 3, last)],
            blur.lanes,
            blur.size[2],
        )
        for lane in range(last + 1 - start):
            _first_columns(blur, blur.lanes[lane])


@njit(nogil=True, cache=True)
def _finish(blur):
    """Let the rows out that wait for rows below them, of which there are none."""
    for _ in range(_ahead(blur.size[3])):
        _first_columns(blur, blur.lanes[0])
    _second_blur(blur)
    for _ in range(_ahead(blur.size[3])):
        _second_columns(blur, blur.narrow[0])


@njit(nogil=True, cache=True)
def _ahead(window):
    """Count how many a running mean of this width looks ahead."""
    return (window + 2) // 2 - 1


@njit(nogil=True, cache=True)
def _first_columns(blur, row):
    size, steps = blur.size, blur.steps
    out = blur.waiting[steps[2]]
    if _mean_along_columns(row, blur.first_ring, blur.first_sums, size[3], steps[0], size[0], out):
        steps[2] += 1
        if steps[2] == _LANES:
            _second_blur(blur)
    steps[0] += 1


@njit(nogil=True, cache=True)
def _second_blur(blur):
    """Blur the waiting rows again, where points are kept, and pass them on."""
    _mean_at_points(blur.waiting, blur.narrow, blur.size[2])
    for lane in range(blur.steps[2]):
        _second_columns(blur, blur.narrow[lane])
    blur.steps[2] = 0


@njit(nogil=True, cache=True)
def _second_columns(blur, row):
    size, steps = blur.size, blur.steps
    out = blur.blurred
    if _mean_along_columns(row, blur.second_ring, blur.second_sums, size[3], steps[1], size[0], out):
        here = steps[1] - _ahead(size[3])
        while steps[3] < _POINTS and _centre(steps[3], size[0]) == here:
            blur.points[steps[3]] = out
            steps[3] += 1
    steps[1] += 1


@njit(nogil=True, cache=True)
def _centre(point, dimension):
    """Find the pixel in the middle of a 64th of the picture."""
    return (2 * point + 1) * dimension // (2 * _POINTS)


@njit(nogil=True, cache=True)
def _mean_along_columns(incoming, ring, sums, window, step, length, out):
    """Take one row into the running means of all columns; say whether a row came out."""
    slot = step % window
    old = ring[slot]
    if step >= length:
        for column in range(sums.shape[0]):
            sums[column] -= old[column]
    elif step < window:
        for column in range(sums.shape[0]):
            sums[column] += incoming[column]
            old[column] = incoming[column]
    else:
        for column in range(sums.shape[0]):
            sums[column] = (sums[column] + incoming[column]) - old[column]
            old[column] = incoming[column]
    if step < _ahead(window):
        return False
    count = np.float32(min(step + 1, window, window - 1 - step + length))
    for column in range(sums.shape[0]):
        out[column] = sums[column] / count
    return True


@njit(nogil=True, cache=True)
def _mean_along_rows(row0, row1, row2, row3, out, window):
    length = row0.shape[0]
    ahead = _ahead(window)
    sum0 = sum1 = sum2 = sum3 = np.float32(0)
    for step in range(length + ahead):
        if step < length:
            sum0 += row0[step]
            sum1 += row1[step]
            sum2 += row2[step]
            sum3 += row3[step]
        if step >= window:
            sum0 -= row0[step - window]
            sum1 -= row1[step - window]
            sum2 -= row2[step - window]
            sum3 -= row3[step - window]
        if step >= ahead:
            count = np.float32(min(step + 1, window, window - 1 - step + length))
            out[0, step - ahead] = sum0 / count
            out[1, step - ahead] = sum1 / count
            out[2, step - ahead] = sum2 / count
            out[3, step - ahead] = sum3 / count


@njit(nogil=True, cache=True)
def _mean_at_points(rows, out, window):
    """Take the running means of four rows, and divide only where a point is kept."""
    length = rows.shape[1]
    ahead = _ahead(window)
    sum0 = sum1 = sum2 = sum3 = np.float32(0)
    point = 0
    wanted = _centre(0, length) + ahead
    for step in range(length + ahead):
        if step < length:
            sum0 += rows[0, step]
            sum1 += rows[1, step]
            sum2 += rows[2, step]
            sum3 += rows[3, step]
        if step >= window:
            sum0 -= rows[0, step - window]
            sum1 -= rows[1, step - window]
            sum2 -= rows[2, step - window]
            sum3 -= rows[3, step - window]
        while step == wanted:
            count = np.float32(min(step + 1, window, window - 1 - step + length))
            out[0, point] = sum0 / count
            out[1, point] = sum1 / count
            out[2, point] = sum2 / count
            out[3, point] = sum3 / count
            point += 1
            wanted = _centre(point, length) + ahead if point < _POINTS else -1


@njit(nogil=True, cache=True)
def _quality(points):
    """Sum the steps between neighbours, in hundredths of the whole range, each cut to a whole number."""
    total = 0
    for row in range(_POINTS):
        for column in range(_POINTS):
            here = points[row, column]
            if row + 1 < _POINTS:
                total += abs(_hundredths(here, points[row + 1, column]))
            if column + 1 < _POINTS:
                total += abs(_hundredths(here, points[row, column + 1]))
    return min(total // 90, 100)


@njit(nogil=True, cache=True)
def _hundredths(one, other):
    return int((one - other) * np.float32(100) / np.float32(255))


@njit(nogil=True, cache=True)
def _transform(points, cosines):
    """Take waves 1 to 16 of the cosine transform both ways; each sum runs over its terms in order."""
    halfway = np.zeros((_WAVES, _POINTS), dtype=np.float32)
    for wave in range(_WAVES):
        for term in range(_POINTS):
            for column in range(_POINTS):
                halfway[wave, column] += cosines[wave, term] * points[term, column]
    waves = np.zeros((_WAVES, _WAVES), dtype=np.float32)
    for row in range(_WAVES):
        for column in range(_WAVES):
            total = np.float32(0)
            for term in range(_POINTS):
                total += halfway[row, term] * cosines[column, term]
            waves[row, column] = total
    return waves


@njit(nogil=True, cache=True)
def _dihedral_bits(waves):
    """Turn and flip the transform instead of the picture: a mirrored picture has its odd waves negated."""
    bits = np.empty((8, _WAVES * _WAVES), dtype=np.uint8)
    turned = np.empty((_WAVES, _WAVES), dtype=np.float32)
    for variant in range(8):
        for row in range(_WAVES):
            for column in range(_WAVES):
                value = waves[row, column]
                if _negated(variant, row, column):
                    value = -value
                if variant in (1, 3, 6, 7):
                    turned[column, row] = value
                else:
                    turned[row, column] = value
        flat = turned.reshape(-1)
        # The 128th of 256 in order of size: what the reference's search for the median ends at.
        median = np.sort(flat)[_WAVES * _WAVES // 2 - 1]
        for bit in range(_WAVES * _WAVES):
            bits[variant, bit] = flat[_WAVES * _WAVES - 1 - bit] > median
    return bits


@njit(nogil=True, cache=True)
def _negated(variant, row, column):
    if variant in (1, 5):
        return column % 2 == 0
    if variant in (3, 4):
        return row % 2 == 0
    if variant in (2, 7):
        return (row + column) % 2 == 1
    return False
