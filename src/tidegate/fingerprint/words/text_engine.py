"""The engine for texts: reads untrusted bytes, so it runs only in a locked child (see ``jail``).

May decide: what is a text at all: UTF-8, nothing else. What another encoding would show, no platform of today shows.
"""

from tidegate.fingerprint.words.addresses import written_in
from tidegate.fingerprint.words.letter_table import Codes
from tidegate.fingerprint.words.letters import codes_of, letters_of
from tidegate.fingerprint.words.spelling import FEW, spelling_of
from tidegate.fingerprint.words.text import LARGEST_TEXT, MOST_LETTERS, pack_answer, pack_ranges, unpack_ranges
from tidegate.jail.model import Reason, Refusal

#: C0 and C1, for no page may hold them.
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {*b"\t\n\r"}, "\ufffd")


def fingerprint(data: bytes, _arguments: bytes) -> bytes:
    """Reduce a text to its letters, and find the addresses in it."""
    text, codes = _text(data)
    spelling = spelling_of(codes)
    if spelling.count > MOST_LETTERS:
        raise Refusal(Reason.TOO_LARGE)
    addresses, partial = written_in(text, codes)
    return pack_answer(spelling, addresses, partial=partial)


def locate(data: bytes, arguments: bytes) -> bytes:
    """Find where ranges of the letters stand in the text: from the first letter's character to after the last's."""
    origins = letters_of(_text(data)[1]).origins
    found = []
    for start, end in unpack_ranges(arguments):
        inside = origins[start:end]
        found.append((int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0))
    return pack_ranges(found)


def readable(data: bytes, _arguments: bytes) -> bytes:
    """Give a text as people can be shown it: line ends and tabs stay, other controls become a sign that one is there.

    Characters keep their places, so that spans still hold.
    """
    return _text(data)[0].translate(_CONTROLS).encode()


def warm() -> None:
    """Load or compile every kernel, and work out the tables."""
    for text in ("ΑΒΓ abc ", "😀", "abc " * FEW, "a bridge.example/, http://bücher.example"):
        data = text.encode()
        fingerprint(data, b"")
        locate(data, pack_ranges([(0, 1)]))
        readable(data, b"")


def _text(data: bytes) -> tuple[str, Codes]:
    if len(data) > LARGEST_TEXT:
        raise Refusal(Reason.TOO_LARGE)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Refusal(Reason.UNDECODABLE) from error
    return text, codes_of(text)
