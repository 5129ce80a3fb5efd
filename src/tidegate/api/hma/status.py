"""Whether matching answers, in HMA's own three words. May decide: nothing."""

import asyncio

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from tidegate.api.hma.door import HmaDoor
from tidegate.web.door import Open, node_of
from tidegate.web.problems import as_error

door = HmaDoor()

ALIVE, NOT_LOADED, STALE = "I-AM-ALIVE", "INDEX-NOT-LOADED", "INDEX-STALE"
_SECONDS = 5


@door.answer("GET", "/status", needs=Open.ANYONE, response_class=PlainTextResponse)
async def hma_status(request: Request) -> Response:
    """Say whether matches are answered by everything known now."""
    node = node_of(request)
    try:
        async with asyncio.timeout(_SECONDS):
            await node.follow_signals()
    except Exception as error:
        if as_error(error) is None and not isinstance(error, TimeoutError):
            raise
        return PlainTextResponse(STALE if node.index.position else NOT_LOADED, 503, {"Retry-After": "5"})
    return PlainTextResponse(ALIVE)


@door.answer("GET", "/status/live", needs=Open.ANYONE, response_class=PlainTextResponse)
async def hma_live() -> str:
    """Say that the process answers."""
    return ALIVE
