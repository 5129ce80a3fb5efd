"""The ledger for anyone: what it is and how it stands, its entries in words, its files, and how to check them.

May decide: which paths are files of the ledger. A path has one of the forms the specification gives, so that nothing
else in the folder, and nothing outside it, can be asked for. The pages read the exported files alone: they can say
nothing the files do not.
"""

import asyncio
import re

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.console.public.published import address_of, may_be_kept, published
from tidegate.kernel.errors import NotFound
from tidegate.ledger.note import Verifier
from tidegate.ledger.tiles import CHECKPOINT, COUNTS, KEY, NEXT_COUNTS, directory_reader
from tidegate.node import Node
from tidegate.web.door import Listener, Open, node_of

door = Pages(Listener.PUBLIC)

_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?")
_CHANGING = {CHECKPOINT: "text/plain; charset=utf-8", KEY: "text/plain; charset=utf-8"} | dict.fromkeys(
    (COUNTS, NEXT_COUNTS), "application/json"
)
#: Only the one way to write a number, so that an entry has one address.
_INDEX = re.compile(r"0|[1-9][0-9]{0,14}")
_NEWEST = 20


@door.get("/ledger", needs=Open.ANYONE)
async def ledger_page(request: Request) -> Response:
    """Say what the ledger is, how it stands, and how to check it."""
    node = node_of(request)
    shown = await published(node)
    newest = [] if shown is None else await asyncio.to_thread(shown.newest, _NEWEST)
    return may_be_kept(
        render(
            request,
            "public/ledger.html",
            address=address_of(node),
            origin=node.settings.ledger_origin,
            key=_key(node),
            window=node.settings.publish_window_seconds,
            shown=shown,
            newest=newest,
        )
    )


@door.get("/ledger/entries/{index}", needs=Open.ANYONE)
async def entry_page(request: Request, index: str) -> Response:
    """Show one entry in words, and say how to prove that it is there."""
    node = node_of(request)
    shown = await published(node)
    if shown is None or not _INDEX.fullmatch(index):
        raise NotFound("The ledger has no such entry: its entries are numbered from 0.")
    leaf, tile = await asyncio.to_thread(shown.entry, int(index))
    return may_be_kept(
        render(
            request,
            "public/entry.html",
            address=address_of(node),
            key=_key(node),
            index=int(index),
            size=shown.checkpoint.size,
            leaf=leaf,
            file=tile.path,
        )
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


def _key(node: Node) -> str:
    return Verifier.of(node.settings.ledger_origin, node.database.keys.ledger).vkey
