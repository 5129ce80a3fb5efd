"""Finding the addresses that are written in a text. Reads untrusted text, so it runs only in a locked child.

May decide: what of a text may be an address at all. That is wide: ``e.g`` may be one, ``file.txt``, any word after a
forgotten blank. What is found only matters where a known address or host equals its canonical form, so precision comes
from what is known. Not taken for hosts: numbers (``1.5``), names whose last part has digits (``song.mp3``), what stands
before or behind an ``@``.

An address ends where readers see it end: before white space, quotation marks and brackets that were opened before it,
and without the full stop, comma or other mark of the sentence around it. Chinese puts its marks and words right behind
an address, without a blank: a wide full stop ends an address, unless it is a dot between Latin letters; and where
letters of another script touch an address, it is read both with and without them.
"""

from functools import cache
from typing import Final

import numpy as np

from tidegate.fingerprint.words.address_kernels import (
    AT,
    CLOSE,
    COLON,
    COMMA,
    DOT,
    END,
    HOST,
    OPEN,
    OTHER,
    QUERY,
    SLASH,
    TABLE,
    WIDE_DOT,
    Classes,
    find,
)
from tidegate.fingerprint.words.letter_table import Codes
from tidegate.fingerprint.words.link import MOST_WRITTEN, MOST_WRITTEN_CHARACTERS, Written
from tidegate.fingerprint.words.link_engine import form_of

#: Besides white space and controls: quotation marks, and marks of sentences that no address has unencoded.
_ENDS: Final = (
    '"<>`|\u00a1\u00ab\u00bb\u00bf\u055d\u0589\u05be\u05c3\u060c\u061b\u061f\u06d4\u0964\u0965\u104a\u104b\u1362'
    "\u17d4\u2013\u2014\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2026\u2039\u203a\u2e3a\u3001"
    "\u3003\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015\u3016\u3017\u301d\u301e\u301f"
    "\uff01\uff02\uff07\uff08\uff09\uff0c\uff1a\uff1b\uff1c\uff1e\uff1f\uff3b\uff3d\uff5b\uff5d\uff5e\uff62"
    "\uff63\uff64"
)
_BLANKS: Final = "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
_WIDE_BLANKS: Final = "\u202f\u205f\u3000"
_KINDS: Final = {
    **dict.fromkeys("!$&'*+=%~^", OTHER),
    ".": DOT,
    **dict.fromkeys("\u3002\uff0e\uff61", WIDE_DOT),
    ":": COLON,
    **dict.fromkeys("/\\", SLASH),
    **dict.fromkeys("?#", QUERY),
    **dict.fromkeys("([{", OPEN),
    **dict.fromkeys(")]}", CLOSE),
    **dict.fromkeys(",;", COMMA),
    "@": AT,
}


def written_in(text: str, codes: Codes) -> tuple[list[Written], bool]:
    """Find the addresses in a text, each form once, and say whether there are more than are read."""
    starts, ends, more = find(codes, _classes(), MOST_WRITTEN)
    found: dict[str, Written] = {}
    room = MOST_WRITTEN_CHARACTERS
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        room -= end - start
        if room < 0:
            return list(found.values()), True
        try:
            form = form_of(text[start:end])
        except ValueError:
            continue
        found.setdefault(form, Written(form, start, end))
    return list(found.values()), more


@cache
def _classes() -> Classes:
    table = np.full(TABLE, HOST, dtype=np.uint8)
    table[:0x21] = table[0x7F:0xA1] = END
    for character in _ENDS + _BLANKS + _WIDE_BLANKS:
        table[ord(character)] = END
    for character, kind in _KINDS.items():
        table[ord(character)] = kind
    return table
