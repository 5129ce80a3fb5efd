"""A complaint as it arrives: words, and pictures that help.

May decide: what is taken in. Pictures only, few and not too large; each is decoded in the jail and drawn anew there,
and only that drawing goes further, so that what else was in a file (a place, a second file, a script) is never
written anywhere. What is wrong is said beside the field it is about, and the words come back with it: nobody writes
them twice.

The body is read as it arrives, words first; of a file that is too large no byte is kept. This one route may be as
large as what it allows together, and no other.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qs

from fastapi import Request
from multipart import parse_options_header

from tidegate.appeal.rules import MOST_EVIDENCE, MOST_WORDS, check_complaint
from tidegate.console.forms import BROKEN, Head, body_of, chunks_of, parts_in, written
from tidegate.console.words import N_
from tidegate.content.rules import MOST_WORDS_BYTES
from tidegate.fingerprint.picture.reading import copy_in
from tidegate.jail import Jail, JailError, Reason
from tidegate.kernel.errors import Kind, Malformed, TidegateError, TooLarge

MOST_FILE_BYTES = 10 * 2**20
#: The words, and the heads of the parts.
_BESIDES = 2**20
_MOST_BYTES = MOST_EVIDENCE * MOST_FILE_BYTES + _BESIDES
#: More than is allowed is still read, and dropped as it comes, so that the sender gets an answer and not a broken
#: connection; up to here.
_MOST_READ = 3 * _MOST_BYTES
#: A slow phone may take long; whoever takes longer holds the place of others.
_SECONDS = 15 * 60
_MOST_NAME = 60

TOO_MANY = N_("At most 5 pictures can be sent. Choose the ones that help most.")
TOO_LARGE = N_("This file is larger than 10 MiB. Send a smaller copy of it.")
TOO_MUCH = N_("This is more than can be sent at once. Send fewer or smaller pictures.")
TOO_SLOW = N_("Sending took too long and was ended. Try again with fewer or smaller pictures.")

NO_WORDS = N_("Say why you think this was wrong. A sentence is enough.")
TOO_MANY_WORDS = N_("This is longer than 5,000 characters. Make it shorter and send it again.")
ODD_WORDS = N_("There are invisible control characters in this text. Take them out and send it again.")
TOO_OFTEN = N_("This was tried too often in a short time. Wait a minute, then send it again.")

_REFUSED: Mapping[Reason, tuple[Kind, str]] = MappingProxyType(
    {
        Reason.UNDECODABLE: (
            Kind.MALFORMED,
            N_("This file could not be read as a picture. JPEG, PNG, WebP and GIF pictures can be sent, nothing else."),
        ),
        Reason.TOO_LARGE: (
            Kind.TOO_LARGE,
            N_("This picture has more than 50 million pixels. Send a smaller copy of it."),
        ),
        Reason.TIMEOUT: (
            Kind.MALFORMED,
            N_("This picture took too long to read. Send it as a plain JPEG."),
        ),
        Reason.ENGINE_DOWN: (
            Kind.UNAVAILABLE,
            N_("Pictures cannot be read just now. Try again shortly, or send your words without them."),
        ),
    }
)


class Refused(TidegateError):
    """Something in the form cannot be taken in; says which field, and which file of it."""

    def __init__(self, kind: Kind, message: str, *, about: str = "files", number: int = 0, name: str = "") -> None:
        super().__init__(message, reference=about)
        self.kind = kind
        self.number = number
        self.name = name


@dataclass(slots=True)
class File:
    """One file of the form; its bytes are dropped once there are too many."""

    name: str
    data: bytearray = field(default_factory=bytearray)
    too_large: bool = False

    def take(self, piece: bytes) -> None:
        """Take in what arrived."""
        self.too_large = self.too_large or len(self.data) + len(piece) > MOST_FILE_BYTES
        if self.too_large:
            self.data.clear()
        else:
            self.data += piece


@dataclass(slots=True)
class Sent:
    """What arrived: all of it, or as far as it went."""

    words: str = ""
    files: list[File] = field(default_factory=list)
    #: Why the rest is missing.
    broke: Refused | None = None

    def check(self) -> None:
        """Refuse what can be refused without looking into a file.

        Raises:
            Refused: it broke off, says nothing or too much, there are too many files, or one is too large.
        """
        if self.broke is not None:
            raise self.broke
        self._check_words()
        if len(self.files) > MOST_EVIDENCE:
            raise Refused(Kind.TOO_LARGE, TOO_MANY)
        for number, file in enumerate(self.files, 1):
            if file.too_large:
                raise Refused(Kind.TOO_LARGE, TOO_LARGE, number=number, name=file.name)

    def _check_words(self) -> None:
        if not self.words:
            raise Refused(Kind.MALFORMED, NO_WORDS, about="words")
        if len(self.words) > MOST_WORDS:
            raise Refused(Kind.MALFORMED, TOO_MANY_WORDS, about="words")
        try:
            check_complaint(self.words, 0)
        except Malformed as error:
            raise Refused(Kind.MALFORMED, ODD_WORDS, about="words") from error


async def read(request: Request, *, keep_files: bool = True) -> Sent:
    """Read a complaint's form.

    Args:
        request: what arrives.
        keep_files: whether files are wanted at all; their bytes are dropped otherwise.
    """
    sent = Sent()
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    try:
        async with asyncio.timeout(_SECONDS):
            if kind == "multipart/form-data":
                await _read_parts(request, options.get("boundary", ""), sent, keep_files=keep_files)
            elif kind == "application/x-www-form-urlencoded":
                fields = parse_qs((await body_of(request)).decode("utf-8", "replace"), max_num_fields=MOST_EVIDENCE)
                sent.words = written(fields.get("words", [""])[0])
    except TimeoutError:
        sent.broke = Refused(Kind.MALFORMED, TOO_SLOW)
    except TooLarge:
        sent.broke = Refused(Kind.TOO_LARGE, TOO_MUCH)
    except (Malformed, ValueError):
        sent.broke = Refused(Kind.MALFORMED, BROKEN)
    return sent


async def _read_parts(request: Request, boundary: str, sent: Sent, *, keep_files: bool) -> None:
    words, file, name = bytearray(), None, ""
    try:
        async for piece in parts_in(chunks_of(request, _MOST_READ), boundary):
            if isinstance(piece, Head):
                name = piece.name
                file = File(_shown(piece.filename)) if name == "files" else None
            elif piece is None:
                if file is not None and (file.data or file.too_large or file.name):
                    sent.files.append(file)
                name, file = "", None
            elif name == "words":
                # What is above the limit is refused later; a little above is enough to know.
                words += piece[: max(0, 2 * MOST_WORDS_BYTES - len(words))]
            elif file is not None and keep_files and len(sent.files) < MOST_EVIDENCE:
                file.take(piece)
    finally:
        sent.words = written(words.decode("utf-8", "replace"))


def _shown(name: str | None) -> str:
    """Give as much of a file's name as helps its sender to know which one is meant; it is kept nowhere."""
    return "".join(sign for sign in name or "" if sign.isprintable())[-_MOST_NAME:]


async def drawn_anew(jail: Jail, sent: Sent) -> list[bytes]:
    """Have the jail draw each picture anew; only what it gives is a picture.

    Raises:
        Refused: one of them is no picture, or could not be read.
    """
    evidence = []
    for number, file in enumerate(sent.files, 1):
        try:
            evidence.append(await copy_in(jail, bytes(file.data)))
        except JailError as error:
            kind, message = _REFUSED[error.reason]
            raise Refused(kind, message, number=number, name=file.name) from error
    return evidence
