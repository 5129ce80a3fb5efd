"""The only SQL that names decision's tables. May decide: nothing."""

import json
from collections.abc import Sequence
from datetime import datetime

from tidegate.case.model import Reason
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.decision.model import (
    Decision,
    DecisionIssued,
    DecisionMade,
    DecisionReversed,
    DecisionUndone,
    Exempt,
    Ground,
    Measure,
    Provision,
    Shown,
    State,
    Vote,
    VoteCast,
    VoteWithdrawn,
)
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event, encode
from tidegate.kernel.ids import CaseId, ContentId, DecisionId, StaffId, VoteId
from tidegate.signal.model import Label


async def votes_on(tx: Transaction, case: CaseId) -> list[Vote]:
    """Give the votes that count on a case, in the order they were cast."""
    rows = await tx.rows('SELECT * FROM vote WHERE "case" = %(case)s AND NOT withdrawn ORDER BY cast_at, id', case=case)
    return [_vote(row) for row in rows]


async def load(tx: Transaction, decision: DecisionId, *, lock: bool = False) -> Decision | None:
    """Load a decision, locked until the commit if asked."""
    if lock:
        row = await tx.row("SELECT * FROM decision WHERE id = %(id)s FOR UPDATE", id=decision)
    else:
        row = await tx.row("SELECT * FROM decision WHERE id = %(id)s", id=decision)
    return None if row is None else _decision(row)


async def waiting_on(tx: Transaction, case: CaseId) -> Decision | None:
    """Give the decision of a case that waits to be issued."""
    row = await tx.row("""SELECT * FROM decision WHERE "case" = %(case)s AND state = 'made'""", case=case)
    return None if row is None else _decision(row)


async def of_case(tx: Transaction, case: CaseId) -> list[Decision]:
    """Give all decisions of a case, oldest first."""
    rows = await tx.rows('SELECT * FROM decision WHERE "case" = %(case)s ORDER BY id', case=case)
    return [_decision(row) for row in rows]


async def due(tx: Transaction, now: datetime, most: int = 100) -> list[DecisionId]:
    """List decisions whose undo time has passed."""
    rows = await tx.rows(
        "SELECT id FROM decision WHERE state = 'made' AND issue_at <= %(now)s ORDER BY issue_at LIMIT %(most)s",
        now=now,
        most=most,
    )
    return [DecisionId(row["id"]) for row in rows]


async def in_force(tx: Transaction, content: ContentId) -> DecisionId | None:
    """Give the newest decision in force about a content."""
    row = await tx.row(
        """
        SELECT decision FROM decision_content WHERE content = %(content)s AND in_force
        ORDER BY decision DESC LIMIT 1
        """,
        content=content,
    )
    return None if row is None else DecisionId(row["decision"])


async def last_decided(
    tx: Transaction, contents: Sequence[ContentId]
) -> dict[ContentId, tuple[datetime | None, datetime | None]]:
    """Give, for each decided content, when it was last removed (if it still is) and when last left up or restored."""
    rows = await tx.rows(
        """
        SELECT content, max(issued_at) FILTER (WHERE restricts AND in_force) AS removed_at,
            greatest(max(issued_at) FILTER (WHERE NOT restricts), max(reversed_at)) AS left_up_at
        FROM decision_content WHERE content = ANY(%(ids)s) GROUP BY content
        """,
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): (row["removed_at"], row["left_up_at"]) for row in rows}


async def restricted_by(tx: Transaction, contents: Sequence[ContentId]) -> list[ContentId]:
    """Say which of these contents are restricted by a decision in force."""
    rows = await tx.rows(
        """
        SELECT DISTINCT d.content FROM decision_content d
        WHERE d.content = ANY(%(ids)s) AND d.in_force AND d.restricts ORDER BY d.content
        """,
        ids=[content.value for content in contents],
    )
    return [ContentId(row["content"]) for row in rows]


async def voted_on(tx: Transaction, cases: Sequence[CaseId]) -> set[CaseId]:
    """Say on which of these cases somebody voted."""
    rows = await tx.rows(
        'SELECT DISTINCT "case" FROM vote WHERE "case" = ANY(%(ids)s) AND NOT withdrawn',
        ids=[case.value for case in cases],
    )
    return {CaseId(row["case"]) for row in rows}


async def case_of_vote(tx: Transaction, vote: VoteId, voter: StaffId) -> CaseId | None:
    """Say on which case someone cast this vote of theirs."""
    row = await tx.row('SELECT "case" FROM vote WHERE id = %(id)s AND voter = %(voter)s', id=vote, voter=voter)
    return None if row is None else CaseId(row["case"])


async def overdue(tx: Transaction) -> Backlog:
    """Count the decisions whose undo time is over and that were not issued."""
    return await tx.backlog(
        "SELECT count(*) AS n, min(issue_at) AS since FROM decision WHERE state = 'made' AND issue_at <= %(now)s",
        now=tx.now,
    )


