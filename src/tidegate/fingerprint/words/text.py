"""What the node learns of a text: the bytes go to a locked child, its letters and the addresses in it come back.

May decide: whether an answer from a child is well formed, what a text is found by, and what it is remembered by. May
not: decode anything here. Shingles are taken here, of checked letters, once for all that is done with a text.

A *sketch* is what a text is remembered by when its bytes are gone: its length in units (see ``shingles``) and its
smallest kept hashes, at most ``MOST_IN_SKETCH`` (bottom-k, Broder 1997). A text too short to be compared by its
shingles is remembered by a digest of its letters instead: short texts match as a whole or not at all.
"""

import asyncio
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint.words.letter_table import Codes
from tidegate.fingerprint.words.letters import Hashes, Places, codes_of, text_of
from tidegate.fingerprint.words.link import MOST_WRITTEN, MOST_WRITTEN_CHARACTERS, Written, checked
from tidegate.fingerprint.words.shingles import length, winnow
from tidegate.fingerprint.words.spelling import Spelling
from tidegate.jail import Jail, JailError, Reason

#: Bytes of UTF-8. More are not read: no post is longer, and a book is not a post.
LARGEST_TEXT: Final = 2 << 20
#: Letters a text may come down to; only made-up texts have more letters than bytes.
MOST_LETTERS: Final = 4 << 20
#: Units below which a text is compared as a whole only: 64 letters, or 32 ideographs, about a dozen words.
SHORTEST_COMPARED: Final = 64
#: Units below which a text is nobody's in particular, and never becomes known: "yes, I agree".
SHORTEST_KNOWN: Final = 16
#: Hashes of a sketch: those of about 35,000 letters; of a longer text the smallest.
MOST_IN_SKETCH: Final = 4096

