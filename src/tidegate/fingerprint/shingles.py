"""Shingles of a text, and the few of them that stand for it: winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003).

May decide: nothing. A *shingle* is a run of ``SHINGLE`` units of a text's letters (see ``letters``). A unit is one
letter; an ideograph says as much as a short word and counts as two, so that a run of four ideographs is a shingle, too.
Each shingle is hashed with one fixed permutation, and of every ``WINDOW`` shingles that follow each other the smallest
hash is kept: a min-wise sample like MinHash, taken in each window instead of once over the whole text. So two texts
that share any run of ``SHINGLE + WINDOW - 1`` units share a kept hash, wherever it stands and however long they
are: a known text in a longer post and a part of a known text are found alike, which one MinHash over the whole cannot
do.

A *sketch* (see ``text``) is the bottom-k sample of the kept hashes. All values are the same on every machine, for there
is no randomness here but ``_SEED``.
"""

from collections.abc import Callable
from typing import Final, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tidegate.fingerprint.letters import Codes

Hashes = NDArray[np.uint64]
Places = NDArray[np.int32]
Function = TypeVar("Function", bound=Callable[..., object])

SHINGLE: Final = 8
WINDOW: Final = 17
#: Chosen once and never changed, for what is stored must stay comparable: the first 64 bits of the fraction of pi.
_SEED: Final = np.uint64(0x243F6A8885A308D3)
#: Ideographs: CJK, its extensions and its compatibility forms.
_IDEOGRAPHS: Final = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


def kernel(function: Function) -> Function:
    """Compile, without any liberty that could alter a bit."""
    return cast("Function", njit(nogil=True, cache=True)(function))


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
    hashes, places, texts = _winnowed(split, np.append(first, np.int32(len(split))))
    return hashes, letters[places], texts


@kernel
def _winnowed(split: Codes, bounds: Places) -> tuple[Hashes, Places, Places]:
    """Winnow the texts between the bounds, each by itself."""
    # Never more than one for each shingle; usually one for nine.
    kept = np.empty(len(split), dtype=np.uint64)
    places = np.empty(len(split), dtype=np.int32)
    texts = np.empty(len(split), dtype=np.int32)
    count = 0
    for text in range(len(bounds) - 1):
        hashes = _hashes(split[bounds[text] : bounds[text + 1]])
        smallest = -1
        told = -1
        for last in range(len(hashes)):
            first = max(last - WINDOW + 1, 0)
            if smallest < first:
                smallest = first
                for index in range(first + 1, last + 1):
                    if hashes[index] <= hashes[smallest]:
                        smallest = index
            # Of equals the one that stands already: a text that repeats itself does not keep every shingle.
            elif hashes[last] < hashes[smallest]:
                smallest = last
            if smallest != told and (last >= WINDOW - 1 or last == len(hashes) - 1):
                kept[count] = hashes[smallest]
                places[count] = bounds[text] + smallest
                texts[count] = text
                count += 1
                told = smallest
    return kept[:count].copy(), places[:count].copy(), texts[:count].copy()


@kernel
def _hashes(split: Codes) -> Hashes:
    """Hash every shingle: a polynomial over its units, then mixed (the finaliser of splitmix64)."""
    factor = np.uint64(0x9E3779B97F4A7C15)
    out = np.empty(max(len(split) - SHINGLE + 1, 0), dtype=np.uint64)
    oldest = np.uint64(1)
    for _ in range(SHINGLE):
        oldest *= factor
    rolling = np.uint64(0)
    for index in range(len(split)):
        rolling = rolling * factor + np.uint64(split[index]) + np.uint64(1)
        if index >= SHINGLE:
            rolling -= oldest * (np.uint64(split[index - SHINGLE]) + np.uint64(1))
        if index >= SHINGLE - 1:
            mixed = rolling ^ _SEED
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            out[index - SHINGLE + 1] = mixed ^ (mixed >> np.uint64(31))
    return out
