"""How the letters of a text leave the jail: spelt in an alphabet of the text's own.

May decide: whether a spelling is well formed; a child that wrote it is not believed. What the letters are is decided in
``letters``.

The *alphabet* holds what the characters of this text become, each once: mostly one letter, of a Hangul syllable
several, of some ligatures fifteen. The text is then a *number* for each character, of one byte where the alphabet is
small, as those of Latin, Greek, Cyrillic, Arabic and Hebrew are, else of two. So a text made of characters that stand
for many letters is not larger on its way than the text itself, and nothing is encoded and decoded. A text with more
different characters than languages have is sent letter by letter, four bytes each.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.words.letter_table import CODES, Codes, letter_table
from tidegate.fingerprint.words.letters import codes_of, letters_of

Numbers = NDArray[np.uint8] | NDArray[np.uint16]
Lengths = NDArray[np.uint8]

#: Bytes of a number, entries of the alphabet, letters in it; then the letters, the numbers, the lengths.
_HEAD: Final = struct.Struct("<III")
_TYPES: Final[dict[int, Any]] = {1: np.dtype("<u1"), 2: np.dtype("<u2")}
_LETTER: Final = np.dtype("<u4")
_OF_ONE_BYTE: Final = 0x100
#: Characters below which an alphabet is not worth making.
FEW: Final = 4096
_FIRST_SURROGATE, _SURROGATES = np.uint32(0xD800), 0x800


@dataclass(frozen=True, slots=True)
class Spelling:
    """Letters of a text.

    Attributes:
        numbers: of the alphabet, in the order of the text; None if ``letters`` are the text.
        lengths: how many letters each number stands for.
        letters: of the alphabet, in the order of the numbers.
        count: how many letters the text has.
    """

    numbers: Numbers | None
    lengths: Lengths
    letters: Codes
    count: int

    @property
    def codes(self) -> Codes:
        """Write the letters out, to be read only."""
        # Only who reads texts needs the compiler, and it must find its cache folder first.
        from tidegate.fingerprint.words.spelling_kernels import write_out

        if self.numbers is None:
            return self.letters
        out = write_out(self.numbers, self.lengths, self.letters, self.count)
        out.flags.writeable = False
        return out

    def pack(self) -> bytes:
        """Write it down."""
        width = 0 if self.numbers is None else self.numbers.itemsize
        numbers = () if self.numbers is None else (self.numbers.astype(_TYPES[width], copy=False).data,)
        head = _HEAD.pack(width, len(self.lengths), len(self.letters))
        return b"".join([head, self.letters.astype(_LETTER, copy=False).data, *numbers, self.lengths.data])

    @classmethod
    def unpack(cls, packed: bytes, most: int) -> "Spelling":
        """Read what a child wrote down, believing nothing.

        Args:
            packed: by ``pack``.
            most: letters it may have.

        Raises:
            ValueError: it is no spelling.
        """
        try:
            width, entries, in_alphabet = _HEAD.unpack_from(packed)
            letters = np.frombuffer(packed, _LETTER, in_alphabet, _HEAD.size).astype(np.uint32, copy=False)
            begin, end = _HEAD.size + letters.nbytes, len(packed) - entries
            lengths = np.frombuffer(packed, np.uint8, entries, max(end, begin))
            numbers: Numbers | None = np.frombuffer(packed[begin:end], _TYPES[width]) if width else None
        except (struct.error, LookupError) as error:
            raise ValueError("a spelling has another form") from error
        if not _are_characters(letters):
            raise ValueError("a spelling is not made of characters")
        if numbers is None:
            count, exact = len(letters), end == begin and not entries
        else:
            count = _counted(numbers, lengths)
            exact = lengths.all() and lengths.sum(dtype=np.int64) == in_alphabet
        if not exact or not 0 <= count <= most:
            raise ValueError("a spelling is out of range")
        return cls(numbers, lengths, letters, count)


def spelling_of(codes: Codes) -> Spelling:
    """Spell the letters of a text, given as its code points."""
    return _in_alphabet(codes) if len(codes) >= FEW else _letter_by_letter(codes)


def _in_alphabet(codes: Codes) -> Spelling:
    found = _spelt(codes, symbols=False)
    return found if found.count else _spelt(codes, symbols=True)


def _spelt(codes: Codes, *, symbols: bool) -> Spelling:
    from tidegate.fingerprint.words.spelling_kernels import spell

    # What of it is not written takes no memory.
    known = np.zeros(2 * CODES, dtype=np.uint16)
    numbers, lengths, letters, count = spell(codes, *letter_table(symbols=symbols), known)
    if count < 0:
        return _letter_by_letter(codes)
    return Spelling(numbers.astype(np.uint8) if len(lengths) <= _OF_ONE_BYTE else numbers, lengths, letters, count)


def _letter_by_letter(codes: Codes) -> Spelling:
    found = letters_of(codes).codes
    return Spelling(None, np.zeros(0, dtype=np.uint8), found, len(found))


def _counted(numbers: Numbers, lengths: Lengths) -> int:
    from tidegate.fingerprint.words.spelling_kernels import letters_spelt

    return letters_spelt(numbers, lengths)


def _are_characters(codes: Codes) -> bool:
    return not len(codes) or bool(codes.max() < CODES and (codes - _FIRST_SURROGATE >= _SURROGATES).all())


def warm() -> None:
    """Load or compile what spellings are read with."""
    for number in (np.zeros(1, dtype=np.uint8), np.zeros(1, dtype=np.uint16)):
        made = Spelling(number, np.ones(1, dtype=np.uint8), codes_of("a"), 1)
        assert len(Spelling.unpack(made.pack(), 1).codes) == 1
