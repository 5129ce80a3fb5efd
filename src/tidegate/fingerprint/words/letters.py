"""What a text comes down to when nothing but its letters counts, and where in it each letter stood.

May decide: which differences between two texts are noise. Taken away are, in this order: compatibility forms
(normal form KD, the decomposed NFKC), case, look-alike letters (UTS #39), accents and other marks, and
everything that is no letter and no digit: white space, punctuation, symbols, emoji, zero-width and direction
controls. What is left is for comparing, never for showing. It is the same however often it is done.

Every character is looked up by itself, so that a text of a megabyte is a few array operations. Two things depend
on what stands around a character:

- A *mark* of a script that writes vowels as marks (Devanagari, Thai ...) bears meaning and is kept, beside letters of
  its own script only: on any other letter it is decoration. The marks of Latin, Greek, Cyrillic, Hebrew and Arabic
  are always taken away.
- A *capital* such as Greek nu looks like Latin N while its small form looks like v. In a word with a Latin letter it is
  a disguise and becomes what it looks like; in a word of its own script it becomes its small form.

Digits are taken by value (Arabic-Indic ٣ is 3). 1, i, I and l are one letter: UTS #39 makes I an l, case makes it an i.
A text without any letter or digit (emoji alone) keeps its symbols instead, or it could not be compared at all.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from string import ascii_uppercase
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.words.skeleton import prototypes

Codes = NDArray[np.uint32]
Offsets = NDArray[np.int32]
Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]

_CODES: Final = 0x110000
_UNKNOWN: Final = 255
#: Letters to Unicode, and seen by nobody: fillers of Hangul, inherent vowels of Khmer, the stretching stroke of Arabic.
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u0640")
#: Cyrillic small letters look like Latin small capitals; those are their letters, so that case makes no difference.
_SMALL_CAPITALS: Final = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢĸʍɜ", "abcdefghijklmnopqrstuvwyzkm3", strict=True))
#: Letters in signs that have no compatibility form: white on a disc, white on a square, the letters of flags.
_SIGNS: Final = {
    chr(first + letter): chr(ord("a") + letter) for first in (0x1F150, 0x1F170, 0x1F1E6) for letter in range(26)
}
#: One letter: UTS #39 makes the first an l, case makes it the second.
_LIKE_L: Final = frozenset("Iil1")
#: Skin colours and the like change an emoji, not what is said.
_NO_SYMBOLS: Final = frozenset("\ufffc\ufffd") | frozenset(map(chr, range(0x1F3FB, 0x1F400)))
#: Marks below this code point are noise on any letter; from here on scripts write vowels with them.
_VOWEL_SIGNS: Final = 0x0900
#: Marks beyond it that belong to no script.
_NOISE_MARKS: Final = (
    range(0x1AB0, 0x1B00), range(0x1CD0, 0x1D00), range(0x1DC0, 0x1E00), range(0x20D0, 0x2100), range(0x2CEF, 0x2CF2),
    range(0x2DE0, 0x2E00), range(0x302A, 0x3030), range(0x3099, 0x309B), range(0xA66F, 0xA6A0),
    range(0xFE00, 0xFE10), range(0xFE20, 0xFE30), range(0x1D165, 0x1D1AE), range(0xE0000, 0xE1000),
)  # fmt: skip
#: The last two code points of each plane are never characters.
_NO_CHARACTER: Final = 0xFFFE
#: Combining classes of marks that keep their place: others change places in normal forms, and are noise.
_STAYS: Final = frozenset({0, 9})
#: Beyond it no script has vowel signs that are kept, or capitals that look like Latin ones.
_LAST_SIGN: Final = 0x12000
_SCRIPTS_WITH_CAPITALS: Final = 0x3000
_CAPITALS: Final = frozenset(ascii_uppercase)
#: More steps than any character needs until nothing changes.
_STEPS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """The letters of a text: their code points, and for each the index of the character it came from."""

    codes: Codes
    origins: Offsets

    @property
    def text(self) -> str:
        """Give the letters as a text."""
        return self.codes.astype("<u4").tobytes().decode("utf-32-le")

    def __len__(self) -> int:
        return len(self.codes)


def letters(text: str) -> Letters:
    """Reduce a text to its letters.

    Raises:
        ValueError: a lone surrogate, which is no text.
    """
    codes = codes_of(text)
    found = _looked_up(codes, _TABLES[False])
    return found if len(found) else _looked_up(codes, _TABLES[True])


def normalise(text: str) -> str:
    """Give the letters of a text as a text: two texts that differ in noise alone give the same."""
    return letters(text).text


class _Table:
    """What each code point becomes, worked out when it is first met. Safe to use from several threads."""

    def __init__(self, *, symbols: bool) -> None:
        self._symbols = symbols
        self._lock = Lock()
        self._lengths = np.full(_CODES, _UNKNOWN, dtype=np.uint8)
        self._starts = np.zeros(_CODES, dtype=np.int32)
        self._pool: Codes = np.zeros(0, dtype=np.uint32)

    def look_up(self, codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64], Codes]:
        """Give for each code point how many letters it becomes, where in the pool they start, and the pool."""
        with self._lock:
            new = codes[self._lengths[codes] == _UNKNOWN]
            if len(new):
                self._learn(np.unique(new))
            return self._lengths[codes].astype(np.int64), self._starts[codes].astype(np.int64), self._pool

    def _learn(self, new: Codes) -> None:
        forms = [codes_of("".join(filter(self._kept, settled(chr(code))))) for code in new.tolist()]
        lengths = np.array([len(form) for form in forms])
        self._starts[new] = len(self._pool) + np.cumsum(lengths) - lengths
        self._pool = np.concatenate([self._pool, *forms])
        self._lengths[new] = lengths

    def _kept(self, character: str) -> bool:
        category = unicodedata.category(character)
        if category[0] == "M":
            return _is_vowel_sign(character)
        if category[0] == "S":
            return self._symbols and not character.isascii() and character not in _NO_SYMBOLS
        # Unassigned code points may be letters of a Unicode newer than this Python.
        code = ord(character)
        assigned_later = category == "Cn" and not _in(code, _NOISE_MARKS) and code & _NO_CHARACTER != _NO_CHARACTER
        return (category[0] in "LN" and character not in _BLANK_LETTERS) or assigned_later


def settled(character: str) -> str:
    """Apply every step to one character until nothing changes; what is no letter is still there."""
    form = character
    for _ in range(_STEPS):
        decomposed = unicodedata.normalize("NFKD", form)
        before, form = form, "".join(map(_one_step, decomposed))
        if form == before:
            break
    return form


def _one_step(character: str) -> str:
    if unicodedata.category(character) == "Nd":
        character = str(unicodedata.decimal(character))
    if character in _LIKE_L:
        return "l"
    # A sign stays a sign: a stroke between words is no letter, though it looks like one.
    if character.isascii() and not character.isalnum():
        return character
    character = _SIGNS.get(character, character)
    folded = character.casefold()
    if folded != character:
        return folded
    return _SMALL_CAPITALS.get(character) or prototypes().get(character, character).casefold()


def _looked_up(codes: Codes, table: _Table) -> Letters:
    lengths, starts, pool = table.look_up(_capitals_by_their_word(codes))
    origins = np.repeat(np.arange(len(codes), dtype=np.int32), lengths)
    before = np.cumsum(lengths) - lengths
    found = pool[np.arange(len(origins)) + np.repeat(starts - before, lengths)]
    kept = _beside_their_letters(found)
    return Letters(codes=found[kept], origins=origins[kept])


def _beside_their_letters(codes: Codes) -> NDArray[np.bool_]:
    """Say which characters stay: all but marks that do not follow a letter of their own block of 256."""
    marks = np.isin(codes, _vowel_signs())
    if not marks.any():
        return ~marks
    letter = np.maximum.accumulate(np.where(marks, 0, np.arange(1, len(codes) + 1)))
    own = (letter > 0) & (codes >> 8 == codes[letter - 1] >> 8)
    kept: NDArray[np.bool_] = ~marks | own
    return kept


def _capitals_by_their_word(codes: Codes) -> Codes:
    """Put in place of each doubtful capital in a word with a Latin letter what it looks like."""
    capitals, looks, latin, in_word = _word_tables()
    doubtful = np.isin(codes, capitals)
    if not doubtful.any():
        return codes
    word = np.cumsum(~in_word[codes])
    disguised = np.bincount(word, weights=latin[codes]) > 0
    at = np.flatnonzero(doubtful & disguised[word])
    changed = codes.copy()
    changed[at] = looks[np.searchsorted(capitals, codes[at])]
    return changed


@cache
def _word_tables() -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Give the doubtful capitals in order, what each looks like, what is a Latin letter, and what is in a word."""
    in_word, latin, capitals = (np.zeros(_CODES, dtype=bool) for _ in range(3))
    looks = {}
    for code in range(_SCRIPTS_WITH_CAPITALS):
        character = chr(code)
        category = unicodedata.category(character)
        in_word[code] = category[0] in "LM" or category == "Cf"
        latin[code] = category[0] == "L" and unicodedata.name(character, "").startswith("LATIN")
        alike = prototypes().get(character, character)
        if category == "Lu" and not latin[code] and alike in _CAPITALS and settled(alike) != settled(character):
            looks[code] = alike
            capitals[code] = True
    doubtful = np.flatnonzero(capitals)
    return doubtful, np.array([ord(looks[int(code)]) for code in doubtful], dtype=np.uint32), latin, in_word


@cache
def _vowel_signs() -> Codes:
    return np.array([code for code in range(_VOWEL_SIGNS, _LAST_SIGN) if _is_vowel_sign(chr(code))], dtype=np.uint32)


def _is_vowel_sign(character: str) -> bool:
    return (
        unicodedata.category(character) in {"Mn", "Mc"}
        and unicodedata.combining(character) in _STAYS
        and _VOWEL_SIGNS <= ord(character) < _LAST_SIGN
        and not _in(ord(character), _NOISE_MARKS)
        and character not in _BLANK_LETTERS
    )


def _in(code: int, ranges: tuple[range, ...]) -> bool:
    return any(code in among for among in ranges)


def codes_of(text: str) -> Codes:
    """Give the code points of a text."""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint32)


#: By whether symbols are kept.
_TABLES: Final = {symbols: _Table(symbols=symbols) for symbols in (False, True)}
