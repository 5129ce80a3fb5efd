"""Reading an upload: metadata and bytes, hashed as they arrive, kept only up to a limit.

May decide: when a body is too large to keep (it is then matched by its exact bytes alone) and when it is too large to
be read at all. Nothing is written to disk.
"""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from fastapi import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from tidegate.kernel.errors import Malformed, TooLarge

METADATA_HEADER = "tidegate-metadata"
_MOST_METADATA_BYTES = 64 * 1024


class _Role(StrEnum):
    """What a part of a multipart body is to us."""

    METADATA = "metadata"
    FILE = "file"
    IGNORED = "ignored"


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


@dataclass(slots=True)
class Body:
    """What arrived. ``data`` is None when it was more than we keep."""

    #: Hears how much is kept, and may refuse it.
    keeps: Callable[[int], None]
    metadata: bytes = b""
    length: int = 0
    _kept: bytearray | None = field(default_factory=bytearray)
    _hash: _Hash = field(default_factory=hashlib.sha256)

    def take(self, chunk: bytes, most_kept: int) -> None:
        """Take in the next bytes of the file."""
        self.length += len(chunk)
        self._hash.update(chunk)
        if self._kept is not None:
            self._kept += chunk
            if len(self._kept) > most_kept:
                self._kept = None
            self.keeps(len(self._kept or b""))

    @property
    def data(self) -> bytes | None:
        """The bytes of the file, if they were kept."""
        return None if self._kept is None else bytes(self._kept)

    @property
    def view(self) -> memoryview | None:
        """The bytes of the file where they are, if they were kept: a video is not copied."""
        return None if self._kept is None else memoryview(self._kept)

    @property
    def sha256(self) -> bytes:
        """SHA-256 of all the bytes of the file."""
        return self._hash.digest()


async def read_upload(request: Request, *, most_kept: Callable[[bytes], int], most_read: int) -> Body:
    """Read a file and its metadata, as multipart or as a raw body with the metadata in a header.

    Args:
        request: what arrives.
        most_kept: given the metadata, or nothing if the file comes first: how many bytes of the file are kept.
        most_read: how many bytes are read at all.

    Raises:
        Malformed: no file, no metadata where needed, or a broken body.
        TooLarge: more than the node reads at all.
        Busy: too many others arrived meanwhile.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == "multipart/form-data":
        body = await _read_multipart(request, options.get("boundary", ""), _OwnParts(), most_kept, most_read)
    else:
        body = Body(request.state.upload.keeps, metadata=_header_metadata(request))
        most = most_kept(body.metadata)
        async for chunk in chunks(request, most_read):
            body.take(chunk, most)
    if body.length == 0:
        raise Malformed("The body holds no file: send the bytes of the content.", reference="file")
    request.state.upload.arrived()
    return body


async def chunks(request: Request, most_read: int) -> AsyncIterator[bytes]:
    """Read a body as it arrives.

    Raises:
        TooLarge: it is longer.
        Malformed: it breaks off.
    """
    declared = request.headers.get("content-length", "")
    refusal = TooLarge(f"This node reads at most {most_read} bytes; this upload was not checked.", reference="file")
    if declared.isdigit() and int(declared) > most_read:
        raise refusal
    read = 0
    try:
        async for chunk in request.stream():
            read += len(chunk)
            if read > most_read:
                raise refusal
            if chunk:
                yield chunk
    except ClientDisconnect as error:
        raise Malformed("The upload broke off before its end: send it again.", reference="file") from error


def _header_metadata(request: Request) -> bytes:
    text = request.headers.get(METADATA_HEADER, "")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("Tidegate-Metadata is JSON in base64.", reference="metadata") from error


class _Parts(Protocol):
    def role_of(self, part: MultipartSegment) -> _Role:
        """Say what a part is; raise ``Malformed`` where it must not be there."""


async def _read_multipart(
    request: Request, boundary: str, parts: _Parts, most_kept: Callable[[bytes], int], most_read: int
) -> Body:
    body, role = Body(request.state.upload.keeps), _Role.IGNORED
    most: int | None = None
    try:
        with PushMultipartParser(boundary, max_segment_count=8, strict=True) as parser:
            async for chunk in chunks(request, most_read):
                for part in parser.parse(chunk):
                    if isinstance(part, MultipartSegment):
                        role = parts.role_of(part)
                    elif part is not None and role is _Role.METADATA:
                        body.metadata += bytes(part)
                        if len(body.metadata) > _MOST_METADATA_BYTES:
                            raise Malformed("The metadata may be at most 64 KiB of JSON.", reference="metadata")
                    elif part is not None and role is _Role.FILE:
                        most = most_kept(body.metadata) if most is None else most
                        body.take(bytes(part), most)
    except MultipartError as error:
        raise Malformed("The multipart body is broken or breaks off: send it again.", reference="file") from error
    return body


@dataclass(slots=True)
class _OwnParts:
    """A part "metadata" and a part "file", each once."""

    seen: set[str] = field(default_factory=set)

    def role_of(self, part: MultipartSegment) -> _Role:
        name = str(part.name)
        if name not in {_Role.METADATA, _Role.FILE} or name in self.seen:
            raise Malformed('Send one part "metadata" (JSON) and one part "file".', reference="file")
        self.seen.add(name)
        return _Role(name)


@dataclass(slots=True)
class _OneFile:
    """Exactly one file, in a field whose name says what it is; other fields are passed over."""

    names: Collection[str]
    found: str | None = None

    def role_of(self, part: MultipartSegment) -> _Role:
        if part.filename is None:
            return _Role.IGNORED
        if self.found is not None:
            raise Malformed("Only one file is allowed in a request.", reference="file")
        if part.name not in self.names:
            raise Malformed(
                "The file's field is named %(words)s.", values={"words": " or ".join(self.names)}, reference="file"
            )
        self.found = str(part.name)
        return _Role.FILE


async def read_one_file(request: Request, most_kept: Mapping[str, int], *, most_read: int) -> tuple[str, Body]:
    """Read a multipart body that holds one file; give the name of its field too.

    Args:
        request: what arrives.
        most_kept: the names the field may have, and for each how many bytes of the file are kept.
        most_read: how many bytes are read at all.

    Raises:
        Malformed: no file, several, or one in a field with another name, or a broken body.
        TooLarge: more than the node reads at all.
        Busy: too many others arrived meanwhile.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    parts = _OneFile(most_kept)
    body = Body(request.state.upload.keeps)
    if kind == "multipart/form-data":
        body = await _read_multipart(
            request, options.get("boundary", ""), parts, lambda _: most_kept[parts.found or ""], most_read
        )
    if parts.found is None or body.length == 0:
        raise Malformed("Send a file as multipart/form-data.", reference="file")
    request.state.upload.arrived()
    return parts.found, body
