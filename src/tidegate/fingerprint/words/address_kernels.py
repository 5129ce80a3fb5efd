"""The compiled half of addresses: the one pass over a text's characters. May decide: nothing; see ``addresses``.

Every loop here goes forward from where the one before it ended, or back by a bounded number of characters, so that no
text takes longer than its length asks for.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.compiled import kernel
from tidegate.fingerprint.words.letter_table import Codes
from tidegate.fingerprint.words.letters import Places
from tidegate.fingerprint.words.link import LONGEST_LINK

Classes = NDArray[np.uint8]

#: What a character is to an address. ``HOST`` is any that may stand in a label, of any script.
END, HOST, DOT, WIDE_DOT, COLON, SLASH, QUERY, OPEN, CLOSE, COMMA, AT, OTHER = range(12)
#: Beyond the table every character may stand in a label.
TABLE: Final = 0x10000

_LONGEST_HOST: Final = 253
_LONGEST_SCHEME: Final = 32
_LONGEST_PORT: Final = 5
_SHORTEST_SUFFIX: Final = 2
_ASCII: Final = 0x80
_FULL_WIDTH: Final = 0xFF00
_DOTS_OF_IPV4: Final = 3
#: Twice the readings there may be, and more, so that looking one up takes few steps.
_SLOTS: Final = 4096
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_FOLD: Final = 0x20
_WIDE_DOTS: Final = (0x3002, 0xFF0E, 0xFF61)
_FULL_STOP: Final = _WIDE_DOTS[0]
_OF_SCHEMES, _NO_ENDS, _OF_SENTENCES, _WRAPPING = (tuple(map(ord, marks)) for marks in ("+-.", "-_.", ".,;:!?'*", "_~"))
_HTTPS, _HTTP, _WSS, _WS, _FTP, _MAGNET, _PUNYCODE = (
    tuple(map(ord, name)) for name in ("https", "http", "wss", "ws", "ftp", "magnet", "xn--")
)


class Book(NamedTuple):
    """What was found so far.

    Attributes:
        starts: where each way of writing begins.
        ends: where it ends.
        slots: a digest of each, in the order of a table of digests.
        told: how many there are, and whether there are more.
    """

    starts: Places
    ends: Places
    slots: NDArray[np.uint64]
    told: NDArray[np.int64]


@kernel
def find(codes: Codes, classes: Classes, most: int) -> tuple[Places, Places, bool]:
    """Give where what may be an address begins and ends, each way of writing once, and whether there are more.

    Args:
        codes: of the text.
        classes: what each character below ``TABLE`` is.
        most: ways of writing to give; fewer than half of ``_SLOTS``.
    """
    book = Book(
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.zeros(_SLOTS, dtype=np.uint64),
        np.zeros(2, dtype=np.int64),
    )
    floor = 0
    index = _next_mark(codes, 0)
    while index < len(codes) and not book.told[1]:
        after = 0
        # What is asked here is asked of most marks, and a call costs more.
        if index > floor and codes[index] == ord(":"):
            if _in_scheme(codes[index - 1]):
                after = _with_scheme(codes, classes, floor, index, book)
        elif index > floor and _class(codes, classes, index - 1) == HOST and _class(codes, classes, index + 1) == HOST:
            after = _without_scheme(codes, classes, floor, index, book)
        if after > index:
            floor = after
        index = _next_mark(codes, max(after, index + 1))
    return book.starts[: book.told[0]], book.ends[: book.told[0]], book.told[1] > 0


@kernel
def _next_mark(codes: Codes, index: int) -> int:
    """Find the next colon or dot of any kind."""
    for at in range(index, len(codes)):
        code = codes[at]
        # Two questions for most letters.
        if code <= ord(":"):
            if code in (ord("."), ord(":")):
                return at
        elif code >= _FULL_STOP and code in _WIDE_DOTS:
            return at
    return len(codes)


@kernel
def _class(codes: Codes, classes: Classes, index: int) -> int:
    if index >= len(codes):
        return END
    code = codes[index]
    return int(classes[code]) if code < TABLE else HOST


@kernel
def _with_scheme(
    codes: Codes,
    classes: Classes,
    floor: int,
    colon: int,
    book: Book,
) -> int:
    """Take what follows a scheme; give where to go on, or 0 where there is none."""
    begin = _scheme(codes, classes, floor, colon)
    if begin < 0:
        return 0
    host = colon + 1
    while _class(codes, classes, host) == SLASH:
        host += 1
    host_end, doubtful = _host_after(codes, classes, begin, host)
    end, early = host_end, -1
    if _class(codes, classes, host_end) in (SLASH, QUERY):
        end, early = _rest(codes, classes, begin, host_end)
    if end == host or (host_end == host and codes[host - 1] == ord("/")):
        return 0
    _take(codes, begin, _trimmed(codes, begin, host, end), book)
    if early >= 0:
        _take(codes, begin, _trimmed(codes, begin, host, early), book)
    if doubtful > host:
        _take(codes, begin, _trimmed(codes, begin, host, doubtful), book)
    return end


@kernel
def _host_after(codes: Codes, classes: Classes, begin: int, host: int) -> tuple[int, int]:
    """Say where a host ends, with who is named before it, and where it may end already, -1 if nowhere."""
    at, doubtful = host, -1
    while at - begin < LONGEST_LINK:
        kind = _class(codes, classes, at)
        if kind in (END, SLASH, QUERY, COMMA) or (kind == CLOSE and _class(codes, classes, host) != OPEN):
            break
        sentence_ends = kind == WIDE_DOT and not _is_dot(codes, classes, at)
        if sentence_ends and _class(codes, classes, at + 1) != HOST:
            break
        if doubtful < 0 and (sentence_ends or (kind == HOST and not _is_latin(codes[at]))):
            doubtful = at
        at += 1
    return at, doubtful


@kernel
def _scheme(codes: Codes, classes: Classes, floor: int, colon: int) -> int:
    """Say where the scheme before a colon begins, -1 where none is, or nothing follows it."""
    follows = _class(codes, classes, colon + 1)
    slashes = follows == SLASH and _class(codes, classes, colon + 2) == SLASH
    if follows not in (SLASH, HOST, OPEN, QUERY):
        return -1
    begin = colon
    while begin > floor and colon - begin < _LONGEST_SCHEME and _in_scheme(codes[begin - 1]):
        begin -= 1
    # A word may touch these: no other scheme ends so.
    if _ends_with(codes, begin, colon, _HTTPS):
        return colon - len(_HTTPS)
    if _ends_with(codes, begin, colon, _HTTP):
        return colon - len(_HTTP)
    length = colon - begin
    if (
        (length == len(_WSS) and _ends_with(codes, begin, colon, _WSS))
        or (length == len(_FTP) and _ends_with(codes, begin, colon, _FTP))
        or (length == len(_WS) and _ends_with(codes, begin, colon, _WS))
    ):
        return begin
    while begin < colon and not _is_letter(codes[begin]):
        begin += 1
    magnet = follows == QUERY and _ends_with(codes, begin, colon, _MAGNET)
    return begin if (slashes or magnet) and colon - begin > 1 else -1


@kernel
def _ends_with(codes: Codes, begin: int, end: int, name: tuple[int, ...]) -> bool:
    if end - begin < len(name):
        return False
    same = True
    for index in range(len(name)):
        # A hyphen and the digits have that bit already.
        same &= codes[end - len(name) + index] | _FOLD == name[index]
    return bool(same)


@kernel
def _in_scheme(code: np.uint32) -> bool:
    return bool(_is_letter(code) or ord("0") <= code <= ord("9") or code in _OF_SCHEMES)


@kernel
def _is_letter(code: np.uint32) -> bool:
    return bool(code < _ASCII and ord("a") <= code | _FOLD <= ord("z"))


@kernel
def _is_dot(codes: Codes, classes: Classes, index: int) -> bool:
    """Say whether a dot stands between two labels; a wide one ends sentences, too, and so only between such letters."""
    if index == 0 or _class(codes, classes, index - 1) != HOST or _class(codes, classes, index + 1) != HOST:
        return False
    if codes[index] == ord("."):
        return True
    return _is_latin(codes[index - 1]) and _is_latin(codes[index + 1])


@kernel
def _is_latin(code: np.uint32) -> bool:
    """Say whether it is an ASCII letter or digit, or one of full width."""
    return bool(code < _ASCII or _FULL_WIDTH <= code < _FULL_WIDTH + _ASCII)


@kernel
def _without_scheme(
    codes: Codes,
    classes: Classes,
    floor: int,
    dot: int,
    book: Book,
) -> int:
    """Take the host around a dot and what follows it; give where to go on, or 0 where there is none."""
    if not _is_dot(codes, classes, dot):
        return 0
    begin = dot
    while begin > floor and dot - begin <= _LONGEST_HOST and _class(codes, classes, begin - 1) == HOST:
        begin -= 1
    at = dot
    while at - begin <= _LONGEST_HOST:
        kind = _class(codes, classes, at)
        if kind != HOST and not (kind in (DOT, WIDE_DOT) and _is_dot(codes, classes, at)):
            break
        at += 1
    too_long = at - begin > _LONGEST_HOST
    of_person = _class(codes, classes, at) == AT or (begin > 0 and codes[begin - 1] == ord("@"))
    if too_long or of_person:
        return at
    port = _port(codes, classes, at)
    end, early = port, -1
    if _class(codes, classes, port) in (SLASH, QUERY):
        end, early = _rest(codes, classes, begin, port)
    # Whole, and where words of other scripts touch it, what is Latin of it.
    _take_host(codes, begin, at, at, end, early, book)
    part = begin
    while part < at:
        last = part
        while last < at and codes[last] < _ASCII:
            last += 1
        if last > part and last - part < at - begin:
            _take_host(codes, part, last, at, end, early, book)
        part = last + 1
    return end


@kernel
def _take_host(
    codes: Codes,
    begin: int,
    last: int,
    host_end: int,
    end: int,
    early: int,
    book: Book,
) -> None:
    """Take an address that begins with this host, if it may be one."""
    while begin < last and codes[begin] in _NO_ENDS:
        begin += 1
    while begin < last and codes[last - 1] in _NO_ENDS:
        last -= 1
        host_end = -1
    if not _is_host(codes, begin, last):
        return
    if last != host_end:
        _take(codes, begin, last, book)
        return
    _take(codes, begin, _trimmed(codes, begin, last, end), book)
    if early >= 0:
        _take(codes, begin, _trimmed(codes, begin, last, early), book)


@kernel
def _is_host(codes: Codes, begin: int, end: int) -> bool:
    """Say whether labels may be a host: the last has letters alone (no "1.5", no "song.mp3"), or all are an IPv4."""
    label, dots, digits = begin, 0, True
    for index in range(begin, end):
        if codes[index] == ord(".") or codes[index] in _WIDE_DOTS:
            label = index + 1
            dots += 1
        elif not ord("0") <= codes[index] <= ord("9"):
            digits = False
    if digits:
        return dots == _DOTS_OF_IPV4
    if dots == 0 or end - label < _SHORTEST_SUFFIX:
        return False
    if end - label > len(_PUNYCODE) and _ends_with(codes, label, label + len(_PUNYCODE), _PUNYCODE):
        return True
    letters = True
    for index in range(label, end):
        letters &= codes[index] >= _ASCII or _is_letter(codes[index])
    return letters


@kernel
def _port(codes: Codes, classes: Classes, at: int) -> int:
    """Say where a port after a host ends; where the host does if there is none."""
    if at >= len(codes) or codes[at] != ord(":"):
        return at
    end = at + 1
    while end < len(codes) and end - at <= _LONGEST_PORT and ord("0") <= codes[end] <= ord("9"):
        end += 1
    return at if end == at + 1 or _class(codes, classes, end) == HOST else end


@kernel
def _rest(codes: Codes, classes: Classes, begin: int, at: int) -> tuple[int, int]:
    """Say where path and query end, and where the first letter of another script stands in them, -1 if none does."""
    depth = 0
    early = -1
    while at - begin <= LONGEST_LINK:
        kind = _class(codes, classes, at)
        if kind in (END, WIDE_DOT):
            break
        if kind == CLOSE:
            # What was opened before the address is closed after it.
            if depth == 0:
                break
            depth -= 1
        elif kind == OPEN:
            depth += 1
        elif kind == COMMA and _ends_with(codes, at + 1, min(at + 1 + len(_HTTP), len(codes)), _HTTP):
            break
        elif codes[at] >= _ASCII and early < 0:
            early = at
        at += 1
    return at, early


@kernel
def _trimmed(codes: Codes, begin: int, least: int, end: int) -> int:
    """Leave out what belongs to the sentence around an address."""
    while end > least:
        code = codes[end - 1]
        wrapped = code in _WRAPPING and begin > 0 and codes[begin - 1] == code
        if not wrapped and code not in _OF_SENTENCES:
            break
        end -= 1
    return end


@kernel
def _take(
    codes: Codes,
    begin: int,
    end: int,
    book: Book,
) -> None:
    """Write a way of writing down, if it is a new one."""
    if end - begin > LONGEST_LINK or book.told[1]:
        return
    value = np.uint64(1)
    for index in range(begin, end):
        value = (value ^ np.uint64(codes[index])) * _FACTOR
        value ^= value >> np.uint64(29)
    value |= np.uint64(1)
    slot = np.int64(value >> np.uint64(52))
    while book.slots[slot] and book.slots[slot] != value:
        slot = np.int64((slot + 1) % _SLOTS)
    if book.slots[slot] == value:
        return
    count = book.told[0]
    if count == len(book.starts):
        book.told[1] = 1
        return
    book.slots[slot] = value
    book.starts[count], book.ends[count] = begin, end
    book.told[0] = count + 1
