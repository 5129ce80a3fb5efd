"""The notice: what the person whose content was restricted reads, and how they object.

May decide: what a receipt opens to this reader, and how often a complaint may be sent. The secret in the address is
the permission; it is never logged, and the page is neither kept nor found by anyone else. No account, no script and
no cookie is needed.

The page says which content it is about without showing it: by the platform's own name for it, its kind, when it was
posted, and the beginning of the words its uploader wrote beside it, as escaped text. The picture stays away. Whoever
has the link could be anyone the uploader's mailbox was opened by, and the page must not become a place where
restricted content can be looked at; who posted it knows it by these. Words of others (reports, votes) never stand
here, except the reasons of judges, which are written for this reader.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tidegate.appeal import rules as appeal_rules
from tidegate.appeal import steps as appeals
from tidegate.appeal import store as appeal_store
from tidegate.appeal.model import Appeal, Outcome, State
from tidegate.console.door import Pages
from tidegate.console.forms import check_same_origin
from tidegate.console.language import language_of
from tidegate.console.pages import render
from tidegate.console.public.complaint import TOO_OFTEN, Refused, Sent, drawn_anew, read
from tidegate.console.public.notice_life import Final, Step, final, steps
from tidegate.content.facts import facts_part
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import PERSON, Row, Transaction
from tidegate.kernel.errors import NotFound, RateLimited, TidegateError, WrongState
from tidegate.kernel.ids import ContentId, NoticeId
from tidegate.ledger import store as ledger_store
from tidegate.ledger.leaf import RESTRICTIONS
from tidegate.ledger.steps import receipt_for
from tidegate.node import Node
from tidegate.notice import rules, store
from tidegate.notice import steps as notices
from tidegate.notice.model import Ended
from tidegate.web.door import Listener, Open, node_of
from tidegate.web.problems import TABLE

door = Pages(Listener.PUBLIC)

#: What a receipt opens to the person whose content it was.
FIELDS = ("at", "event", "content", "revision", "decision", "provision", "exempt", "until")
#: Enough of the uploader's own words to know which content is meant.
_MOST_CAPTION = 280
#: Complaints tried: behind one link (someone may have to mend a form), and from one address (many share one).
_PER_LINK, _PER_SOURCE = 10, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the content is known by to its uploader."""

    name: str
    posted_at: str | None
    caption: str
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All a notice's page says."""

    notice: Row
    content: ContentId
    statement: dict[str, Any] | None
    about: About | None
    appeal: Appeal | None
    judgements: list[tuple[Outcome, str | None]]
    words: str | None
    may_complain: bool
    final: Final
    steps: tuple[Step, ...]
    now: datetime
    days_left: int
    late: bool
    judges_needed: int


@door.get("/notice/{token}", needs=Open.LINK)
async def notice_page(request: Request, token: str) -> Response:
    """Tell someone what was restricted, why, and how to object."""
    return await _page(request, token)


async def _page(request: Request, token: str, *, typed: str = "", refused: TidegateError | None = None) -> Response:
    told = await node_of(request).run(PERSON, lambda tx: _read(tx, token))
    response = render(
        request, "public/notice.html", told=told, statement=told.statement, token=token, typed=typed, refused=refused,
        most_words=appeal_rules.MOST_WORDS, due_in=appeal_rules.DUE_IN,
    )  # fmt: skip
    response.headers["x-robots-tag"] = "noindex, noarchive"
    if refused is not None:
        response.status_code = TABLE[refused.kind][0]
        if isinstance(refused, RateLimited):
            response.headers["Retry-After"] = str(refused.retry_after)
    return response


