"""The ledger's files, as anyone may copy them, and how to check them.

May decide: which paths are files of the ledger. A path has one of the forms the specification gives, so that nothing
else in the folder, and nothing outside it, can be asked for.
"""

import asyncio
import re

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.kernel.errors import NotFound
from tidegate.ledger.note import Verifier
from tidegate.ledger.tiles import CHECKPOINT, COUNTS, KEY, NEXT_COUNTS, directory_reader
from tidegate.web.door import Listener, Open, node_of

door = Pages(Listener.PUBLIC)

_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?")
_CHANGING = {CHECKPOINT: "text/plain; charset=utf-8", KEY: "text/plain; charset=utf-8"} | dict.fromkeys(
    (COUNTS, NEXT_COUNTS), "application/json"
)


@door.get("/ledger", needs=Open.ANYONE)
async def ledger_page(request: Request) -> Response:
    """Say how to check the ledger."""
    settings, keys = node_of(request).settings, node_of(request).database.keys
    address = f"{str(settings.public_url).rstrip('/')}/ledger"
    return render(
        request,
        "public/ledger.html",
        address=address,
        origin=settings.ledger_origin,
        key=Verifier.of(settings.ledger_origin, keys.ledger).vkey,
    )


@door.get("/ledger/{path:path}", needs=Open.ANYONE)
async def ledger_file(request: Request, path: str) -> Response:
    """Give a file of the ledger."""
    kind = _CHANGING.get(path)
    if kind is None and not _TILE.fullmatch(path):
        raise NotFound("The ledger has no such file.")
    read = directory_reader(node_of(request).settings.ledger_directory)
    data = await asyncio.to_thread(read, path)
    return Response(
        data,
        media_type=kind or "application/octet-stream",
        headers={
            "cache-control": "no-cache" if kind else "public, max-age=31536000, immutable",
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
        },
    )
