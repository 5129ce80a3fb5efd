"""The compiled half of looking back: one pass over all values there are. May decide: nothing.

A value's first half stands apart from its second: the first 128 bits of two unlike values differ in 64 on average, so
nearly all are dismissed having read half of them, and what a scan waits for is the memory.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel

Halves = NDArray[np.uint64]


@kernel
def _ones(word: Any) -> Any:  # noqa: ANN401 - a 64-bit word, in compiled code
    """Count the ones of a word (Warren, Hacker's Delight, 5-1); the compiler knows the pattern as one instruction."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@kernel
def near(first: Halves, second: Halves, query: Halves, radius: int, found: NDArray[np.int64]) -> int:
    """Write down the rows within the radius of a query; give how many there are, which may be more than fit.

    Args:
        first: (n, 2), the first 128 bits of each value.
        second: (n, 2), the others.
        query: (4,).
        radius: most bits that may differ.
        found: (m,), for the rows.
    """
    count = 0
    limit = np.uint64(radius)
    for row in range(first.shape[0]):
        distance = _ones(first[row, 0] ^ query[0]) + _ones(first[row, 1] ^ query[1])
        if distance <= limit:
            distance += _ones(second[row, 0] ^ query[2]) + _ones(second[row, 1] ^ query[3])
            if distance <= limit:
                if count < found.shape[0]:
                    found[count] = row
                count += 1
    return count
