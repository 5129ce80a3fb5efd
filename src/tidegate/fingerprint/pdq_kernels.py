"""The compiled half of PDQ: every loop over pixels, in the order and precision of the reference.

May decide: nothing. See ``pdq.py`` for what is computed and why rows stream through. These are compiled by
numba the first time they run (see ``compiled``); in the jail they are loaded before the door
closes.
"""

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel

Floats = NDArray[np.float32]
Item = TypeVar("Item", bound=np.generic)

#: The picture is reduced to 64 x 64 points, those to 16 x 16 waves; rows are blurred four abreast.
POINTS: Final = 64
WAVES: Final = 16
LANES: Final = 4


def read_only(array: NDArray[Item]) -> NDArray[Item]:
    """Give a read-only view: to the compiler it is another type, and only one is compiled before the jail."""
    view = array.view()
    view.flags.writeable = False
    return view


class Blur(NamedTuple):
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


class Weights(NamedTuple):
    """What each pixel along a side counts for each of 64 points, from the first that counts on.

    Shapes: first (64,), counts (64,), weight (64, the largest count).
    """

    first: NDArray[np.int64]
    counts: NDArray[np.int64]
    weight: Floats


@kernel
def luma(strip: NDArray[np.uint8]) -> Floats:
    """Weigh red, green and blue by 0.299, 0.587 and 0.114.

    The reference does so in double precision and rounds once to single. Here whole thousandths are divided once, which
    is the same number for every colour (``tests/fingerprint/test_pdq.py`` tries all of them) and several times faster.
    """
    rows, columns, _ = strip.shape
    out = np.empty((rows, columns), dtype=np.float32)
    # Flat, for only then does the compiler take eight at a time.
    bytes_, greys = strip.reshape(rows * columns * 3), out.reshape(rows * columns)
    for pixel in range(rows * columns):
        red, green, blue = bytes_[3 * pixel], bytes_[3 * pixel + 1], bytes_[3 * pixel + 2]
        thousandths = np.float32(red) * np.float32(299) + np.float32(green) * np.float32(587)
        thousandths += np.float32(blue) * np.float32(114)
        greys[pixel] = thousandths / np.float32(1000)
    return out


@kernel
def take(luma: Floats, blur: Blur) -> None:
    """Blur rows four abreast: each running mean waits for its last sum, but not for the others'."""
    rows = luma.shape[0]
    for start in range(0, rows, LANES):
        last = min(start + LANES, rows) - 1
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


@kernel
def finish(blur: Blur) -> None:
    """Let the rows out that wait for rows below them, of which there are none."""
    for _ in range(_ahead(blur.size[3])):
        _first_columns(blur, blur.lanes[0])
    _second_blur(blur)
    for _ in range(_ahead(blur.size[3])):
        _second_columns(blur, blur.narrow[0])


@kernel
def _ahead(window: int) -> int:
    """Count how many a running mean of this width looks ahead."""
    return (window + 2) // 2 - 1


@kernel
def _first_columns(blur: Blur, row: Floats) -> None:
    size, steps = blur.size, blur.steps
    out = blur.waiting[steps[2]]
    if _mean_along_columns(row, blur.first_ring, blur.first_sums, size[3], steps[0], size[0], out):
        steps[2] += 1
        if steps[2] == LANES:
            _second_blur(blur)
    steps[0] += 1


@kernel
def _second_blur(blur: Blur) -> None:
    """Blur the waiting rows again, where points are kept, and pass them on."""
    _mean_at_points(blur.waiting, blur.narrow, blur.size[2])
    for lane in range(blur.steps[2]):
        _second_columns(blur, blur.narrow[lane])
    blur.steps[2] = 0


@kernel
def _second_columns(blur: Blur, row: Floats) -> None:
    size, steps = blur.size, blur.steps
    out = blur.blurred
    if _mean_along_columns(row, blur.second_ring, blur.second_sums, size[3], steps[1], size[0], out):
        here = steps[1] - _ahead(size[3])
        while steps[3] < POINTS and _centre(steps[3], size[0]) == here:
            blur.points[steps[3]] = out
            steps[3] += 1
    steps[1] += 1


@kernel
def _centre(point: int, dimension: int) -> int:
    """Find the pixel in the middle of a 64th of the picture."""
    return (2 * point + 1) * dimension // (2 * POINTS)


@kernel
def _mean_along_columns(
    incoming: Floats, ring: Floats, sums: Floats, window: int, step: int, length: int, out: Floats
) -> bool:
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


@kernel
def _mean_along_rows(row0: Floats, row1: Floats, row2: Floats, row3: Floats, out: Floats, window: int) -> None:
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


@kernel
def _mean_at_points(rows: Floats, out: Floats, window: int) -> None:
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
            wanted = _centre(point, length) + ahead if point < POINTS else -1


