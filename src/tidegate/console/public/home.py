"""The public first page: what this is, in one screen, with the numbers as they were published last.

May decide: nothing. The numbers are the report's own; without a publication there are none.
"""

import asyncio

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.console.public.published import may_be_kept, published
from tidegate.report.model import Period
from tidegate.web.door import Listener, Open, node_of

door = Pages(Listener.PUBLIC)


@door.get("/", needs=Open.ANYONE)
async def public_home(request: Request) -> Response:
    """Say what this is, in one screen."""
    node = node_of(request)
    shown = await published(node)
    summary = None if shown is None else await asyncio.to_thread(shown.summary, Period())
    return may_be_kept(
        render(request, "public/home.html", summary=summary, shown=shown, origin=node.settings.ledger_origin)
    )
