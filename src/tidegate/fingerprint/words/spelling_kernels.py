"""The compiled half of spellings: the loops over a text's characters. May decide: nothing; see ``spelling``."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letter_kernels import longer, word_around
from tidegate.fingerprint.words.letter_table import CODES, DOUBTFUL, LETTER, MANY, SIGN, Codes, Entries
from tidegate.fingerprint.words.letters import Places
from tidegate.fingerprint.words.spelling import Lengths, Numbers

#: Numbers an alphabet has room for: all syllables of Hangul. Texts with more different characters are none that anybody
#: writes, and are known for that early. In ``known`` 0 is a character not met yet; from ``_FIRST`` on stand numbers.
_MOST_NUMBERS: Final = 0x4000
_NOISE: Final = 1
_FIRST: Final = 2
#: A character that becomes something else from place to place.
_DEPENDS: Final = 0xFFFF
#: Numbers, or letters of the alphabet, more than there is room for from the start.
_MORE: Final = 1024
#: Letters a character becomes at most, and more.
_MOST_AT_ONCE: Final = 64
_TWO: Final = 2
#: An alphabet with so many numbers may have no room for what one more character becomes.
_FULL: Final = _MOST_NUMBERS - _MOST_AT_ONCE
_BLOCK_BITS: Final = 8
#: Letters of a number that are written at once.
_FIRST_FEW: Final = 4


@kernel
def spell(  # noqa: C901 -- one loop: a call for each character costs as much as all the rest
    codes: Codes, entries: Entries, pool: Entries, words: NDArray[np.uint8], looks: Entries, known: NDArray[np.uint16]
) -> tuple[NDArray[np.uint16], Lengths, Codes, int]:
    """Spell the letters of a text; what they are is said by ``letter_kernels.read``.

    Args:
        codes: the text.
        entries: of the letter table, as are the next three.
        pool: of it.
        words: of it.
        looks: of it.
        known: zeros, for each code point as a character and, behind these, for each as a letter.

    Returns:
        The numbers; of the alphabet for each number how many letters it stands for, and these letters in a row; how
        many letters the text has, or -1 if the alphabet has no room for them.
    """
    out = np.empty(len(codes) + _MORE, dtype=np.uint16)
    lengths = np.empty(_MOST_NUMBERS, dtype=np.uint8)
    ends = np.empty(_MOST_NUMBERS, dtype=np.int32)
    letters = np.empty(_MOST_NUMBERS, dtype=np.uint32)
    count = met = word_end = 0
    disguised = False
    for index in range(len(codes)):
        code = codes[index]
        number = known[code]
        if number not in (0, _DEPENDS):
            # Noise is written, too, and the next number is written over it.
            out[count] = number - _FIRST
            count += number != _NOISE
            continue
        if number == 0:
            letters = _with_room(letters, ends, met)
            met = _meet(entries[code], pool, known, code, met, lengths, ends, letters)
            if met > _FULL:
                return out[:0], lengths[:0], letters[:0], -1
        # For once it is spelt letter by letter, as it always is if it depends on what is around it.
        entry = entries[code]
        if entry & DOUBTFUL:
            if index >= word_end:
                word_end, disguised = word_around(codes, words, index)
            entry = entries[looks[code]] if disguised else entry & ~DOUBTFUL
        first = np.int64(entry & LETTER)
        several = np.int64(pool[first]) if entry & MANY else np.int64(entry != 0)
        # Room for what is left, one number each, so that nothing else need ask.
        if count + several + len(codes) - index > len(out):
            out = longer(out)
        for which in range(1, several + 1):
            letter = pool[first + which] if entry & MANY else entry
            plain = letter & LETTER
            if letter & SIGN and (
                count == 0 or letters[ends[out[count - 1]] - 1] >> _BLOCK_BITS != plain >> _BLOCK_BITS
            ):
                continue
            if known[CODES + plain] == 0:
                letters = _with_room(letters, ends, met)
                met = _meet(plain, pool, known, CODES + plain, met, lengths, ends, letters)
            out[count] = known[CODES + plain] - _FIRST
            count += 1
        if met > _FULL:
            return out[:0], lengths[:0], letters[:0], -1
    end = ends[met - 1] if met else 0
    return out[:count], lengths[:met], letters[:end], letters_spelt(out[:count], lengths[:met])


@kernel
def _with_room(letters: Codes, ends: Places, met: int) -> Codes:
    """See that there is room for what one more character becomes."""
    return longer(letters) if met and ends[met - 1] + _MOST_AT_ONCE > len(letters) else letters


@kernel
def _meet(
    entry: np.uint32,
    pool: Entries,
    known: NDArray[np.uint16],
    code: np.uint32,
    met: int,
    lengths: Lengths,
    ends: Places,
    letters: Codes,
) -> int:
    """Take what a character becomes into the alphabet, if that is always the same; say how many are in there."""
    if entry == 0:
        known[code] = _NOISE
        return met
    many = entry & MANY != 0
    first = np.int64(entry & LETTER)
    several = np.int64(pool[first]) if many else 1
    # Two letters are spelt one by one, too: an alphabet of single letters, as most are then, is read much faster.
    depends = entry & DOUBTFUL != 0 or several == _TWO
    for which in range(1, several + 1):
        depends |= ((pool[first + which] if many else entry) & SIGN) != 0
    if depends:
        known[code] = _DEPENDS
        return met
    if not many and known[CODES + entry] != 0:
        known[code] = known[CODES + entry]
        return met
    end = ends[met - 1] if met else 0
    for which in range(several):
        letters[end + which] = pool[first + 1 + which] if many else entry
    lengths[met], ends[met] = several, end + several
    known[code] = met + _FIRST
    if not many:
        known[CODES + entry] = known[code]
    return met + 1


@kernel
def letters_spelt(numbers: Numbers, lengths: Lengths) -> int:
    """Count the letters numbers stand for; -1 if one of them is not in the alphabet."""
    if len(numbers) and numbers.max() >= len(lengths):
        return -1
    if len(lengths) == 0 or lengths.max() == 1:
        return len(numbers)
    total = 0
    for number in numbers:
        total += lengths[number]
    return total


@kernel
def write_out(numbers: Numbers, lengths: Lengths, letters: Codes, total: int) -> Codes:
    """Write the letters numbers stand for, ``total`` of them."""
    out = np.empty(total + _FIRST_FEW, dtype=np.uint32)
    if len(lengths) == len(letters):
        for index in range(len(numbers)):
            out[index] = letters[numbers[index]]
        return out[:total]
    begins = np.empty(len(lengths), dtype=np.int64)
    few = np.zeros((len(lengths), _FIRST_FEW), dtype=np.uint32)
    begin = 0
    for number in range(len(lengths)):
        begins[number] = begin
        for which in range(min(lengths[number], _FIRST_FEW)):
            few[number, which] = letters[begin + which]
        begin += lengths[number]
    count = 0
    for number in numbers:
        # As many of every one; where there are less, the next is written over the rest.
        for which in range(_FIRST_FEW):
            out[count + which] = few[number, which]
        for which in range(_FIRST_FEW, lengths[number]):
            out[count + which] = letters[begins[number] + which]
        count += lengths[number]
    return out[:total]
