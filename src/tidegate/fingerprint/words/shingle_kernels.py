"""The compiled half of shingles: every loop over units. May decide: nothing; see ``shingles`` for what is computed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letter_table import Codes
from tidegate.fingerprint.words.letters import Hashes, Places

#: Chosen once and never changed, for what is stored must stay comparable: the first 64 bits of the fraction of pi.
SEED: Final = np.uint64(0x243F6A8885A308D3)
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
#: Shingles hashed at a time, so that what lies between two steps stays in the processor's nearest memory.
_AT_ONCE: Final = 2048
_LARGEST: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
#: Bits of a hash sorted by at a time.
_DIGIT_BITS: Final = 11
_DIGITS: Final = 6
#: Digits of a hash that are rarely needed to sort it.
_LOWER_DIGITS: Final = 2
#: Ideographs: CJK, its extensions and its compatibility forms.
_IDEOGRAPHS: Final = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
#: Units whose second halves are counted together.
_BLOCK: Final = 16
#: The second half of an ideograph is another unit than the first, and than any character.
_SECOND_BIT: Final = np.uint32(31)
_SECOND: Final = np.uint32(1 << _SECOND_BIT)


@kernel
def ideographs(codes: Codes) -> int:
    """Count the letters that are two units."""
    largest = np.uint32(0)
    for code in codes:
        largest = max(largest, code)
    if largest < _IDEOGRAPHS[0][0]:
        return 0
    # Counted in as many bits as a letter has, so that many are counted at a time.
    of_these = np.uint32(0)
    for code in codes:
        of_these = np.uint32(of_these + _seconds(code))
    return np.int64(of_these)  # type: ignore[return-value]  # to a loop that is compiled it is one


@kernel
def _seconds(code: np.uint32) -> np.uint32:
    """Say whether a letter is two units: 1 or 0."""
    (first, last), (other, other_last), (further, furthest) = _IDEOGRAPHS
    within = np.uint32(code - np.uint32(first)) <= np.uint32(last - first)
    within |= np.uint32(code - np.uint32(other)) <= np.uint32(other_last - other)
    within |= np.uint32(code - np.uint32(further)) <= np.uint32(furthest - further)
    return np.uint32(within)


@kernel
def split_in_two(codes: Codes, twice: int) -> Codes:
    """Split letters into units, of which ``twice`` letters give two."""
    # The second half is written of every letter, and where there is none the next letter is written over it.
    split = np.empty(len(codes) + twice + 1, dtype=np.uint32)
    count = 0
    for index in range(len(codes)):
        split[count] = codes[index]
        split[count + 1] = codes[index] | _SECOND
        count += 1
        count += _seconds(codes[index]) != 0
    return split[:count]


@kernel
def letters_at(split: Codes, places: Places) -> Places:
    """Say of which letter each unit is."""
    # Counted in blocks first, for which there is no branch.
    before = np.zeros(len(split) // _BLOCK + 1, dtype=np.int64)
    for block in range(len(split) // _BLOCK):
        seconds = np.int64(0)
        for index in range(_BLOCK):
            seconds += split[_BLOCK * block + index] >> _SECOND_BIT
        before[block + 1] = before[block] + seconds
    out = np.empty(len(places), dtype=np.int32)
    for index in range(len(places)):
        block = places[index] // _BLOCK
        seconds = before[block]
        for at in range(_BLOCK * block, places[index] + 1):
            seconds += split[at] >> _SECOND_BIT
        out[index] = places[index] - seconds
    return out


@kernel
def units_at(split: Codes, letters: Places) -> Places:
    """Say at which unit each letter begins; letters are in order, and may be one more than there are."""
    out = np.empty(len(letters), dtype=np.int32)
    at, letter = 0, 0
    for index in range(len(letters)):
        while letter < letters[index]:
            at += 1
            letter += at == len(split) or not split[at] >> _SECOND_BIT
        out[index] = at
    return out


@kernel
def winnowed(split: Codes, bounds: Places, shingle: int, window: int) -> tuple[Hashes, Places, Places]:
    """Winnow the texts between the bounds, each by itself; lengths are in units and shingles."""
    # Never more than one for each shingle; usually one for nine. What is not written takes no memory.
    kept = np.empty(len(split), dtype=np.uint64)
    places = np.empty(len(split), dtype=np.int32)
    texts = np.empty(len(split), dtype=np.int32)
    # The hashes at hand, behind those of the window before them.
    near = np.empty(window + _AT_ONCE + shingle, dtype=np.uint64)
    fresh = near[window:]
    between = np.empty(_AT_ONCE + shingle, dtype=np.uint64)
    count = 0
    for text in range(len(bounds) - 1):
        start, shingles = bounds[text], bounds[text + 1] - bounds[text] - shingle + 1
        # Before the first hash stands what any hash takes the place of.
        near[_AT_ONCE:] = value = _LARGEST
        smallest = _AT_ONCE
        first = count
        count += shingles > 0
        for begin in range(0, shingles, _AT_ONCE):
            end = min(begin + _AT_ONCE, shingles)
            near[:window] = near[_AT_ONCE : _AT_ONCE + window]
            _hash(split[start + begin : start + end + shingle - 1], shingle, fresh, between)
            smallest -= _AT_ONCE
            # What is the smallest before the first window is full, only the last of it counts.
            full = window if begin == 0 else 0
            for index in range(end - begin):
                # The smallest is counted from the window before: there it leaves the window at hand.
                if index == smallest:
                    smallest = index + 1 + _smallest(near[index + 1 :], window)
                # Of equals the one that stands already: a text that repeats itself does not keep every shingle.
                elif fresh[index] < value:
                    smallest = index + window
                else:
                    continue
                value = near[smallest]
                count += index >= full
                kept[count - 1] = value
                places[count - 1] = start + begin + smallest - window
        texts[first:count] = text
    return kept[:count], places[:count], texts[:count]


@kernel
def _smallest(hashes: Hashes, window: int) -> int:
    """Find the smallest of a window, of equals the last."""
    value = hashes[0]
    for index in range(1, window):
        value = min(value, hashes[index])
    last = window - 1
    while hashes[last] != value:
        last -= 1
    return last


@kernel
def all_hashes(split: Codes, shingle: int) -> Hashes:
    """Hash every shingle."""
    count = max(len(split) - shingle + 1, 0)
    out, between = np.empty((2, count + shingle), dtype=np.uint64)
    if count:
        _hash(split, shingle, out, between)
    return out[:count]


@kernel
def _hash(split: Codes, shingle: int, out: Hashes, between: Hashes) -> None:
    """Hash every shingle: a polynomial over its units, then mixed (the finaliser of splitmix64).

    A polynomial over twice as many units is made of two, so that no step waits for the one before it; the length of a
    shingle is a power of two. Both arrays have room for a value for each unit.
    """
    made, other = out, between
    for index in range(len(split)):
        made[index] = np.uint64(split[index]) + np.uint64(1)
    width = 1
    power = _FACTOR
    while width < shingle:
        _double(made, other, width, len(split) - 2 * width + 1, power)
        made, other = other, made
        power *= power
        width *= 2
    for index in range(len(split) - shingle + 1):
        mixed = made[index] ^ SEED
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        out[index] = mixed ^ (mixed >> np.uint64(31))


@kernel
def _double(halves: Hashes, out: Hashes, width: int, count: int, power: np.uint64) -> None:
    second = halves[width:]
    for index in range(count):
        out[index] = halves[index] * power + second[index]


@kernel
def in_order(hashes: Hashes, places: Places) -> tuple[Hashes, Places]:
    """Sort hashes with their places; equal ones stay in the order they are in (radix sort: no hashes make it slow)."""
    # Few hashes are equal in these digits alone; where they are out of order then, all digits are sorted by.
    found, at = _by_digits(hashes, places, _LOWER_DIGITS)
    for index in range(1, len(found)):
        if found[index] < found[index - 1]:
            return _by_digits(hashes, places, 0)
    return found, at


@kernel
def _by_digits(hashes: Hashes, places: Places, first: int) -> tuple[Hashes, Places]:
    counts = np.zeros((_DIGITS, 1 << _DIGIT_BITS), dtype=np.int64)
    mask = np.uint64((1 << _DIGIT_BITS) - 1)
    for value in hashes:
        for digit in range(first, _DIGITS):
            counts[digit, (value >> np.uint64(digit * _DIGIT_BITS)) & mask] += 1
    made, made_places = hashes.copy(), places.copy()
    other, other_places = np.empty_like(made), np.empty_like(made_places)
    for digit in range(first, _DIGITS):
        starts = counts[digit]
        total = 0
        for index in range(len(starts)):
            total, starts[index] = total + starts[index], total
        shift = np.uint64(digit * _DIGIT_BITS)
        for index in range(len(hashes)):
            at = (made[index] >> shift) & mask
            other[starts[at]] = made[index]
            other_places[starts[at]] = made_places[index]
            starts[at] += 1
        made, other = other, made
        made_places, other_places = other_places, made_places
    return made, made_places


@kernel
def smallest_halves(ordered: Hashes, most: int) -> NDArray[np.uint32]:
    """Give the upper halves of sorted hashes, each once, no more than the smallest."""
    out = np.empty(min(len(ordered), most), dtype=np.uint32)
    count = 0
    for value in ordered:
        half = np.uint32(value >> np.uint64(32))
        if count == 0 or out[count - 1] != half:
            if count == most:
                break
            out[count] = half
            count += 1
    return out[:count].copy()
