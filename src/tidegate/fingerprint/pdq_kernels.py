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
    """Weigh red, green and blue by 0.299, 0.587 and 0.114."""
    rows, columns, _ = strip.shape
    out = np.empty((rows, columns), dtype=np.float32)
    # Flat, for only then does the compiler take eight at a time.
    bytes_, lumas = strip.reshape(rows * columns * 3), out.reshape(rows * columns)
    for pixel in range(rows * columns):
        lumas[pixel] = _weighed(bytes_[3 * pixel], bytes_[3 * pixel + 1], bytes_[3 * pixel + 2])
    return out


@kernel
def luma_and_greys(pixels: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.uint8]]:
    """Do the same where a pixel has a fourth byte, which says nothing; give the luma in whole greys, too."""
    rows, columns, _ = pixels.shape
    out, cut = np.empty((rows, columns), dtype=np.float32), np.empty((rows, columns), dtype=np.uint8)
    bytes_ = pixels.reshape(rows * columns * 4)
    lumas, greys = out.reshape(rows * columns), cut.reshape(rows * columns)
    for pixel in range(rows * columns):
        weighed = _weighed(bytes_[4 * pixel], bytes_[4 * pixel + 1], bytes_[4 * pixel + 2])
        lumas[pixel] = weighed
        greys[pixel] = np.uint8(weighed)
    return out, cut


@kernel
def _weighed(red: np.uint8, green: np.uint8, blue: np.uint8) -> np.float32:
    """Weigh one pixel.

    The reference does so in double precision and rounds once to single. Here whole thousandths are divided once, which
    is the same number for every colour (``tests/fingerprint/test_reduced.py`` tries all) and several times faster.
    """
    thousandths = np.float32(red) * np.float32(299) + np.float32(green) * np.float32(587)
    return (thousandths + np.float32(blue) * np.float32(114)) / np.float32(1000)


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
            # One by one: to say what a row could not be broadcast to takes the compiler two seconds.
            for point in range(POINTS):
                blur.points[steps[3], point] = out[point]
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
def dihedral_bits(waves: Floats) -> tuple[NDArray[np.uint8], float]:
    """Turn and flip the transform instead of the picture: a mirrored picture has its odd waves negated.

    Returns:
        The bits of all eight, and by how much the 128th and the 129th wave in order of size are apart in that of them
        where it is least.
    """
    bits = np.empty((8, WAVES * WAVES), dtype=np.uint8)
    signed = np.empty((WAVES, WAVES), dtype=np.float32)
    order = np.empty(WAVES * WAVES, dtype=np.float32)
    least = np.inf
    # Those of a pair have the same waves, in one of them on their side: that changes no order.
    for upright, on_its_side in ((0, 6), (5, 1), (2, 7), (4, 3)):
        for row in range(WAVES):
            for column in range(WAVES):
                value = waves[row, column]
                signed[row, column] = -value if negated(upright, row, column) else value
        # The 128th of 256: what the reference's search for the median ends at.
        for row in range(WAVES):
            for column in range(WAVES):
                order[row * WAVES + column] = signed[row, column]
        median = _part(order, WAVES * WAVES // 2 - 1)
        next_one = order[WAVES * WAVES // 2]
        for place in range(WAVES * WAVES // 2 + 1, WAVES * WAVES):
            next_one = min(next_one, order[place])
        least = min(least, float(next_one - median))
        for row in range(WAVES):
            for column in range(WAVES):
                above = signed[row, column] > median
                bits[upright, WAVES * WAVES - 1 - (row * WAVES + column)] = above
                bits[on_its_side, WAVES * WAVES - 1 - (column * WAVES + row)] = above
    return bits, least


@kernel
def _part(values: Floats, rank: int) -> np.float32:
    """Reorder values until the one that would stand at a rank stands there, all before it no larger (Hoare's FIND).

    To compile NumPy's own takes several times as long as all else that is done to 256 numbers.
    """
    low, high = 0, len(values) - 1
    while low < high:
        pivot, left, right = values[rank], low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while pivot < values[right]:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if right < rank:
            low = left
        if rank < left:
            high = right
    part: np.float32 = values[rank]
    return part


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
