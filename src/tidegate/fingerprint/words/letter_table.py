"""What each character becomes by itself: the table ``letters`` reads a text with.

May decide: what of a single character is noise (``letters`` says in which order it is taken away); what depends on the
characters around it is only marked here.

The table is worked out whole, from Python's Unicode data and UTS #39, when a process first needs it: a text of
characters that nobody used before must not cost more than any other.
"""

import unicodedata
from functools import cache
from string import ascii_uppercase
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.words.skeleton import prototypes

Codes = NDArray[np.uint32]
Offsets = NDArray[np.int32]
Entries = NDArray[np.uint32]

#: An entry is 0 for noise, or one letter, or with ``MANY`` where in the pool its letters begin: their count, then they.
LETTER: Final = np.uint32(0x1FFFFF)
#: On an entry: a capital that looks like a Latin one and may be a disguise.
DOUBTFUL: Final = np.uint32(1 << 29)
#: On a letter: a mark that stays only beside letters of its own script.
SIGN: Final = np.uint32(1 << 30)
MANY: Final = np.uint32(1 << 31)
#: Of a character below ``SCRIPTS_WITH_CAPITALS``: it is inside a word; it is a Latin letter.
IN_WORD: Final = np.uint8(1)
LATIN: Final = np.uint8(2)
#: Beyond it no script has capitals that look like Latin ones.
SCRIPTS_WITH_CAPITALS: Final = 0x3000

#: Code points there are.
CODES: Final = 0x110000
_ASCII: Final = 0x80
#: A category is two letters, the first in the upper byte.
_MINOR: Final = 0x100
_UNASSIGNED, _PRIVATE, _SURROGATE, _CONTROL = (
    ord(major) * _MINOR + ord(minor) for major, minor in ("Cn", "Co", "Cs", "Cc")
)
#: Categories whose characters stay as they are, unless they look like others.
_WITHOUT_FORMS: Final = (_UNASSIGNED, _PRIVATE, _SURROGATE, _CONTROL)
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
#: Beyond it no script has vowel signs that are kept.
_LAST_SIGN: Final = 0x12000
_CAPITALS: Final = frozenset(ascii_uppercase)
#: More steps than any character needs until nothing changes.
_STEPS: Final = 16


class LetterTable(NamedTuple):
    """What each character becomes.

    Attributes:
        entries: by code point.
        pool: the letters of those that become several.
        words: by code point, what it says of its word (``IN_WORD``, ``LATIN``).
        looks: by code point, the Latin capital a doubtful one looks like, or 0.
    """

    entries: Entries
    pool: Entries
    words: NDArray[np.uint8]
    looks: Entries


@cache
def letter_table(*, symbols: bool) -> LetterTable:
    """Give the table; with symbols it is for texts that have nothing else."""
    alone = _kept_as_they_are(symbols=symbols)
    entries, pool = alone.copy(), [0]
    for code, form in _forms().items():
        letters = [entry for entry in alone[[ord(character) for character in form]].tolist() if entry]
        if len(letters) > 1:
            entries[code] = MANY | np.uint32(len(pool))
            pool += [len(letters), *letters]
        else:
            entries[code] = letters[0] if letters else 0
    words, looks = _word_tables()
    entries[: len(looks)][looks > 0] |= DOUBTFUL
    return LetterTable(entries, np.array(pool, dtype=np.uint32), words, looks)


def _kept_as_they_are(*, symbols: bool) -> Entries:
    """Give each character that is a letter as it is, or 0."""
    categories = _categories()
    kept = np.isin(categories // _MINOR, [ord("L"), ord("N")])
    if symbols:
        kept[_ASCII:] |= (categories // _MINOR == ord("S"))[_ASCII:]
        kept[[ord(symbol) for symbol in _NO_SYMBOLS]] = False
    kept[[ord(blank) for blank in _BLANK_LETTERS]] = False
    codes = np.arange(CODES, dtype=np.uint32)
    # Unassigned code points may be letters of a Unicode newer than this Python.
    later = (categories == _UNASSIGNED) & (codes & _NO_CHARACTER != _NO_CHARACTER)
    for noise in _NOISE_MARKS:
        later[noise.start : noise.stop] = False
    signs = np.array([code for code in range(_VOWEL_SIGNS, _LAST_SIGN) if _is_vowel_sign(chr(code))], dtype=np.uint32)
    entries = np.where(kept | later, codes, np.uint32(0))
    entries[signs] = signs | SIGN
    return entries


@cache
def _categories() -> NDArray[np.uint16]:
    """Give the category of each code point, both of its letters in one number."""
    named = "".join(map(unicodedata.category, map(chr, range(CODES))))
    return np.frombuffer(named.encode("ascii"), dtype=">u2").astype(np.uint16)


@cache
def _forms() -> dict[int, str]:
    """Give what each character becomes that does not stay as it is."""
    special = {ord(character) for character in (*prototypes(), *_SMALL_CAPITALS, *_SIGNS, *_LIKE_L)}
    assigned = np.flatnonzero(~np.isin(_categories(), _WITHOUT_FORMS)).tolist()
    forms = {}
    for code in sorted(special.union(assigned)):
        character = chr(code)
        if (
            code in special
            or unicodedata.decimal(character, None) is not None
            or character.casefold() != character
            or unicodedata.normalize("NFKD", character) != character
        ):
            forms[code] = settled(character)
    return forms


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


def _word_tables() -> tuple[NDArray[np.uint8], Entries]:
    """Say what each character says of its word, and which Latin capital a doubtful one looks like."""
    words = np.zeros(SCRIPTS_WITH_CAPITALS, dtype=np.uint8)
    looks = np.zeros(SCRIPTS_WITH_CAPITALS, dtype=np.uint32)
    for code in range(SCRIPTS_WITH_CAPITALS):
        character = chr(code)
        category = unicodedata.category(character)
        latin = category[0] == "L" and unicodedata.name(character, "").startswith("LATIN")
        if category[0] in "LM" or category == "Cf":
            words[code] |= IN_WORD
        if latin:
            words[code] |= LATIN
        alike = prototypes().get(character, character)
        if category == "Lu" and not latin and alike in _CAPITALS and settled(alike) != settled(character):
            looks[code] = ord(alike)
    return words, looks


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
