"""The compiled half of matching texts: lookups, and the chain of shared places.

May decide: nothing; see ``text_table`` and ``alignment`` for what is computed and why.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letters import Hashes, Places

Counts = NDArray[np.int64]

_BITS: Final = 64
#: How far apart two gaps may be in length besides the slack: a share of the shorter, in eighths.
_SLACK_EIGHTHS: Final = 3
#: Seeds looked back over for the best one to go on from.
_LOOKED_BACK: Final = 64
#: A seed is worth its own letters at most, so that many near ones do not outweigh a straight line.
_SEED_LETTERS: Final = 24


@kernel
def _first(hashes: Hashes, buckets: Places, shift: np.uint64, value: np.uint64) -> np.int64:
    """Find the first entry that is not smaller."""
    bucket = np.int64(value >> shift)
    at, stop = np.int64(buckets[bucket]), np.int64(buckets[bucket + 1])
    while at < stop:
        middle = (at + stop) // 2
        if hashes[middle] < value:
            at = middle + 1
        else:
            stop = middle
    return at


@kernel
def _shift(buckets: Places) -> np.uint64:
    bits = 0
    while (1 << bits) < len(buckets) - 1:
        bits += 1
    return np.uint64(_BITS - bits)


@kernel
def ranges(hashes: Hashes, buckets: Places, values: Hashes, most: int) -> tuple[Counts, Counts]:
    """Say where each value begins and ends in the table; both equal where it is not. Of many, one too many is told."""
    shift = _shift(buckets)
    starts = np.zeros(len(values), dtype=np.int64)
    ends = np.zeros(len(values), dtype=np.int64)
    for index in range(len(values)):
        at = _first(hashes, buckets, shift, values[index])
        last = at
        while last < len(hashes) and hashes[last] == values[index] and last - at <= most:
            last += 1
        starts[index], ends[index] = at, last
    return starts, ends


@kernel
def gather(
    rows: Places, places: Places, starts: Counts, ends: Counts, first: Counts, times: Counts, asked: Places
) -> tuple[Places, Places, Places, Places]:
    """Pair the places of each hash in the table with its first places in the query."""
    total = 0
    for index in range(len(starts)):
        total += (ends[index] - starts[index]) * times[index]
    out = np.empty((4, total), dtype=np.int32)
    count = 0
    for index in range(len(starts)):
        for entry in range(starts[index], ends[index]):
            for repeat in range(times[index]):
                out[0, count] = rows[entry]
                out[1, count] = places[entry]
                out[2, count] = asked[first[index] + repeat]
                out[3, count] = index
                count += 1
    return out[0], out[1], out[2], out[3]


@kernel
def chain(asked: Places, known: Places, longest_gap: int, slack: int) -> tuple[Places, Places]:
    """Choose the heaviest chain of places that go forward in both texts."""
    count = len(asked)
    weight = np.zeros(count, dtype=np.float64)
    before = np.full(count, -1, dtype=np.int64)
    best = 0
    for index in range(count):
        weight[index] = _SEED_LETTERS
        for other in range(max(index - _LOOKED_BACK, 0), index):
            ahead, known_ahead = asked[index] - asked[other], known[index] - known[other]
            if ahead <= 0 or known_ahead <= 0 or ahead > longest_gap or known_ahead > longest_gap:
                continue
            shorter = min(ahead, known_ahead)
            drift = abs(ahead - known_ahead)
            if drift > slack + shorter * _SLACK_EIGHTHS // 8:
                continue
            through = weight[other] + min(shorter, _SEED_LETTERS) - 0.25 * drift
            if through > weight[index]:
                weight[index] = through
                before[index] = other
        if weight[index] > weight[best]:
            best = index
    steps = 0
    at = best if count else -1
    while at >= 0:
        steps += 1
        at = before[at]
    out = np.empty((2, steps), dtype=np.int32)
    at = best
    for step in range(steps - 1, -1, -1):
        out[0, step], out[1, step] = asked[at], known[at]
        at = before[at]
    return out[0], out[1]
