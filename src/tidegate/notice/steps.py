"""Issuing and ending notices. May decide: nothing; there is no step that leaves a notice out."""

from tidegate.content.model import Content
from tidegate.db.sealing import write_detail
from tidegate.db.transaction import Transaction
from tidegate.decision.model import DecisionIssued
from tidegate.kernel.canonical import Json
from tidegate.kernel.ids import ContentId, DecisionId, NoticeId
from tidegate.kernel.states import follow
from tidegate.notice import rules, store
from tidegate.notice.model import NOTICES, Cause, Ended, NoticeEnded, NoticeIssued, NoticeRead, State
from tidegate.verdict.model import VerdictGiven


async def tell_of_hold(tx: Transaction, content: Content, verdict: VerdictGiven) -> NoticeId:
    """Tell the uploader that their content is held, why, until when, and how to object."""
    return await _issue(tx, content, Cause.HOLD, None, rules.statement_of_hold(content, verdict, tx.now))


async def tell_of_decision(tx: Transaction, content: Content, decision: DecisionIssued) -> NoticeId:
    """Tell the uploader what people decided, why, and how to object."""
    statement = rules.statement_of_decision(content, decision, tx.now)
    return await _issue(tx, content, Cause.DECISION, decision.decision, statement)


async def _issue(
    tx: Transaction, content: Content, cause: Cause, decision: DecisionId | None, statement: dict[str, Json]
) -> NoticeId:
    await end(tx, content.id, Ended.REPLACED)
    notice = tx.new(NoticeId)
    await write_detail(tx, content.id, store.statement_part(notice), statement)
    await tx.append(
        NoticeIssued(
            notice=notice,
            content=content.id,
            revision=content.revision,
            cause=cause,
            decision=decision,
            complaint_until=rules.complaint_until(tx.now),
        )
    )
    return notice


async def end(tx: Transaction, content: ContentId, ended: Ended) -> None:
    """Say on every notice about a content that its restriction is over, and how."""
    for row in await store.standing_on(tx, content):
        follow(NOTICES, State(row["state"]), NoticeEnded, "notice")
        await tx.append(NoticeEnded(notice=NoticeId(row["id"]), ended=ended))


async def read(tx: Transaction, notice: NoticeId, *, already: bool) -> None:
    """Write down that the link was opened, once."""
    if not already:
        await tx.append(NoticeRead(notice=notice))
