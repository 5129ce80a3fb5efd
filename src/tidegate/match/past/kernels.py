"""The compiled half of looking back: every loop over values. May decide: nothing; ``sketches.py`` says why.

A value is four 64-bit words, its first bit the highest of the first word.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.match.values.instructions import bits_set

Words = NDArray[np.uint64]
Blocks = NDArray[np.uint32]
Rows = NDArray[np.int64]

#: A picture has so many rotations and flips.
TURNS: Final = 8

#: Of a middle's words, these many are kept.
KEPT_WORDS: Final = 3

#: Which rotations and flips lay rows as columns; the others only change signs.
_ON_ITS_SIDE: Final = np.array([False, True, False, True, False, False, True, True])


@kernel
def near(values: Words, query: Words, radius: int, found: Rows) -> int:
    """Write down the rows within the radius of a query; give how many there are, which may be more than fit.

    Args:
        values: (n, 4).
        query: (4,).
        radius: most bits that may differ.
        found: (m,), for the rows.
    """
    count = 0
    for row in range(len(values)):
        # Of unlike values 64 of the first 128 bits differ on average: nearly all are dismissed by them.
        distance = bits_set(values[row, 0] ^ query[0]) + bits_set(values[row, 1] ^ query[1])
        if distance <= radius:
            distance += bits_set(values[row, 2] ^ query[2]) + bits_set(values[row, 3] ^ query[3])
            if distance <= radius:
                if count < len(found):
                    found[count] = row
                count += 1
    return count


@kernel
def near_middles(words: Words, queries: Words, most: int, found: Rows) -> int:
    """Write down the rows of middles that are as near to one of the turned queries; give how many there are.

    Args:
        words: (n, 3), the first 192 bits of each.
        queries: (3, 8), the same of each turned query, side by side.
        most: bits that may differ.
        found: (m,), for the rows, which may be more.
    """
    count = 0
    for row in range(len(words)):
        first, second, third = words[row, 0], words[row, 1], words[row, 2]
        nearest = np.int64(256)
        # Without a way out in between all eight are compared at once where the processor can.
        for turn in range(TURNS):
            distance = bits_set(first ^ queries[0, turn])
            distance += bits_set(second ^ queries[1, turn])
            distance += bits_set(third ^ queries[2, turn])
            nearest = min(nearest, distance)
        if nearest <= most:
            if count < len(found):
                found[count] = row
            count += 1
    return count


@kernel
def near_in_blocks(values: Words, blocks: Blocks, rows: Rows, query: Words, radius: int, found: Rows) -> int:
    """Look at all values of the blocks of some middles; write down those within the radius, and give how many.

    Never looks beyond the values, whatever the numbers in ``blocks`` say.

    Args:
        values: (n, 4).
        blocks: (b,), where the block of each middle begins among the values.
        rows: (c,), of the middles.
        query: (4,).
        radius: most bits that may differ.
        found: (8 c,), for the rows of values, some perhaps twice.
    """
    count = 0
    for row in rows:
        start = np.int64(blocks[row])
        for place in range(start, min(start + np.int64(TURNS), np.int64(len(values)))):
            distance = 0
            for word in range(4):
                distance += bits_set(values[place, word] ^ query[word])
            if distance <= radius:
                found[count] = place
                count += 1
    return count


@kernel
def turn_back(value: Words, turn: int, signs: Words, upright: Words) -> None:
    """Write down of which picture's value this would be the one turned or flipped so (``fingerprint/turned.py``).

    Args:
        value: (4,).
        turn: the number of the rotation or flip.
        signs: (8, 4), the bits that each of them negates.
        upright: (4,), written.
    """
    for word in range(4):
        upright[word] = value[word] ^ signs[turn, word]
    if _ON_ITS_SIDE[turn]:
        _lay_over(upright)


@kernel
def _lay_over(bits: Words) -> None:
    """Let the rows and columns of 16 by 16 bits trade places (Warren, Hacker's Delight, 7-3)."""
    row_mask = np.uint64(0xFFFF)
    rows = np.empty(16, dtype=np.uint64)
    for row in range(16):
        rows[row] = (bits[row // 4] >> np.uint64(48 - 16 * (row % 4))) & row_mask
    width, mask = 8, np.uint64(0x00FF)
    while width:
        step = np.uint64(width)
        row = 0
        while row < len(rows):
            other = row + width
            trade = (rows[row] ^ (rows[other] >> step)) & mask
            rows[row] ^= trade
            rows[other] ^= trade << step
            row = (other + 1) & ~width
        width //= 2
        mask ^= mask << np.uint64(width)
    for word in range(4):
        bits[word] = np.uint64(0)
        for row in range(4):
            bits[word] |= (rows[4 * word + row] & row_mask) << np.uint64(48 - 16 * row)


@kernel
def write_middles(values: Words, ends: Rows, signs: Words, slack: int, words: Words, blocks: Blocks) -> int:
    """Find middles so that each value, turned back, is near to one of its block's; give how many there are.

    Args:
        values: (n, 4).
        ends: (u,), where the values of each upload end.
        signs: (8, 4), the bits that each rotation or flip negates.
        slack: most bits by which a value may differ from its middle.
        words: (n, 3), written: the first 192 bits of each middle.
        blocks: (n,), written: where its block begins among the values.
    """
    upright = np.empty((TURNS, 4), dtype=np.uint64)
    covered = np.empty(TURNS, dtype=np.bool_)
    middle = np.empty(4, dtype=np.uint64)
    written = start = 0
    for end in ends:
        while start < end:
            size = min(end - start, TURNS)
            for turn in range(size):
                turn_back(values[start + turn], turn, signs, upright[turn])
                covered[turn] = False
            _middle_of(upright, size, middle)
            for _ in range(size + 1):
                some, left = _cover(upright, size, middle, slack, covered)
                if some:
                    for word in range(KEPT_WORDS):
                        words[written, word] = middle[word]
                    blocks[written] = start
                    written += 1
                if left < 0:
                    break
                middle[:] = upright[left]
            start += size
    return written


@kernel
def _cover(upright: Words, size: int, middle: Words, slack: int, covered: NDArray[np.bool_]) -> tuple[bool, int]:
    """Mark what is near to a middle; say whether some were not yet, and give the first that still is not, or -1."""
    some, left = False, -1
    for turn in range(size):
        if covered[turn]:
            continue
        distance = 0
        for word in range(4):
            distance += bits_set(upright[turn, word] ^ middle[word])
        if distance <= slack:
            covered[turn] = True
            some = True
        elif left < 0:
            left = turn
    return some, left


@kernel
def _middle_of(upright: Words, size: int, middle: Words) -> None:
    """Give each bit what most of eight have, and the first where they are even; of fewer than eight, the first."""
    middle[:] = upright[0]
    if size < TURNS:
        return
    for word in range(4):
        # The count of each bit's ones, its own binary digits in four words.
        ones = twos = fours = eights = np.uint64(0)
        for turn in range(TURNS):
            carry = upright[turn, word]
            ones, carry = ones ^ carry, ones & carry
            twos, carry = twos ^ carry, twos & carry
            fours, carry = fours ^ carry, fours & carry
            eights |= carry
        more = eights | (fours & (ones | twos))
        even = fours & ~ones & ~twos
        middle[word] = more | (even & upright[0, word])
