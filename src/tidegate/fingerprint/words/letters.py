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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.words.letter_table import Codes, Offsets, letter_table

Places = NDArray[np.int32]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """The letters of a text: their code points, and for each the index of the character it came from."""

    codes: Codes
    origins: Offsets

    @property
    def text(self) -> str:
        """Give the letters as a text."""
        return text_of(self.codes)

    def __len__(self) -> int:
        return len(self.codes)


def letters(text: str) -> Letters:
    """Reduce a text to its letters.

    Raises:
        ValueError: a lone surrogate, which is no text.
    """
    return letters_of(codes_of(text))


def letters_of(codes: Codes) -> Letters:
    """Reduce the code points of a text to its letters."""
    # Only who reads texts needs the compiler, and it must find its cache folder first.
    from tidegate.fingerprint.words.letter_kernels import read

    found, origins = read(codes, *letter_table(symbols=False), True)
    if not len(found):
        found, origins = read(codes, *letter_table(symbols=True), True)
    return Letters(codes=found, origins=origins)


def normalise(text: str) -> str:
    """Give the letters of a text as a text: two texts that differ in noise alone give the same."""
    return letters(text).text


def codes_of(text: str) -> Codes:
    """Give the code points of a text, to be read only."""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint32, copy=False)


def text_of(codes: Codes) -> str:
    """Give code points as a text."""
    return str(np.ascontiguousarray(codes, dtype="<u4").data, "utf-32-le")
