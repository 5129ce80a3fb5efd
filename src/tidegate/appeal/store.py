"""The only SQL that names appeal's tables. May decide: nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from tidegate.appeal.model import (
    Appeal,
    AppealDecided,
    AppealEvidenceAdded,
    AppealOpened,
    AppealVoteCast,
    Outcome,
    State,
)
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event
from tidegate.kernel.ids import AppealId, ContentId, NoticeId, StaffId

_SELECT: LiteralString = """
    SELECT a.*, ARRAY(SELECT v.voter FROM appeal_vote v WHERE v.appeal = a.id ORDER BY v.cast_at, v.voter) AS voters,
        ARRAY(SELECT v.outcome FROM appeal_vote v WHERE v.appeal = a.id ORDER BY v.cast_at, v.voter) AS outcomes
    FROM appeal a
"""


def words_part(appeal: AppealId) -> str:
    """Name the sealed detail with what the person says; it belongs to the content, as the parts below do."""
    return f"appeal/{appeal}"


def evidence_part(appeal: AppealId, number: int) -> str:
    """Name the sealed bytes of one picture sent with a complaint, numbered from 1."""
    return f"evidence/{appeal}/{number}"


def judgement_part(appeal: AppealId, judge: StaffId) -> str:
    """Name the sealed detail with one judge's reasons."""
    return f"judgement/{appeal}/{judge}"


async def judgements(tx: Transaction, appeal: Appeal) -> list[tuple[Outcome, str | None]]:
    """Give what was judged, with the reasons, naming nobody; None where they were erased."""
    found = []
    for judge, outcome in appeal.votes:
        detail = await read_detail(tx, appeal.content, judgement_part(appeal.id, judge))
        found.append((outcome, str(detail["words"]) if detail else None))
    return found


async def load(tx: Transaction, appeal: AppealId, *, lock: bool = False) -> Appeal | None:
    """Load an appeal and its votes, locked until the commit if asked."""
    if lock:
        await tx.row("SELECT id FROM appeal WHERE id = %(id)s FOR UPDATE", id=appeal)
    row = await tx.row(_SELECT + " WHERE a.id = %(id)s", id=appeal)
    return None if row is None else _appeal(row)


async def of_notice(tx: Transaction, notice: NoticeId) -> Appeal | None:
    """Give the appeal against a notice."""
    row = await tx.row(_SELECT + " WHERE a.notice = %(notice)s", notice=notice)
    return None if row is None else _appeal(row)


async def of_content(tx: Transaction, content: ContentId) -> list[Appeal]:
    """Give all appeals about a content, oldest first."""
    rows = await tx.rows(_SELECT + " WHERE a.content = %(content)s ORDER BY a.id", content=content)
    return [_appeal(row) for row in rows]


async def not_decided(tx: Transaction, most: int = 500) -> list[Appeal]:
    """List open appeals, the soonest due first."""
    rows = await tx.rows(_SELECT + " WHERE a.state = 'open' ORDER BY a.due_at LIMIT %(most)s", most=most)
    return [_appeal(row) for row in rows]


async def decided(tx: Transaction, most: int = 200) -> list[Appeal]:
    """List decided appeals, the newest decided first."""
    rows = await tx.rows(_SELECT + " WHERE a.state = 'decided' ORDER BY a.decided_at DESC LIMIT %(most)s", most=most)
    return [_appeal(row) for row in rows]


async def contested(tx: Transaction, contents: Sequence[ContentId]) -> set[ContentId]:
    """Say which of these contents an open appeal is about."""
    rows = await tx.rows(
        "SELECT DISTINCT content FROM appeal WHERE state = 'open' AND content = ANY(%(ids)s)",
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]) for row in rows}


async def late(tx: Transaction) -> Backlog:
    """Count the open appeals that are past due."""
    return await tx.backlog(
        "SELECT count(*) AS n, min(due_at) AS since FROM appeal WHERE state = 'open' AND due_at < %(now)s", now=tx.now
    )


async def due_before(tx: Transaction, before: datetime) -> Backlog:
    """Count the open appeals that fall due until then and are not late yet."""
    return await tx.backlog(
        """
        SELECT count(*) AS n, min(due_at) AS since FROM appeal
        WHERE state = 'open' AND due_at >= %(now)s AND due_at <= %(before)s
        """,
        now=tx.now,
        before=before,
    )


async def not_judged_by(tx: Transaction, person: StaffId) -> Backlog:
    """Count the open appeals someone has not judged; ``since`` is when the first falls due."""
    return await tx.backlog(
        """
        SELECT count(*) AS n, min(due_at) AS since FROM appeal a WHERE state = 'open'
          AND NOT EXISTS (SELECT 1 FROM appeal_vote v WHERE v.appeal = a.id AND v.voter = %(person)s)
        """,
        person=person,
    )


def _appeal(row: Row) -> Appeal:
    return Appeal(
        id=AppealId(row["id"]),
        notice=NoticeId(row["notice"]),
        content=ContentId(row["content"]),
        state=State(row["state"]),
        outcome=row["outcome"] and Outcome(row["outcome"]),
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        evidence=row["evidence"],
        votes=tuple(
            (StaffId(voter), Outcome(found)) for voter, found in zip(row["voters"], row["outcomes"], strict=True)
        ),
    )


async def _opened(tx: Transaction, happened: AppealOpened) -> None:
    await tx.execute(
        """
        INSERT INTO appeal (id, notice, content, state, opened_at, due_at)
        VALUES (%(id)s, %(notice)s, %(content)s, 'open', %(at)s, %(due_at)s)
        """,
        id=happened.appeal,
        notice=happened.notice,
        content=happened.content,
        at=tx.now,
        due_at=happened.due_at,
    )


async def _evidence_added(tx: Transaction, happened: AppealEvidenceAdded) -> None:
    await tx.execute(
        "UPDATE appeal SET evidence = %(number)s WHERE id = %(id)s", id=happened.appeal, number=happened.number
    )


async def _vote_cast(tx: Transaction, happened: AppealVoteCast) -> None:
    await tx.execute(
        """
        INSERT INTO appeal_vote (appeal, voter, outcome, cast_at)
        VALUES (%(appeal)s, %(voter)s, %(outcome)s, %(at)s)
        """,
        appeal=happened.appeal,
        voter=happened.voter,
        outcome=happened.outcome,
        at=tx.now,
    )


async def _decided(tx: Transaction, happened: AppealDecided) -> None:
    await tx.execute(
        "UPDATE appeal SET state = 'decided', outcome = %(outcome)s, decided_at = %(at)s WHERE id = %(id)s",
        id=happened.appeal,
        outcome=happened.outcome,
        at=tx.now,
    )


VIEWS = ("appeal", "appeal_vote")
PROJECTIONS: dict[type[Event], Projection] = {
    AppealOpened: _opened,
    AppealEvidenceAdded: _evidence_added,
    AppealVoteCast: _vote_cast,
    AppealDecided: _decided,
}
