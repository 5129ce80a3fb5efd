"""Reading an upload: metadata and bytes, hashed as they arrive, kept only up to a limit.

May decide: when a body is too large to keep (it is then matched by its exact bytes alone) and when it is too large to
be read at all. Nothing is written to disk.
"""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from tidegate.kernel.errors import Malformed, TooLarge

METADATA_HEADER = "tidegate-metadata"
_MOST_METADATA_BYTES = 64 * 1024


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


@dataclass(slots=True)
class Body:
    """What arrived. ``data`` is None when it was more than we keep."""

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

    @property
    def data(self) -> bytes | None:
        """The bytes of the file, if they were kept."""
        return None if self._kept is None else bytes(self._kept)

    @property
    def sha256(self) -> bytes:
        """SHA-256 of all the bytes of the file."""
        return self._hash.digest()


async def read_upload(request: Request, *, most_kept: int, most_read: int) -> Body:
    """Read a file and its metadata, as multipart or as a raw body with the metadata in a header.

    Raises:
        Malformed: no file, no metadata where needed, or a broken body.
        TooLarge: more than the node reads at all.
        Busy: too many others arrived meanwhile.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == "multipart/form-data":
        body = await _read_multipart(request, options.get("boundary", ""), most_kept, most_read)
    else:
        body = Body(metadata=_header_metadata(request))
        async for chunk in _chunks(request, most_read):
            body.take(chunk, most_kept)
    if body.length == 0:
        raise Malformed("The body holds no file: send the bytes of the picture.", reference="file")
    request.state.upload.arrived()
    return body


async def _chunks(request: Request, most_read: int) -> AsyncIterator[bytes]:
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


async def _read_multipart(request: Request, boundary: str, most_kept: int, most_read: int) -> Body:
    body = Body()
    seen: set[str] = set()
    segment = ""
    try:
        with PushMultipartParser(boundary, max_segment_count=8, strict=True) as parser:
            async for chunk in _chunks(request, most_read):
                for part in parser.parse(chunk):
                    if isinstance(part, MultipartSegment):
                        segment = _segment_name(part, seen)
                    elif part is not None and segment == "metadata":
                        body.metadata += bytes(part)
                        if len(body.metadata) > _MOST_METADATA_BYTES:
                            raise Malformed("The metadata may be at most 64 KiB of JSON.", reference="metadata")
                    elif part is not None:
                        body.take(bytes(part), most_kept)
    except MultipartError as error:
        raise Malformed("The multipart body is broken or breaks off: send it again.", reference="file") from error
    return body


def _segment_name(part: MultipartSegment, seen: set[str]) -> str:
    name = part.name
    if name not in {"metadata", "file"} or name in seen:
        raise Malformed('Send one part "metadata" (JSON) and one part "file".', reference="file")
    seen.add(name)
    return str(name)
