"""Putting the doors on their listeners.

May decide: which door hangs on which listener, and what every answer carries. Three applications in one process, each
with its own port: public, platform, staff.
"""

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidegate.alarms.measures import Watch
from tidegate.node import Node
from tidegate.web import problems
from tidegate.web.door import Door, Listener
from tidegate.web.limits import Limits, Uploads
from tidegate.web.live import Live

log = structlog.get_logger()

#: A request id from outside is taken only if it cannot carry anything else.
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "tidegate_requests", "Requests answered.", ["listener", "method", "route", "status"], registry=REGISTRY
)
SECONDS = Histogram("tidegate_request_seconds", "Time to answer.", ["listener", "route"], registry=REGISTRY)
UNCHECKED = Gauge("tidegate_unchecked_backlog", "Uploads that could not be checked and wait.", registry=REGISTRY)
WAITING = Gauge("tidegate_waiting", "How many wait, by what an alarm can be about.", ["what"], registry=REGISTRY)
WAITING_SECONDS = Gauge(
    "tidegate_waiting_seconds", "How long the oldest has waited; below 0: until it is due.", ["what"], registry=REGISTRY
)
ALARM = Gauge("tidegate_alarm", "0 quiet, 1 note, 2 warning, 3 danger.", ["what"], registry=REGISTRY)
JAILED = Gauge(
    "tidegate_jail_requests", "Requests to this process's jail, by how they ended.", ["ended"], registry=REGISTRY
)


class Traced:
    """Gives each request an id, counts it, and writes one log line that names the route and never the address."""

    def __init__(self, app: ASGIApp, listener: Listener) -> None:
        self._app = app
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Request(scope).headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        status, began = 500, time.perf_counter()
        streaming: float | None = None

        async def send_traced(message: Message) -> None:
            nonlocal status, streaming
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/event-stream"):
                    streaming = time.perf_counter()
                headers["x-request-id"] = request_id
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "no-referrer")
                headers.setdefault("cache-control", "no-store")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_traced)
            finally:
                seconds = time.perf_counter() - began
                # The path may hold a notice's secret; the route's pattern never does.
                route = getattr(scope.get("route"), "path", "unknown")
                REQUESTS.labels(self._listener, scope["method"], route, status).inc()
                # A stream was answered when it began; how long someone listened says nothing of how fast we are.
                SECONDS.labels(self._listener, route).observe(seconds if streaming is None else streaming - began)
                log.info(
                    "answered" if streaming is None else "stream ended",
                    action="request",
                    listener=self._listener,
                    method=scope["method"],
                    route=route,
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                )


class Answered:
    """Turns whatever error reaches the edge into a problem document, so that no text of ours leaks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            response = problems.of_any(error)
            with suppress(RuntimeError):
                await response(scope, receive, send)


def make_application(node: Node, listener: Listener, doors: Iterable[Door], as_page: problems.AsPage) -> FastAPI:
    """Put together one listener."""
    documented = listener is Listener.PLATFORM
    application = FastAPI(
        title=f"Tidegate {listener}",
        version="1",
        description="Checks uploads against known terrorist content, with due process anyone can check.",
        openapi_url="/openapi.json" if documented else None,
        docs_url=None,
        redoc_url=None,
    )
    application.state.node = node
    application.state.limits = Limits()
    application.state.uploads = Uploads(
        node.settings.jail_children * node.settings.uploads_per_child, node.settings.uploads_bytes
    )
    application.state.live = Live(node)
    if listener is Listener.STAFF:
        application.state.watch = Watch(node)
    for door in doors:
        if door.listener is listener:
            application.include_router(door.router)
    problems.install(application, as_page)
    application.add_middleware(Answered)
    application.add_middleware(Traced, listener=listener)
    return application