@kernel
def tents(full: int, reduced: int, scale: int, window: int) -> NDArray[np.float64]:
    """Work out what each pixel of a side counts for each point after two running means, given to smaller pixels."""
    ahead = _ahead(window)
    behind = window - 1 - ahead
    weights = np.zeros((POINTS, reduced), dtype=np.float64)
    for point in range(POINTS):
        centre = _centre(point, full)
        first, last = max(centre - behind, 0), min(centre + ahead, full - 1)
        for middle in range(first, last + 1):
            start, end = max(middle - behind, 0), min(middle + ahead, full - 1)
            weight = 1.0 / ((last - first + 1) * (end - start + 1))
            for pixel in range(start, end + 1):
                weights[point, min(pixel // scale, reduced - 1)] += weight
    return weights


@kernel
def points_of(grey: NDArray[np.uint8] | Floats, down: Weights, across: Weights) -> Floats:
    """Take 64 x 64 points as weighted sums of a picture, along columns and then along rows."""
    columns = grey.shape[1]
    points = np.empty((POINTS, POINTS), dtype=np.float32)
    for point in range(POINTS):
        band = np.zeros(columns, dtype=np.float32)
        for place in range(down.counts[point]):
            weight, row = down.weight[point, place], grey[down.first[point] + place]
            for column in range(columns):
                band[column] += weight * np.float32(row[column])
        for other in range(POINTS):
            total, first = np.float32(0), across.first[other]
            for place in range(across.counts[other]):
                total += across.weight[other, place] * band[first + place]
            points[point, other] = total
    return points


@kernel
def quality(points: Floats) -> int:
    """Sum the steps between neighbours, in hundredths of the whole range, each cut to a whole number."""
    total = 0
    for row in range(POINTS):
        for column in range(POINTS):
            here = points[row, column]
            if row + 1 < POINTS:
                total += abs(_hundredths(here, points[row + 1, column]))
            if column + 1 < POINTS:
                total += abs(_hundredths(here, points[row, column + 1]))
    return min(total // 90, 100)


@kernel
def _hundredths(one: np.float32, other: np.float32) -> int:
    return int((one - other) * np.float32(100) / np.float32(255))


@kernel
def transform(points: Floats, cosines: Floats) -> Floats:
    """Take waves 1 to 16 of the cosine transform both ways; each sum runs over its terms in order."""
    halfway = np.zeros((WAVES, POINTS), dtype=np.float32)
    for wave in range(WAVES):
        for term in range(POINTS):
            for column in range(POINTS):
                halfway[wave, column] += cosines[wave, term] * points[term, column]
    waves = np.zeros((WAVES, WAVES), dtype=np.float32)
    for row in range(WAVES):
        for column in range(WAVES):
            total = np.float32(0)
            for term in range(POINTS):
                total += halfway[row, term] * cosines[column, term]
            waves[row, column] = total
    return waves


@kernel
def dihedral_bits(waves: Floats) -> NDArray[np.uint8]:
    """Turn and flip the transform instead of the picture: a mirrored picture has its odd waves negated."""
    bits = np.empty((8, WAVES * WAVES), dtype=np.uint8)
    turned = np.empty((WAVES, WAVES), dtype=np.float32)
    for variant in range(8):
        for row in range(WAVES):
            for column in range(WAVES):
                value = waves[row, column]
                if negated(variant, row, column):
                    value = -value
                if variant in (1, 3, 6, 7):
                    turned[column, row] = value
                else:
                    turned[row, column] = value
        flat = turned.reshape(-1)
        # The 128th of 256 in order of size: what the reference's search for the median ends at.
        median = np.sort(flat)[WAVES * WAVES // 2 - 1]
        for bit in range(WAVES * WAVES):
            bits[variant, bit] = flat[WAVES * WAVES - 1 - bit] > median
    return bits


@kernel
def least_gap(waves: Floats) -> float:
    """Say how far the 128th and the 129th wave in order of size are apart, in that of the eight where it is least."""
    least = np.inf
    turned = np.empty(WAVES * WAVES, dtype=np.float32)
    # The four others turn these on their side, which changes no order.
    for variant in (0, 2, 4, 5):
        for row in range(WAVES):
            for column in range(WAVES):
                value = waves[row, column]
                turned[row * WAVES + column] = -value if negated(variant, row, column) else value
        order = np.sort(turned)
        gap = float(order[WAVES * WAVES // 2] - order[WAVES * WAVES // 2 - 1])
        least = min(least, gap)
    return least


@kernel
def negated(variant: int, row: int, column: int) -> bool:
    """Say whether a rotation or flip, by its number, negates this wave."""
    if variant in (1, 5):
        return column % 2 == 0
    if variant in (3, 4):
        return row % 2 == 0
    if variant in (2, 7):
        return (row + column) % 2 == 1
    return False