async def _read(tx: Transaction, token: str) -> Told:
    notice = await store.by_token(tx, token)
    identity, content = NoticeId(notice["id"]), ContentId(notice["content"])
    await notices.read(tx, identity, already=notice["read_at"] is not None)
    appeal = await appeal_store.of_notice(tx, identity)
    said = await read_detail(tx, content, appeal_store.words_part(appeal.id)) if appeal else None
    statement = await store.statement(tx, content, identity)
    ended = notice["ended"] and Ended(notice["ended"])
    window: dict[str, datetime] = {"complaint_until": notice["complaint_until"], "now": tx.now}
    return Told(
        notice=notice,
        content=content,
        statement=statement,
        about=_about(await read_detail(tx, content, facts_part(notice["revision"]))),
        appeal=appeal,
        judgements=await appeal_store.judgements(tx, appeal)
        if appeal is not None and appeal.state is State.DECIDED
        else [],
        words=str(said["words"]) if said else None,
        may_complain=_may_complain(tx, notice, appeal),
        final=final(ended, appeal, held=bool(statement and statement["until"]), **window),
        steps=steps(ended, appeal, issued_at=notice["issued_at"], ended_at=notice["ended_at"], **window),
        now=tx.now,
        days_left=rules.days_left(notice["complaint_until"], tx.now),
        late=appeal is not None and appeal_rules.late(appeal, tx.now),
        judges_needed=max(1, int(statement["people"])) if statement else 1,
    )


def _about(facts: dict[str, Any] | None) -> About | None:
    if facts is None:
        return None
    caption = str(facts["caption"])
    return About(
        name=str(facts["platform_id"]),
        posted_at=facts["posted_at"],
        caption=caption[:_MOST_CAPTION],
        cut=len(caption) > _MOST_CAPTION,
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


@door.get("/notice/{token}/complaint", needs=Open.LINK)
async def complaint_again(request: Request, token: str) -> Response:
    """Lead back to the notice: where someone lands who opens anew, or in another language, what a form answered."""
    await node_of(request).run(PERSON, lambda tx: store.by_token(tx, token))
    return RedirectResponse(f"/notice/{token}?{request.url.query}".rstrip("?"), 303)


@door.post("/notice/{token}/complaint", needs=Open.LINK)
async def complain(request: Request, token: str) -> Response:
    """Write a complaint down; where something is wrong with it, say what, with the words still in the form."""
    check_same_origin(request)
    notice = await node_of(request).run(PERSON, lambda tx: store.by_token(tx, token))
    with ExitStack() as turn:
        limited = _take_turn(request, NoticeId(notice["id"]), turn)
        sent = await read(request, keep_files=limited is None)
        try:
            if limited is not None:
                raise limited
            await _file(request, token, sent)
        except (Refused, WrongState, RateLimited) as error:
            if "text/html" not in request.headers.get("accept", ""):
                raise
            return await _page(request, token, typed=sent.words, refused=error)
    return RedirectResponse(f"/notice/{token}", 303)


def _take_turn(request: Request, notice: NoticeId, turn: ExitStack) -> RateLimited | None:
    """Let one complaint at a time arrive behind a link, and not too many; give why one is not even looked into."""
    limits, source = request.app.state.limits, request.client.host if request.client else ""
    try:
        limits.take(f"complaint/source/{source}", _PER_SOURCE)
        limits.take(f"complaint/link/{notice}", _PER_LINK)
        turn.enter_context(limits.alone(f"complaint/{notice}"))
    except RateLimited as error:
        return RateLimited(TOO_OFTEN, retry_after=error.retry_after, reference="form")
    return None


async def _file(request: Request, token: str, sent: Sent) -> None:
    """Write down what arrived, once every picture is known to be one.

    Raises:
        Refused: something in the form cannot be taken in.
        WrongState: see ``appeal.rules.check_filing``.
    """
    node, language = node_of(request), language_of(request)
    sent.check()
    evidence = await drawn_anew(node.jail, sent)

    async def file(tx: Transaction) -> None:
        await appeals.file(tx, await store.by_token(tx, token), sent.words, language=language, evidence=evidence)

    await node.run(PERSON, file)


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