def _vote(row: Row) -> Vote:
    return Vote(
        id=VoteId(row["id"]),
        voter=StaffId(row["voter"]),
        measure=Measure(row["measure"]),
        ground=row["ground"] and Ground(row["ground"]),
        provision=row["provision"] and Provision(row["provision"]),
        exempt=Exempt(row["exempt"]),
        label=row["label"] and Label(row["label"]),
        shown=_shown(row["shown"]),
    )


def _decision(row: Row) -> Decision:
    return Decision(
        id=DecisionId(row["id"]),
        case=CaseId(row["case"]),
        state=State(row["state"]),
        measure=Measure(row["measure"]),
        ground=row["ground"] and Ground(row["ground"]),
        provision=row["provision"] and Provision(row["provision"]),
        exempt=Exempt(row["exempt"]),
        label=row["label"] and Label(row["label"]),
        reason=Reason(row["reason"]),
        people=row["people"],
        new_signal=row["new_signal"],
        contents=_shown(row["contents"]),
        voters=tuple(StaffId(voter) for voter in row["voters"]),
        issue_at=row["issue_at"],
    )


def _shown(value: list[dict[str, object]]) -> tuple[Shown, ...]:
    return tuple(Shown(ContentId.parse(str(item["content"])), int(str(item["revision"]))) for item in value)


async def _vote_cast(tx: Transaction, happened: VoteCast) -> None:
    await tx.execute(
        """
        INSERT INTO vote (id, "case", voter, measure, ground, provision, exempt, label, shown, cast_at, withdrawn)
        VALUES (%(id)s, %(case)s, %(voter)s, %(measure)s, %(ground)s, %(provision)s, %(exempt)s, %(label)s, %(shown)s,
            %(at)s, false)
        """,
        id=happened.vote,
        case=happened.case,
        voter=happened.voter,
        measure=happened.measure,
        ground=happened.ground,
        provision=happened.provision,
        exempt=happened.exempt,
        label=happened.label,
        shown=json.dumps(encode(happened.shown)),
        at=tx.now,
    )


async def _vote_withdrawn(tx: Transaction, happened: VoteWithdrawn) -> None:
    await tx.execute("UPDATE vote SET withdrawn = true WHERE id = %(id)s", id=happened.vote)


async def _made(tx: Transaction, happened: DecisionMade) -> None:
    await tx.execute(
        """
        INSERT INTO decision (id, "case", state, measure, ground, provision, exempt, label, reason, people, new_signal,
            contents, voters, issue_at)
        VALUES (%(id)s, %(case)s, 'made', %(measure)s, %(ground)s, %(provision)s, %(exempt)s, %(label)s, %(reason)s,
            %(people)s, %(new_signal)s, %(contents)s, %(voters)s, %(issue_at)s)
        """,
        id=happened.decision,
        case=happened.case,
        measure=happened.measure,
        ground=happened.ground,
        provision=happened.provision,
        exempt=happened.exempt,
        label=happened.label,
        reason=happened.reason,
        people=happened.people,
        new_signal=happened.new_signal,
        contents=json.dumps(encode(happened.contents)),
        voters=[voter.value for voter in happened.voters],
        issue_at=happened.issue_at,
    )


async def _undone(tx: Transaction, happened: DecisionUndone) -> None:
    await tx.execute("UPDATE decision SET state = 'undone' WHERE id = %(id)s", id=happened.decision)


async def _issued(tx: Transaction, happened: DecisionIssued) -> None:
    await tx.execute(
        "UPDATE decision SET state = 'issued', contents = %(contents)s WHERE id = %(id)s",
        id=happened.decision,
        contents=json.dumps(encode(happened.contents)),
    )
    for shown in happened.contents:
        # A newer decision about a content takes the place of an older one.
        await tx.execute(
            "UPDATE decision_content SET in_force = false WHERE content = %(content)s", content=shown.content
        )
        await tx.execute(
            """
            INSERT INTO decision_content (decision, content, restricts, in_force, issued_at)
            VALUES (%(decision)s, %(content)s, %(restricts)s, true, %(at)s)
            """,
            decision=happened.decision,
            content=shown.content,
            restricts=happened.measure.restricts,
            at=tx.now,
        )


async def _reversed(tx: Transaction, happened: DecisionReversed) -> None:
    await tx.execute("UPDATE decision SET state = 'reversed' WHERE id = %(id)s", id=happened.decision)
    await tx.execute(
        """
        UPDATE decision_content SET in_force = false, reversed_at = %(at)s
        WHERE decision = %(decision)s AND content = ANY(%(contents)s)
        """,
        decision=happened.decision,
        contents=[content.value for content in happened.contents],
        at=tx.now,
    )


VIEWS = ("vote", "decision", "decision_content")
PROJECTIONS: dict[type[Event], Projection] = {
    VoteCast: _vote_cast,
    VoteWithdrawn: _vote_withdrawn,
    DecisionMade: _made,
    DecisionUndone: _undone,
    DecisionIssued: _issued,
    DecisionReversed: _reversed,
}
