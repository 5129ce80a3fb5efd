"""The compiled half of shingles: every loop over units. May decide: nothing; see ``shingles`` for what is computed."""

from typing import Final

import numpy as np

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letters import Codes, Hashes, Places

#: Chosen once and never changed, for what is stored must stay comparable: the first 64 bits of the fraction of pi.
SEED: Final = np.uint64(0x243F6A8885A308D3)


@kernel
def winnowed(split: Codes, bounds: Places, shingle: int, window: int) -> tuple[Hashes, Places, Places]:
    """Winnow the texts between the bounds, each by itself; lengths are in units and shingles."""
    # Never more than one for each shingle; usually one for nine.
    kept = np.empty(len(split), dtype=np.uint64)
    places = np.empty(len(split), dtype=np.int32)
    texts = np.empty(len(split), dtype=np.int32)
    count = 0
    for text in range(len(bounds) - 1):
        hashes = all_hashes(split[bounds[text] : bounds[text + 1]], shingle)
        smallest = -1
        told = -1
        for last in range(len(hashes)):
            first = max(last - window + 1, 0)
            if smallest < first:
                smallest = first
                for index in range(first + 1, last + 1):
                    if hashes[index] <= hashes[smallest]:
                        smallest = index
            # Of equals the one that stands already: a text that repeats itself does not keep every shingle.
            elif hashes[last] < hashes[smallest]:
                smallest = last
            if smallest != told and (last >= window - 1 or last == len(hashes) - 1):
                kept[count] = hashes[smallest]
                places[count] = bounds[text] + smallest
                texts[count] = text
                count += 1
                told = smallest
    return kept[:count].copy(), places[:count].copy(), texts[:count].copy()


@kernel
def all_hashes(split: Codes, shingle: int) -> Hashes:
    """Hash every shingle: a polynomial over its units, then mixed (the finaliser of splitmix64)."""
    factor = np.uint64(0x9E3779B97F4A7C15)
    out = np.empty(max(len(split) - shingle + 1, 0), dtype=np.uint64)
    oldest = np.uint64(1)
    for _ in range(shingle):
        oldest *= factor
    rolling = np.uint64(0)
    for index in range(len(split)):
        rolling = rolling * factor + np.uint64(split[index]) + np.uint64(1)
        if index >= shingle:
            rolling -= oldest * (np.uint64(split[index - shingle]) + np.uint64(1))
        if index >= shingle - 1:
            mixed = rolling ^ SEED
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            out[index - shingle + 1] = mixed ^ (mixed >> np.uint64(31))
    return out