_ENGINE = "tidegate.fingerprint.words.text_engine"
_LENGTH = struct.Struct("!I")
_HASH: Final = np.dtype(">u4")
_DIGEST_BYTES = 8
_RANGE = struct.Struct("!II")
#: Of an answer: how many addresses, and whether there are more; of an address: from, to, bytes.
_HEAD = struct.Struct("!I?")
_WRITTEN = struct.Struct("!III")
#: A character is four bytes at most, and each of them may be written as three; a scheme and a slash are put to them.
_LONGEST_FORMS = 12 * MOST_WRITTEN_CHARACTERS + 16 * MOST_WRITTEN
#: Four bytes a letter where it is not spelt in an alphabet, or much less beside one.
_LONGEST_SPELLING = 4 * MOST_LETTERS + (1 << 20)
_LARGEST_ANSWER = _HEAD.size + MOST_WRITTEN * _WRITTEN.size + _LONGEST_FORMS + _LONGEST_SPELLING
_LARGEST_SKETCH = _LENGTH.size + MOST_IN_SKETCH * _HASH.itemsize
#: A control of one byte is shown as a sign of three.
_LARGEST_READABLE = 3 * LARGEST_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What a text is remembered by.

    Attributes:
        units: how long it was.
        digest: of its letters, if it was too short for shingles, or empty.
        hashes: the upper halves of its smallest kept hashes, in order and each once.
    """

    units: int
    digest: bytes = b""
    hashes: NDArray[np.uint32]

    @property
    def cut(self) -> bool:
        """Say whether larger hashes were left out."""
        return len(self.hashes) == MOST_IN_SKETCH

    def pack(self) -> bytes:
        """Write it down: length in units, then digest or hashes."""
        return _LENGTH.pack(self.units) + (self.digest or self.hashes.astype(_HASH).tobytes())

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Read it back.

        Raises:
            ValueError: it is not one.
        """
        if not _LENGTH.size <= len(packed) <= _LARGEST_SKETCH or len(packed) % _HASH.itemsize:
            raise ValueError("a sketch has another length")
        (units,) = _LENGTH.unpack_from(packed)
        rest = packed[_LENGTH.size :]
        if units < SHORTEST_COMPARED:
            if len(rest) != _DIGEST_BYTES:
                raise ValueError("a short text is remembered by a digest")
            return cls(units=units, digest=rest, hashes=np.zeros(0, dtype=np.uint32))
        hashes = np.frombuffer(rest, dtype=_HASH).astype(np.uint32)
        if not len(hashes) or (hashes[1:] <= hashes[:-1]).any():
            raise ValueError("hashes of a sketch are out of order")
        return cls(units=units, hashes=hashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadText:
    """A text as it is compared and remembered.

    Attributes:
        codes: what it comes down to: the code points of its letters.
        units: how long that is.
        hashes: its kept hashes in order (see ``shingles``).
        places: for each the index of the letter its shingle begins at.
        addresses: that are written in it, each once.
        partial: there are more addresses than are read.
    """

    codes: Codes
    units: int
    hashes: Hashes
    places: Places
    addresses: tuple[Written, ...] = ()
    partial: bool = False

    @property
    def letters(self) -> str:
        """Give its letters as a text."""
        return text_of(self.codes)

    @property
    def sketch(self) -> Sketch:
        """Sum it up."""
        from tidegate.fingerprint.words.shingle_kernels import smallest_halves

        if self.units < SHORTEST_COMPARED:
            return Sketch(units=self.units, digest=digest_of(self.letters), hashes=np.zeros(0, dtype=np.uint32))
        return Sketch(units=self.units, hashes=smallest_halves(self.hashes, MOST_IN_SKETCH))


def read_text(letters: str) -> ReadText:
    """Take the shingles of letters."""
    return _read(codes_of(letters))


def _read(codes: Codes) -> ReadText:
    from tidegate.fingerprint.words.shingle_kernels import in_order

    kept, at, _ = winnow(codes)
    hashes, places = in_order(kept, at)
    return ReadText(codes=codes, units=length(codes), hashes=hashes, places=places)


def stored_hashes(packed: bytes) -> list[int]:
    """Give the words of 32 bits by which a stored sketch is found: its hashes, or the two of its digest."""
    return np.frombuffer(packed[_LENGTH.size :], dtype=_HASH).tolist()  # type: ignore[no-any-return]


def digest_of(letters: str) -> bytes:
    """Digest the letters of a short text."""
    return hashlib.sha256(letters.encode()).digest()[:_DIGEST_BYTES]


async def fingerprint_in(jail: Jail, data: bytes) -> ReadText:
    """Read a text in the jail.

    Raises:
        JailError: it could not be checked, and why.
    """
    if len(data) > LARGEST_TEXT:
        raise JailError(Reason.TOO_LARGE)
    spelling, addresses, partial = await jail.read(
        unpack_answer, f"{_ENGINE}:fingerprint", data, answer_limit=_LARGEST_ANSWER
    )
    read = await asyncio.to_thread(lambda: _read(spelling.codes))
    return replace(read, addresses=addresses, partial=partial)


def pack_answer(spelling: Spelling, addresses: Sequence[Written], *, partial: bool) -> bytes:
    """Write down what was read of a text: how many addresses, whether there are more, each of them, the letters."""
    parts = [_HEAD.pack(len(addresses), partial)]
    for written in addresses:
        parts += [_WRITTEN.pack(written.start, written.end, len(written.address)), written.address.encode("ascii")]
    return b"".join([*parts, spelling.pack()])


def unpack_answer(answer: bytes) -> tuple[Spelling, tuple[Written, ...], bool]:
    """Read that, believing nothing: letters, addresses, whether there are more of those.

    Raises:
        ValueError: it is not one.
    """
    try:
        count, partial = _HEAD.unpack_from(answer)
        at, addresses = _HEAD.size, []
        for _ in range(count if count <= MOST_WRITTEN else 0):
            start, end, length = _WRITTEN.unpack_from(answer, at)
            at += _WRITTEN.size
            addresses.append(Written(checked(answer[at : at + length].decode("ascii")), start, end))
            at += length
    except struct.error as error:
        raise ValueError("an answer has another length") from error
    ordered = all(0 <= each.start < each.end <= LARGEST_TEXT for each in addresses)
    if count != len(addresses) or not ordered or at > len(answer):
        raise ValueError("an answer is out of range")
    return Spelling.unpack(answer[at:], MOST_LETTERS), tuple(addresses), partial


async def read_in(jail: Jail, data: bytes) -> str:
    """Read a text in the jail to show it to people: its characters, each where it stood, without controls.

    Raises:
        JailError: it cannot be shown, and why.
    """
    if len(data) > LARGEST_TEXT:
        raise JailError(Reason.TOO_LARGE)
    return await jail.read(bytes.decode, f"{_ENGINE}:readable", data, answer_limit=_LARGEST_READABLE)


async def locate_in(jail: Jail, data: bytes, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Find in the jail where ranges of a text's letters stand in the text itself: (start, end) in characters.

    Raises:
        JailError: it could not be done, and why.
    """

    def read(answer: bytes) -> list[tuple[int, int]]:
        found = unpack_ranges(answer)
        if len(found) != len(ranges) or any(not 0 <= start <= end <= len(data) for start, end in found):
            raise ValueError("an answer is out of range")
        return found

    arguments = pack_ranges(ranges)
    return await jail.read(read, f"{_ENGINE}:locate", data, arguments, answer_limit=len(arguments))


def pack_ranges(ranges: Sequence[tuple[int, int]]) -> bytes:
    """Write ranges down."""
    return b"".join(_RANGE.pack(start, end) for start, end in ranges)


def unpack_ranges(packed: bytes) -> list[tuple[int, int]]:
    """Read ranges.

    Raises:
        ValueError: they are none.
    """
    try:
        return [(start, end) for start, end in _RANGE.iter_unpack(packed)]
    except struct.error as error:
        raise ValueError("ranges have another length") from error
