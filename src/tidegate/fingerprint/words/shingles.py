"""Shingles of a text, and the few of them that stand for it: winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003).

May decide: nothing. A *shingle* is a run of ``SHINGLE`` units of a text's letters (see ``letters``). A unit is one
letter; an ideograph says as much as a short word and counts as two, so that a run of four ideographs is a shingle, too.
Each shingle is hashed with one fixed permutation, and of every ``WINDOW`` shingles that follow each other the smallest
hash is kept: a min-wise sample like MinHash, taken in each window instead of once over the whole text. So two texts
that share any run of ``SHINGLE + WINDOW - 1`` units share a kept hash, wherever it stands and however long they
are: a known text in a longer post and a part of a known text are found alike, which one MinHash over the whole cannot
do.

A *sketch* (see ``text``) is the bottom-k sample of the kept hashes. All values are the same on every machine, for there
is no randomness but a seed written down in ``shingle_kernels``.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.words.letters import Codes, Hashes, Places

SHINGLE: Final = 8
WINDOW: Final = 17
#: Ideographs: CJK, its extensions and its compatibility forms.
_IDEOGRAPHS: Final = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


def units(codes: Codes) -> tuple[Codes, Places]:
    """Split letters into units: (units, for each the index of its letter). An ideograph is two units."""
    twice = np.zeros(len(codes), dtype=bool)
    for first, last in _IDEOGRAPHS:
        twice |= (codes >= first) & (codes <= last)
    if not twice.any():
        return codes, np.arange(len(codes), dtype=np.int32)
    times = 1 + twice.astype(np.int64)
    letters = np.repeat(np.arange(len(codes), dtype=np.int32), times)
    split = codes[letters]
    second = np.zeros(len(letters), dtype=bool)
    second[1:] = letters[1:] == letters[:-1]
    # The second half is another unit than the first, and than any character.
    return np.where(second, split | np.uint32(1 << 31), split), letters


def length(codes: Codes) -> int:
    """Count the units of letters."""
    return len(units(codes)[0])


def lengths(codes: Codes, starts: Places) -> NDArray[np.int64]:
    """Count the units of texts that follow each other."""
    _, letters = units(codes)
    return np.diff(np.searchsorted(letters, np.append(starts, len(codes))))


def winnow(codes: Codes, starts: Places | None = None) -> tuple[Hashes, Places, Places]:
    """Keep the smallest hash of every window of one text, or of many that follow each other.

    A text shorter than a shingle has none; one shorter than a window has one.

    Args:
        codes: letters.
        starts: the index of the first letter of each text; None if they are one.

    Returns:
        The kept hashes, for each the index of the letter its shingle begins at, and the number of its text.
    """
    split, letters = units(codes)
    first = np.searchsorted(letters, np.zeros(1, dtype=np.int32) if starts is None else starts).astype(np.int32)
    # Only who winnows needs the compiler, and it must find its cache folder first.
    from tidegate.fingerprint.words.shingle_kernels import winnowed

    hashes, places, texts = winnowed(split, np.append(first, np.int32(len(split))), SHINGLE, WINDOW)
    return hashes, letters[places], texts
