"""The compiled half of letters: the one loop over a text's characters. May decide: nothing; see ``letters``."""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letter_table import (
    DOUBTFUL,
    IN_WORD,
    LATIN,
    LETTER,
    MANY,
    SCRIPTS_WITH_CAPITALS,
    SIGN,
    Codes,
    Entries,
    Offsets,
)

Buffer = TypeVar("Buffer", Codes, Offsets, NDArray[np.uint16])

#: Letters more than characters there is room for from the start.
_MORE: Final = 1024
_BLOCK_BITS: Final = 8


@kernel
def read(
    codes: Codes, entries: Entries, pool: Entries, words: NDArray[np.uint8], looks: Entries, with_origins: bool
) -> tuple[Codes, Offsets]:
    """Give the letters of a text, and for each the index of its character (of none, if those are not wanted)."""
    out = np.empty(len(codes) + _MORE, dtype=np.uint32)
    origins = np.empty(len(out) if with_origins else 0, dtype=np.int32)
    count = 0
    word_end = 0
    disguised = False
    for index in range(len(codes)):
        entry = entries[codes[index]]
        if entry > LETTER and entry & DOUBTFUL:
            if index >= word_end:
                word_end, disguised = word_around(codes, words, index)
            entry = entries[looks[codes[index]]] if disguised else entry & ~DOUBTFUL
        if entry <= LETTER:
            # Noise is written, too, and the next letter is written over it.
            out[count] = entry
            if with_origins:
                origins[count] = index
            count += entry != 0
            continue
        first = np.int64(entry & LETTER)
        several = np.int64(pool[first]) if entry & MANY else 1
        # Room for what is left, one letter each, so that single letters need not ask.
        if count + several + len(codes) - index > len(out):
            out = longer(out)
            origins = longer(origins)
        for which in range(1, several + 1):
            letter = pool[first + which] if entry & MANY else entry
            code = letter & LETTER
            if not letter & SIGN or (count > 0 and out[count - 1] >> _BLOCK_BITS == code >> _BLOCK_BITS):
                out[count] = code
                if with_origins:
                    origins[count] = index
                count += 1
    return out[:count], origins[: count if with_origins else 0]


@kernel
def word_around(codes: Codes, words: NDArray[np.uint8], inside: int) -> tuple[int, bool]:
    """Say where the word around a character ends, and whether there is a Latin letter in it."""
    latin = False
    first = inside
    while first >= 0 and _of_word(codes[first], words) & IN_WORD:
        latin |= (_of_word(codes[first], words) & LATIN) != 0
        first -= 1
    last = inside
    while last < len(codes) and _of_word(codes[last], words) & IN_WORD:
        latin |= (_of_word(codes[last], words) & LATIN) != 0
        last += 1
    return last, latin


@kernel
def _of_word(code: np.uint32, words: NDArray[np.uint8]) -> np.uint8:
    return words[code] if code < SCRIPTS_WITH_CAPITALS else np.uint8(0)


@kernel
def longer(buffer: Buffer) -> Buffer:
    """Copy a buffer into one of twice the room."""
    longer = np.empty(2 * len(buffer), buffer.dtype)
    longer[: len(buffer)] = buffer
    return longer
