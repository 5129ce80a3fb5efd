"""Reading forms: within a limit, strictly, in Unicode normal form C.

May decide: whether a form is well formed and came from one of our own pages. What is in it goes to the steps.
"""

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect

from tidegate.console.words import N_
from tidegate.kernel.errors import Forbidden, Malformed, TooLarge
from tidegate.web.door import node_of

#: A list of signals is the largest thing anyone sends by a form.
MOST_BYTES = 8 * 2**20
MOST_FIELDS = 5_000
#: Every bigint of this many digits is one.
_MOST_DIGITS = 18

BROKEN = N_("The form is broken or breaks off: send it again.")

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the bytes of a form's part. The name of a file is its sender's and means nothing."""

    name: str
    filename: str | None


class PageRequest(Request):
    """A request whose form is read here rather than by Starlette: with a limit, and by the parser we have anyway."""

    async def _get_form(self, **_limits: object) -> FormData:
        if self._form is None:
            self._form = await _read_form(self)
        return self._form


async def body_of(request: Request) -> bytes:
    """Read a body within the limit.

    Raises:
        TooLarge: there is more.
        Malformed: it broke off.
    """
    return b"".join([chunk async for chunk in chunks_of(request)])


async def chunks_of(request: Request, most: int = MOST_BYTES) -> AsyncIterator[bytes]:
    """Read a body within a limit, piece by piece as it arrives.

    Raises:
        TooLarge: there is more.
        Malformed: it broke off.
    """
    read = 0
    try:
        async for chunk in request.stream():
            read += len(chunk)
            if read > most:
                raise TooLarge("A form may be at most %(most)s MiB.", values={"most": most // 2**20})
            yield chunk
    except ClientDisconnect as error:
        raise Malformed("The form broke off before its end: send it again.") from error


async def _read_form(request: Request) -> FormData:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == "multipart/form-data":
        return await _fields(chunks_of(request), options.get("boundary", ""))
    if kind == "application/x-www-form-urlencoded":
        text = (await body_of(request)).decode("utf-8", "replace")
        try:
            return FormData([*parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)])
        except ValueError as error:
            raise Malformed("The form has too many fields.") from error
    return FormData()


async def _fields(body: AsyncIterator[bytes], boundary: str) -> FormData:
    fields: list[tuple[str, str | UploadFile]] = []
    name, value = "", bytearray()
    async for piece in parts_in(body, boundary):
        if isinstance(piece, Head):
            name, value = piece.name, bytearray()
        elif piece is not None:
            value += piece
        else:
            fields.append((name, value.decode("utf-8", "replace")))
    return FormData(fields)


async def parts_in(body: AsyncIterator[bytes], boundary: str) -> AsyncIterator[Head | bytes | None]:
    """Read a form part by part as it arrives: a head, its bytes in pieces, None at its end; then the next.

    Raises:
        Malformed: it is broken, or the last boundary is missing.
    """
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_FIELDS, strict=True) as parser:
            async for chunk in body:
                for piece in parser.parse(chunk):
                    yield Head(piece.name, piece.filename) if isinstance(piece, MultipartSegment) else piece
    except MultipartError as error:
        raise Malformed(BROKEN) from error


def text_in(form: FormData, name: str) -> str:
    """Give a field's text as it is kept: normalised, with plain line ends, no blanks around it; empty when missing."""
    return written(str(form.get(name, "")))


def written(text: str) -> str:
    """Give a text as it is kept: normalised, with plain line ends, no blanks around it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def choice_in(form: FormData, name: str, choices: type[Choice]) -> Choice | None:
    """Give which of the choices was made; None when none was.

    Raises:
        Malformed: it is not one of them.
    """
    text = text_in(form, name)
    if not text:
        return None
    try:
        return choices(text)
    except ValueError as error:
        raise Malformed(
            "%(name)s is one of %(words)s.", values={"name": name, "words": ", ".join(choices)}, reference=name
        ) from error


def needed_choice(form: FormData, name: str, choices: type[Choice]) -> Choice:
    """Give which of the choices was made.

    Raises:
        Malformed: none was, or it is not one of them.
    """
    made = choice_in(form, name, choices)
    if made is None:
        raise Malformed(
            "Choose %(name)s: one of %(words)s.", values={"name": name, "words": ", ".join(choices)}, reference=name
        )
    return made


def number_in(form: FormData, name: str) -> int | None:
    """Give a whole number from 0; None when nothing was given.

    Raises:
        Malformed: it is none, or no number of ours is that long.
    """
    text = text_in(form, name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise Malformed("%(name)s is a whole number.", values={"name": name}, reference=name)
    return int(text)


def check_same_origin(request: Request) -> None:
    """Refuse a form that another site's page sent, where there is no session whose token could tell.

    After Go's ``http.CrossOriginProtection``: a browser says where a request comes from; what says nothing is no
    browser and carries nobody's cookies.

    Raises:
        Forbidden: it came from elsewhere.
    """
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    if site in {"same-origin", "none"}:
        return
    settings = node_of(request).settings
    ours = {urlsplit(str(url)).netloc for url in (settings.public_url, settings.staff_url)}
    ours.add(request.headers.get("host", ""))
    came_from = urlsplit(origin).netloc
    if site or (origin and (not came_from or came_from not in ours)):
        raise Forbidden(
            "This form was sent by another site's page: open ours and send it from there.", reference="origin"
        )
