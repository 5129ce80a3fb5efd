"""Hashes of an upload, written nowhere. May decide: nothing. The node fetches no address: bytes are sent to it."""

from typing import NoReturn

from fastapi import Request

from tidegate.api.body import Body, read_one_file
from tidegate.api.hma.door import HmaDoor
from tidegate.api.hma.signal_types import CONTENTS, not_checked, types_for, write_signal
from tidegate.api.match import without_record
from tidegate.content.model import Fingerprints
from tidegate.kernel.errors import Malformed
from tidegate.node import Node
from tidegate.signal.model import FingerprintKind

door = HmaDoor()


@door.answer("GET", "/h/hash")
async def hash_address(request: Request) -> None:
    """Refuse to fetch an address: send the bytes instead."""
    without_record(request)
    refuse_address()


@door.answer("POST", "/h/hash", uploads=True)
async def hash_upload(request: Request, types: str | None = None) -> dict[str, str]:
    """Fingerprint one file, sent as multipart/form-data in a field ``photo`` or ``video``.

    A picture with too little detail to be known again has the PDQ value "".
    """
    node = without_record(request)
    content, body = await read_media(request, node)
    wanted = types_for(content, types, seeking=False)
    fingerprints = Fingerprints(sha256=body.sha256)
    if any(known.kind is not FingerprintKind.SHA256 for known in wanted):
        fingerprints, _, unchecked = await node.fingerprint(CONTENTS[content], body.sha256, body.data, full_size=True)
        if unchecked is not None:
            raise not_checked(unchecked)
    return {known.name: write_signal(known, fingerprints) for known in wanted}


async def read_media(request: Request, node: Node) -> tuple[str, Body]:
    """Read the one file of a request; give the name of its field too."""
    settings = node.settings
    kept = {"photo": settings.largest_decoded_bytes, "video": settings.largest_video_bytes}
    return await read_one_file(request, kept, most_read=settings.largest_body_bytes)


def refuse_address() -> NoReturn:
    """Refuse to fetch an address.

    Raises:
        Malformed: always.
    """
    raise Malformed(
        "This node fetches no address: POST the bytes here, as multipart/form-data in a field photo or video.",
        reference="url",
    )
