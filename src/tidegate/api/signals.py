"""Signals: reading what is known, never its fingerprints (floor rule 12). May decide: nothing."""

from typing import Annotated, Any

from fastapi import Query, Request

from tidegate.db.transaction import Transaction
from tidegate.people.model import Scope
from tidegate.signal import store
from tidegate.web.door import Door, Listener, node_of, platform

door = Door(Listener.PLATFORM)


@door.route("GET", "/v1/signals", needs=Scope.SIGNAL_READ, tags=["signal"])
async def read_signals(request: Request, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
    """Read which signals there are and how they stand, by position of their latest change."""

    async def act(tx: Transaction) -> dict[str, Any]:
        page = (await store.after(tx, after))[:500]
        return {
            "signals": [
                {
                    "signal": str(signal.id),
                    "kind": signal.kind,
                    "labels": sorted(signal.labels),
                    "owner": signal.provenance,
                    "standing": signal.standing,
                    "disputed": signal.disputed,
                    "position": signal.position,
                }
                for signal in page
            ],
            "next": page[-1].position if page else after,
        }

    return await node_of(request).run(platform(request), act)
