"""The notice: what the person whose content was restricted reads, and how they object.

May decide: what a receipt opens to this reader. The secret in the address is the permission; it is never logged, and
the page is neither kept nor found by anyone else. No account, no script and no cookie is needed.
"""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tidegate.appeal import rules as appeal_rules
from tidegate.appeal import steps as appeals
from tidegate.appeal import store as appeal_store
from tidegate.appeal.model import Appeal, Outcome, State
from tidegate.console.appeals import judgements
from tidegate.console.door import Pages
from tidegate.console.forms import check_same_origin, text_in
from tidegate.console.pages import render
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import PERSON, Row, Transaction
from tidegate.kernel.errors import NotFound, WrongState
from tidegate.kernel.ids import ContentId, NoticeId
from tidegate.ledger import store as ledger_store
from tidegate.ledger.leaf import RESTRICTIONS
from tidegate.ledger.steps import receipt_for
from tidegate.node import Node
from tidegate.notice import steps, store
from tidegate.web.door import Listener, Open, node_of

door = Pages(Listener.PUBLIC)

#: What a receipt opens to the person whose content it was.
FIELDS = ("at", "event", "content", "revision", "decision", "provision", "exempt", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All a notice's page says."""

    notice: Row
    content: ContentId
    statement: dict[str, Any] | None
    appeal: Appeal | None
    judgements: list[tuple[Outcome, str | None]]
    words: str | None
    may_complain: bool


@door.get("/notice/{token}", needs=Open.LINK)
async def notice_page(request: Request, token: str) -> Response:
    """Tell someone what was restricted, why, and how to object."""
    told = await node_of(request).run(PERSON, lambda tx: _read(tx, token))
    response = render(request, "public/notice.html", told=told, statement=told.statement, token=token)
    response.headers["x-robots-tag"] = "noindex, noarchive"
    return response


async def _read(tx: Transaction, token: str) -> Told:
    notice = await store.by_token(tx, token)
    identity, content = NoticeId(notice["id"]), ContentId(notice["content"])
    await steps.read(tx, identity, already=notice["read_at"] is not None)
    appeal = await appeal_store.of_notice(tx, identity)
    decided = appeal is not None and appeal.state is State.DECIDED
    said = await read_detail(tx, content, appeal_store.words_part(appeal.id)) if appeal else None
    return Told(
        notice=notice,
        content=content,
        statement=await store.statement(tx, content, identity),
        appeal=appeal,
        judgements=await judgements(tx, appeal) if appeal is not None and decided else [],
        words=str(said["words"]) if said else None,
        may_complain=_may_complain(tx, notice, appeal),
    )


def _may_complain(tx: Transaction, notice: Row, appeal: Appeal | None) -> bool:
    try:
        appeal_rules.check_filing(
            complaint_until=notice["complaint_until"],
            open_already=appeal is not None and appeal.state is State.OPEN,
            decided_already=appeal is not None and appeal.state is State.DECIDED,
            now=tx.now,
        )
    except WrongState:
        return False
    return True


@door.post("/notice/{token}/complaint", needs=Open.LINK)
async def complain(request: Request, token: str) -> Response:
    """Write a complaint down."""
    check_same_origin(request)
    words = text_in(await request.form(), "words")

    async def file(tx: Transaction) -> None:
        await appeals.file(tx, await store.by_token(tx, token), words)

    await node_of(request).run(PERSON, file)
    return RedirectResponse(f"/notice/{token}", 303)


@door.get("/notice/{token}/receipt.json", needs=Open.LINK)
async def receipt(request: Request, token: str) -> Response:
    """Give the proof that this case is in the public ledger, opening this reader's fields and no others."""
    node = node_of(request)
    document = await node.run(PERSON, lambda tx: _receipt(tx, node, token))
    return JSONResponse(
        document,
        headers={"content-disposition": 'attachment; filename="receipt.json"', "x-robots-tag": "noindex, noarchive"},
    )


async def _receipt(tx: Transaction, node: Node, token: str) -> dict[str, Any]:
    notice = await store.by_token(tx, token)
    content = ContentId(notice["content"])
    leaf = await ledger_store.newest_about(tx, content, RESTRICTIONS)
    settings = node.settings
    made = leaf and await receipt_for(tx, settings.ledger_directory, settings.ledger_origin, leaf, content, FIELDS)
    if not made:
        raise NotFound("There is no receipt any more: it was erased when nothing could contest this any longer.")
    return dict(made.document())
