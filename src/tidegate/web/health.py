"""Whether the node lives, whether it is ready, and its numbers. May decide: what "ready" means."""

import asyncio
from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import generate_latest
from starlette.responses import Response

from tidegate.alarms.measures import measure
from tidegate.alarms.model import Alarm
from tidegate.alarms.rules import level_of
from tidegate.db.transaction import TIME, Transaction
from tidegate.kernel.errors import TidegateError
from tidegate.ledger.export import published
from tidegate.ledger.note import Verifier
from tidegate.web.app import ALARM, JAILED, REGISTRY, UNCHECKED, WAITING, WAITING_SECONDS
from tidegate.web.door import Door, Listener, Open, node_of
from tidegate.web.problems import as_error

door = Door(Listener.PLATFORM)


@door.route("GET", "/health/live", needs=Open.ANYONE, tags=["health"], response_class=PlainTextResponse)
async def live() -> str:
    """Say that the process answers."""
    return "live"


@door.route("GET", "/health/ready", needs=Open.ANYONE, tags=["health"])
async def ready(request: Request) -> Response:
    """Say whether uploads can be checked, with one line for each part."""
    node = node_of(request)
    parts = {"database": "ok", "jail": "ok" if node.jail.running else "down", "ledger": "ok"}
    try:
        async with asyncio.timeout(5):
            await node.run(TIME, _ping)
    except Exception as error:
        known = as_error(error)
        if known is None and not isinstance(error, TimeoutError):
            raise
        parts["database"] = "down"
    try:
        published(
            node.settings.ledger_directory,
            Verifier.of(node.settings.ledger_origin, node.database.keys.ledger),
        )
    except TidegateError as error:
        parts["ledger"] = error.message
    good = parts["database"] == parts["jail"] == "ok"
    body = {"ready": good, "parts": parts, "at": datetime.now(UTC).isoformat()}
    return JSONResponse(body, 200 if good else 503, {} if good else {"Retry-After": "5"})


async def _ping(tx: Transaction) -> None:
    await tx.row("SELECT 1 AS one")


@door.route("GET", "/metrics", needs=Open.ANYONE, tags=["health"], response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Give the node's numbers for Prometheus: counts and times, never an id."""
    node = node_of(request)
    measured = await node.run(TIME, lambda tx: measure(tx, node))
    UNCHECKED.set(measured.backlogs[Alarm.UNCHECKED_RETRIED].count)
    for alarm, waiting in measured.backlogs.items():
        level = level_of(alarm, waiting, measured.at)
        WAITING.labels(alarm).set(waiting.count)
        WAITING_SECONDS.labels(alarm).set((measured.at - waiting.since).total_seconds() if waiting.since else 0)
        ALARM.labels(alarm).set(level.rank if level else 0)
    for ended, count in measured.jail.counts.items():
        JAILED.labels(ended).set(count)
    return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4")
