"""The public first page. May decide: nothing."""

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.web.door import Listener, Open

door = Pages(Listener.PUBLIC)


@door.get("/", needs=Open.ANYONE)
async def public_home(request: Request) -> Response:
    """Say what this is, in one screen."""
    return render(request, "public/home.html")
