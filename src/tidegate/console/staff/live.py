"""The stream by which open pages hear that something happened. May decide: nothing; ``web.live`` does."""

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tidegate.console.door import Pages
from tidegate.people.model import Permission
from tidegate.web.door import Listener, node_of, session_of
from tidegate.web.live import Listening, Live

door = Pages(Listener.STAFF)


class _Stream(StreamingResponse):
    """A stream that is closed however its answer ends."""

    def __init__(self, live: Live, stream: Listening, *, again: bool) -> None:
        super().__init__(
            live.lines(stream, again=again), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )
        self._live, self._stream = live, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.leave(self._stream)


@door.get("/live", needs=Permission.SEE_OWN_ACCOUNT, quiet=True)
async def live(request: Request) -> Response:
    """Say the topics of what happens, as it happens, to those who may hear of them."""
    streams = request.app.state.live
    assert isinstance(streams, Live)
    token = request.cookies[node_of(request).session_cookie]
    stream = streams.join(session_of(request), token)
    return _Stream(streams, stream, again="last-event-id" in request.headers)
