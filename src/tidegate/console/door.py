"""Doors of pages: what every page of the console and of the public listener has in common.

May decide: nothing about who gets in (``web.door`` does). Adds the security headers, reads forms within a limit, and
answers an error with a page where a person asked and with a problem document where a program did.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from tidegate.alarms.measures import Watch
from tidegate.alarms.model import Pressing
from tidegate.console.errors import render_error
from tidegate.console.forms import PageRequest
from tidegate.console.headers import protect
from tidegate.console.pages import explained
from tidegate.web.door import Door, Listener, Needs, node_of
from tidegate.web.problems import as_error, of_any

Handler = Callable[..., Awaitable[Any]]


class _PageRoute(APIRoute):
    """A route whose answers carry the headers of a page, errors included."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            page = PageRequest(request.scope, request.receive)
            try:
                page.state.alarms = await _alarms(page)
                response = await handle(page)
            except Exception as error:
                known = as_error(error)
                if known is None:
                    raise
                # A script of ours shows the words of a problem document, so they are in the reader's language too.
                known.message = explained(page, known)
                response = render_error(page, known) or of_any(known)
            return protect(response)

        return answer


async def _alarms(request: Request) -> Pressing | None:
    """Count what presses, for the navigation of those who may see it; None when nobody is signed in."""
    watch = getattr(request.app.state, "watch", None)
    if not isinstance(watch, Watch) or node_of(request).session_cookie not in request.cookies:
        return None
    return await watch.pressing()


class Pages(Door):
    """The pages of one listener in one module."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self.router.route_class = _PageRoute

    def get(self, path: str, *, needs: Needs, quiet: bool = False) -> Callable[[Handler], Handler]:
        """Declare a page to read."""
        return self.route("GET", path, needs=needs, quiet=quiet, response_class=HTMLResponse, include_in_schema=False)

    def post(self, path: str, *, needs: Needs) -> Callable[[Handler], Handler]:
        """Declare where a form is sent."""
        return self.route("POST", path, needs=needs, response_class=HTMLResponse, include_in_schema=False)
