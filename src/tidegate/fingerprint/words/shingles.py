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

from tidegate.fingerprint.words.letter_table import Codes
from tidegate.fingerprint.words.letters import Hashes, Places

SHINGLE: Final = 8
WINDOW: Final = 17


def units(codes: Codes) -> Codes:
    """Split letters into units; they are as many where each letter is one."""
    # Only who asks needs the compiler, and it must find its cache folder first.
    from tidegate.fingerprint.words.shingle_kernels import ideographs, split_in_two

    twice = ideographs(codes)
    return split_in_two(codes, twice) if twice else codes


def length(codes: Codes) -> int:
    """Count the units of letters."""
    from tidegate.fingerprint.words.shingle_kernels import ideographs

    return len(codes) + ideographs(codes)


def lengths(codes: Codes, starts: Places) -> NDArray[np.int64]:
    """Count the units of texts that follow each other."""
    from tidegate.fingerprint.words.shingle_kernels import units_at

    return np.diff(units_at(units(codes), np.append(starts, np.int32(len(codes))))).astype(np.int64)


def winnow(codes: Codes, starts: Places | None = None) -> tuple[Hashes, Places, Places]:
    """Keep the smallest hash of every window of one text, or of many that follow each other.

    A text shorter than a shingle has none; one shorter than a window has one.

    Args:
        codes: letters.
        starts: the index of the first letter of each text; None if they are one.

    Returns:
        The kept hashes, for each the index of the letter its shingle begins at, and the number of its text.
    """
    from tidegate.fingerprint.words.shingle_kernels import letters_at, units_at, winnowed

    split = units(codes)
    bounds = np.append(np.zeros(1, dtype=np.int32) if starts is None else starts, np.int32(len(split)))
    if starts is not None and len(split) > len(codes):
        bounds = units_at(split, np.append(starts, np.int32(len(codes))))
    hashes, places, texts = winnowed(split, bounds, SHINGLE, WINDOW)
    return hashes, places if len(split) == len(codes) else letters_at(split, places), texts
