"""Moments of a video: which of its frames look different from each other. May decide: nothing; it counts."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel

Words = NDArray[np.uint64]
Rows = NDArray[np.int64]

_ODD: Final = np.uint64(0x5555555555555555)
_PAIRS: Final = np.uint64(0x3333333333333333)
_HALVES: Final = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONES: Final = np.uint64(0x0101010101010101)
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


@kernel
def _ones(word: np.uint64) -> int:
    """Count the ones of a word (Hacker's Delight, 5-1); the compiler knows this form for one instruction."""
    word = word - ((word >> _1) & _ODD)
    word = (word & _PAIRS) + ((word >> _2) & _PAIRS)
    word = (word + (word >> _4)) & _HALVES
    return np.int64((word * _ONES) >> _56)  # type: ignore[return-value]  # a whole number to the compiler


@kernel
def distinct(values: Words, least: int) -> int:
    """Count values that differ from every one counted before by at least so many bits."""
    leaders = np.empty(values.shape[0], dtype=np.int64)
    count = 0
    for row in range(values.shape[0]):
        new = True
        for leader in range(count):
            distance = 0
            for word in range(4):
                distance += _ones(values[row, word] ^ values[leaders[leader], word])
            if distance < least:
                new = False
                break
        if new:
            leaders[count] = row
            count += 1
    return count


@kernel
def moments(values: Words, least: int) -> Rows:
    """Number values in order: a value gets a new number when it differs from the last numbered anew by so much."""
    numbers = np.zeros(values.shape[0], dtype=np.int64)
    leader = 0
    for row in range(1, values.shape[0]):
        distance = 0
        for word in range(4):
            distance += _ones(values[row, word] ^ values[leader, word])
        numbers[row] = numbers[row - 1]
        if distance >= least:
            numbers[row] += 1
            leader = row
    return numbers
