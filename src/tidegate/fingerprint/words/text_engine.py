"""The engine for texts: reads untrusted bytes, so it runs only in a locked child (see ``jail``).

May decide: what is a text at all: UTF-8, nothing else. What another encoding would show, no platform of today shows.
"""

from tidegate.fingerprint.words.letters import Letters, letters
from tidegate.fingerprint.words.text import LARGEST_TEXT, MOST_LETTERS, pack_ranges, unpack_ranges
from tidegate.jail.model import Reason, Refusal

#: C0 and C1, for no page may hold them.
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {*b"\t\n\r"}, "\ufffd")


def fingerprint(data: bytes, _arguments: bytes) -> bytes:
    """Reduce a text to its letters, as UTF-8."""
    return _letters(data).text.encode()


def locate(data: bytes, arguments: bytes) -> bytes:
    """Find where ranges of the letters stand in the text: from the first letter's character to after the last's."""
    origins = _letters(data).origins
    found = []
    for start, end in unpack_ranges(arguments):
        inside = origins[start:end]
        found.append((int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0))
    return pack_ranges(found)


def readable(data: bytes, _arguments: bytes) -> bytes:
    """Give a text as people can be shown it: line ends and tabs stay, other controls become a sign that one is there.

    Characters keep their places, so that spans still hold.
    """
    if len(data) > LARGEST_TEXT:
        raise Refusal(Reason.TOO_LARGE)
    try:
        return data.decode().translate(_CONTROLS).encode()
    except UnicodeDecodeError as error:
        raise Refusal(Reason.UNDECODABLE) from error


def warm() -> None:
    """Load or compile every kernel, and work out the tables."""
    for text in ("ΑΒΓ abc ", "😀"):
        data = text.encode()
        fingerprint(data, b"")
        locate(data, pack_ranges([(0, 1)]))
        readable(data, b"")


def _letters(data: bytes) -> Letters:
    if len(data) > LARGEST_TEXT:
        raise Refusal(Reason.TOO_LARGE)
    try:
        found = letters(data.decode())
    except UnicodeDecodeError as error:
        raise Refusal(Reason.UNDECODABLE) from error
    if len(found) > MOST_LETTERS:
        raise Refusal(Reason.TOO_LARGE)
    return found
