"""The compiled half of matching texts: lookups, and the chain of shared places.

May decide: nothing; see ``table`` and ``alignment`` for what is computed and why.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letters import Hashes, Places

Counts = NDArray[np.int64]
#: A line for each entry of a table: the row of a known text, and the place in it.
Stands = NDArray[np.int32]

#: One bit for each of many buckets: whether it holds anything.
Marks = NDArray[np.uint64]
#: Values looked up at a time, so that what lies between two steps stays in the processor's nearest memory.
_AT_ONCE: Final = 1024
#: Marks in a word, in bits.
_WORD_BITS: Final = 6
_WORD: Final = (1 << _WORD_BITS) - 1

#: How far apart two gaps may be in length besides the slack: a share of the shorter, in eighths.
_SLACK_EIGHTHS: Final = 3
#: Seeds looked back over for the best one to go on from.
_LOOKED_BACK: Final = 64
#: A seed is worth its own letters at most, so that many near ones do not outweigh a straight line.
_SEED_LETTERS: Final = 24


@kernel
def bucket(value: np.uint64, bits: int) -> np.int64:
    """Give the bucket of a hash, of ``2 ** bits``; a larger hash never has a smaller one.

    Kept hashes are the smallest of many, so small ones are many: where among all a hash stands is about
    ``1 - (1 - hash) ** 16``, which fills all buckets about alike.
    """
    rest = np.uint64(0xFFFFFFFF) - (value >> np.uint64(32))
    for _ in range(4):
        rest = (rest * rest) >> np.uint64(32)
    return np.int64((np.uint64(0xFFFFFFFF) - rest) >> np.uint64(32 - bits))


@kernel
def bucketed(ordered: Hashes, bits: int) -> Places:
    """Say where each bucket of a sorted table begins, and where the last one ends."""
    begins = np.zeros((1 << bits) + 1, dtype=np.int32)
    for value in ordered:
        begins[bucket(value, bits) + 1] += 1
    for index in range(1 << bits):
        begins[index + 1] += begins[index]
    return begins


@kernel
def marked(ordered: Hashes, bits: int) -> Marks:
    """Mark which of ``2 ** bits`` buckets hold a hash; there are no fewer than a word has marks."""
    marks = np.zeros(1 << (bits - _WORD_BITS), dtype=np.uint64)
    for value in ordered:
        at = bucket(value, bits)
        marks[at >> _WORD_BITS] |= np.uint64(1) << np.uint64(at & _WORD)
    return marks


@kernel
def distinct(ordered: Hashes) -> tuple[Hashes, Places]:
    """Give each of sorted hashes once, and where it begins; behind them where the last one ends."""
    values = np.empty(len(ordered), dtype=np.uint64)
    begins = np.empty(len(ordered) + 1, dtype=np.int32)
    count = 0
    for index in range(len(ordered)):
        if index == 0 or ordered[index] != ordered[index - 1]:
            values[count] = ordered[index]
            begins[count] = index
            count += 1
    begins[count] = len(ordered)
    return values[:count], begins[: count + 1]


@kernel
def look_up(
    known: Hashes,
    begins: Places,
    buckets: Places,
    marks: Marks,
    bits: tuple[int, int],
    values: Hashes,
    most: int,
    starts: Places,
    ends: Places,
) -> None:
    """Write where each value begins and ends in the table, equal where it is not. Of many, one too many is told.

    Args:
        known: the hashes of the table, each once.
        begins: where in the table each begins; behind them where the last one ends.
        buckets: where in ``known`` each bucket begins.
        marks: which of many more, smaller buckets hold anything.
        bits: how many of each there are, in bits.
        values: what is looked up.
        most: how many are told.
        starts: where each value begins.
        ends: where it ends.
    """
    large, small = bits
    likely = np.empty(_AT_ONCE, dtype=np.int32)
    first = np.empty(_AT_ONCE, dtype=np.uint64)
    # Step by step for many at a time: in each but the last step none waits for what another reads.
    for begin in range(0, len(values), _AT_ONCE):
        count = 0
        for index in range(begin, min(begin + _AT_ONCE, len(values))):
            starts[index] = ends[index] = 0
            at = bucket(values[index], small)
            likely[count] = index
            # What has no mark is nowhere: most of a text nobody knows.
            count += (marks[at >> _WORD_BITS] >> np.uint64(at & _WORD)) & np.uint64(1) != 0
        for index in likely[:count]:
            at = bucket(values[index], large)
            starts[index], ends[index] = buckets[at], buckets[at + 1]
        for rank in range(count):
            first[rank] = known[min(starts[likely[rank]], len(known) - 1)]
        for rank in range(count):
            index = likely[rank]
            at, stop, value = np.int64(starts[index]), np.int64(ends[index]), values[index]
            # Mostly it is the first of its bucket.
            if first[rank] != value:
                at = _find(known, at, stop, value)
            if at < stop and known[at] == value:
                starts[index], ends[index] = begins[at], min(begins[at + 1], begins[at] + most + 1)
            else:
                starts[index], ends[index] = 0, 0


@kernel
def _find(known: Hashes, start: np.int64, stop: np.int64, value: np.uint64) -> np.int64:
    """Find the first that is no smaller than a value."""
    while start < stop:
        middle = (start + stop) >> np.int64(1)
        if known[middle] < value:
            start = middle + np.int64(1)
        else:
            stop = middle
    return start


@kernel
def rarest(
    starts: NDArray[np.int32], ends: NDArray[np.int32], begins: Places, limits: tuple[int, int, int]
) -> tuple[Counts, Counts]:
    """Choose the values whose places are paired, the rarest first, and say in how many pairs each is.

    Args:
        starts: where each value begins, a row for each table.
        ends: where it ends.
        begins: where in the query it begins.
        limits: places in the tables beyond which a value is no one's, places in the query that count, pairs in all.
    """
    most_texts, most_places, most_pairs = limits
    tables, count = starts.shape
    # Sorted by counting: how many values stand in so many places.
    standing = np.zeros(count, dtype=np.int64)
    before = np.zeros(most_texts + 2, dtype=np.int64)
    for index in range(count):
        for table in range(tables):
            standing[index] += ends[table, index] - starts[table, index]
        if 0 < standing[index] <= most_texts:
            before[standing[index] + 1] += 1
    for index in range(most_texts + 1):
        before[index + 1] += before[index]
    chosen = np.empty(before[most_texts + 1], dtype=np.int64)
    for index in range(count):
        if 0 < standing[index] <= most_texts:
            chosen[before[standing[index]]] = index
            before[standing[index]] += 1
    costs = np.empty(len(chosen), dtype=np.int64)
    pairs = 0
    for rank in range(len(chosen)):
        index = chosen[rank]
        costs[rank] = standing[index] * min(begins[index + 1] - begins[index], most_places)
        pairs += costs[rank]
        if pairs > most_pairs:
            return chosen[:rank], costs[:rank]
    return chosen, costs


@kernel
def gather(
    stands: Stands, starts: Places, ends: Places, begins: Places, chosen: Counts, asked: Places, most: int
) -> tuple[Places, Places, Places, Places]:
    """Pair the places of each chosen value in the table with its first places in the query.

    Returns:
        The row of a known text, the place in it, the place in the query, and the rank of the value.
    """
    total = 0
    for index in chosen:
        total += (ends[index] - starts[index]) * min(begins[index + 1] - begins[index], most)
    out = np.empty((4, total), dtype=np.int32)
    count = 0
    for rank in range(len(chosen)):
        index = chosen[rank]
        times = min(begins[index + 1] - begins[index], most)
        for entry in range(starts[index], ends[index]):
            for repeat in range(times):
                out[0, count] = stands[entry, 0]
                out[1, count] = stands[entry, 1]
                out[2, count] = asked[begins[index] + repeat]
                out[3, count] = rank
                count += 1
    return out[0], out[1], out[2], out[3]


@kernel
def likeliest(rows: Places, weights: NDArray[np.float32], alive: NDArray[np.bool_], most: int) -> Counts:
    """Give the rows for which most speaks, best first; of equals the lower one."""
    speaks = np.zeros(len(alive), dtype=np.float64)
    for index in range(len(rows)):
        speaks[rows[index]] += weights[index]
    best = np.empty(most + 1, dtype=np.int64)
    count = 0
    for row in range(len(alive)):
        if speaks[row] == 0 or not alive[row] or (count == most and speaks[row] <= speaks[best[most - 1]]):
            continue
        at = count
        while at > 0 and speaks[best[at - 1]] < speaks[row]:
            best[at] = best[at - 1]
            at -= 1
        best[at] = row
        count = min(count + 1, most)
    return best[:count].copy()


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
