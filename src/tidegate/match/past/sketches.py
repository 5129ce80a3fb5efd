"""Sketches of past uploads: a tenth of their bytes, read whole, so that all else is read only where it may matter.

May decide: nothing; it computes. An upload keeps eight values, of the picture and its seven rotations and flips. Turned
back, they are nearly the same value: turning a picture lets the bits of its value trade places and negates some, but
for a few bits (``fingerprint/turned.py``). So one *middle* stands for the eight: for each block of up to eight values
of an upload, middles are kept so that each value, turned back as its place in the block says, is within ``SLACK`` bits
of one of them. That is no assumption but checked for every value when the middles are made: a picture of another kind,
or one made to deceive, merely has more of them, eight at most.

Nothing is missed. Write T for the turn of a value v's place and b for a middle it is within the slack of: the distance
from T⁻¹(v) to b is at most SLACK. T lets bits trade places and negates some, so that it keeps distances. Where a query
q is within a radius r of v, T⁻¹(q) is within r of T⁻¹(v), and hence within r + SLACK of b; and in the first 192 bits
they differ in no more than in all. So every middle is compared with all eight turned-back queries in its first 192
bits, which alone are kept, and all values of its block are looked at where any is as near as r + SLACK. Random values
differ there in 96 of 192 bits, 7 more or less: at r = 31, one comparison in 300 million goes that far by chance.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq_kernels import read_only
from tidegate.fingerprint.turned import turned
from tidegate.match.past import kernels
from tidegate.match.past.kernels import KEPT_WORDS, TURNS, Words

#: Bits by which a value may differ from its middle. Of 220 real and made pictures 99 % are that near, half within 8.
SLACK: Final = 24

#: The bits that each rotation or flip negates: what it makes of a value without any ones.
_SIGNS: Final = read_only(
    np.stack(
        [
            np.frombuffer(turned(np.zeros((1, 32), np.uint8), rotation).tobytes(), ">u8").astype(np.uint64)
            for rotation in Rotation
        ]
    )
)


class Sketches(NamedTuple):
    """The middles of some values.

    Attributes:
        words: (n, 3), the first 192 bits of each.
        blocks: (n,), ascending, where its block begins among the values.
    """

    words: Words
    blocks: NDArray[np.uint32]


def sketches_of(values: Words, ends: NDArray[np.int64]) -> Sketches:
    """Find the middles of values (n, 4); those of each upload end where ``ends`` says."""
    words = np.empty((len(values), KEPT_WORDS), dtype=np.uint64)
    blocks = np.empty(len(values), dtype=np.uint32)
    count = kernels.write_middles(read_only(values), read_only(ends), _SIGNS, SLACK, words, blocks)
    return Sketches(words[:count].copy(), blocks[:count].copy())


def turned_back(value: Words) -> Words:
    """Give the values (8, 4) of which this one (4,) would be each rotation and flip."""
    every = np.empty((TURNS, 4), dtype=np.uint64)
    for turn in range(TURNS):
        kernels.turn_back(read_only(value), turn, _SIGNS, every[turn])
    return every


def candidates(sketches: Sketches, value: Words, radius: int) -> NDArray[np.int64]:
    """Give the rows of all middles whose blocks may have a value within the radius of this one, ascending."""
    # As they are in files: for arrays that could be written to the loops would be compiled once more.
    words, queries = read_only(sketches.words), read_only(np.ascontiguousarray(turned_back(value)[:, :KEPT_WORDS].T))
    found = np.empty(_MOST_FOUND, dtype=np.int64)
    count = kernels.near_middles(words, queries, radius + SLACK, found)
    if count > len(found):
        found = np.empty(count, dtype=np.int64)
        kernels.near_middles(words, queries, radius + SLACK, found)
    return found[:count]


def without(sketches: Sketches, kept: NDArray[np.bool_]) -> Sketches:
    """Leave out the middles of values that are left out; the blocks of the others begin earlier then."""
    stays = kept[sketches.blocks]
    before = np.cumsum(~kept)
    blocks = sketches.blocks[stays]
    return Sketches(sketches.words[stays], blocks - before[blocks].astype(np.uint32))


def joined(before: Sketches, after: Sketches, values_before: int) -> Sketches:
    """Put middles together; the values of the second come after so many of the first."""
    return Sketches(
        np.concatenate([before.words, after.words]),
        np.concatenate([before.blocks, after.blocks + np.uint32(values_before)]),
    )


_MOST_FOUND: Final = 4096
