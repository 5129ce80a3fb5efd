"""Flags: passing on what someone reports, with a receipt and the outcome. May decide: nothing."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from tidegate.api.content import IdempotencyKey
from tidegate.content import store as contents
from tidegate.db.transaction import Row, Transaction
from tidegate.flag import steps, store
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import ContentId, FlagId, ServiceId
from tidegate.people.model import Scope
from tidegate.signal.model import Label
from tidegate.web.door import Door, Listener, key_of, node_of, platform
from tidegate.web.idempotency import once

door = Door(Listener.PLATFORM)


class NewFlag(BaseModel):
    """What someone reports."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: str
    reporter: str
    words: str = ""
    label: Label | None = None
    trusted: bool = False


@door.route("POST", "/v1/flags", needs=Scope.FLAG, status_code=201, tags=["flag"])
async def raise_flag(request: Request, new: NewFlag, idempotency_key: IdempotencyKey = None) -> dict[str, Any]:
    """Ask people to look at a content. Nothing is restricted by a flag alone."""
    key = key_of(request)
    report = steps.Report(
        content=ContentId.parse(new.content),
        label=new.label,
        trusted=new.trusted,
        reporter=new.reporter,
        words=new.words,
    )

    async def act(tx: Transaction) -> dict[str, Any]:
        async def flag() -> dict[str, Any]:
            identity, _ = await steps.raise_flag(tx, key.service, report)
            return await _answer(tx, identity, key.service)

        return await once(tx, key.id, idempotency_key, ("flag", new.model_dump_json()), flag)

    return await node_of(request).run(platform(request), act)


@door.route("GET", "/v1/flags/{flag}", needs=Scope.FLAG, tags=["flag"])
async def read_flag(request: Request, flag: str) -> dict[str, Any]:
    """Read what came of a flag."""
    identity, service = FlagId.parse(flag), key_of(request).service
    return await node_of(request).run(platform(request), lambda tx: _answer(tx, identity, service))


async def _answer(tx: Transaction, flag: FlagId, service: ServiceId) -> dict[str, Any]:
    row: Row | None = await store.load(tx, flag, service)
    if row is None:
        raise NotFound("Your service raised no such flag.")
    content = await contents.load(tx, ContentId(row["content"]))
    assert content is not None
    return {
        "flag": str(flag),
        "content": str(content.id),
        "state": row["state"],
        "outcome": row["outcome"],
        "bytes_wanted": not content.bytes_kept and content.fingerprints is not None,
        "receipt": {"flag": str(flag), "raised_at": row["raised_at"].isoformat()},
    }
