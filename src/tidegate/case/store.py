"""The only SQL that names case's tables. May decide: nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from tidegate.case import rules
from tidegate.case.model import (
    Case,
    CaseClaimed,
    CaseClosed,
    CaseDecided,
    CaseJoined,
    CaseLeft,
    CaseLetGo,
    CaseOpened,
    CaseReopened,
    Reason,
    State,
    Urgency,
)
from tidegate.content.model import AccountClass, ContentErased, ContentReachChanged, ContentSubmitted
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.flag.model import FlagAnswered, FlagRaised
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event
from tidegate.kernel.ids import CaseId, ContentId, Id, SignalId, StaffId
from tidegate.verdict.model import HoldConfirmed, HoldLapsed, HoldReleased, VerdictGiven

_SELECT: LiteralString = """
    SELECT c.*, ARRAY(SELECT m.content FROM case_member m WHERE m."case" = c.id ORDER BY m.content) AS members
    FROM "case" c
"""


async def load(tx: Transaction, case: CaseId, *, lock: bool = False) -> Case | None:
    """Load a case and its members, locked until the commit if asked."""
    if lock:
        await tx.row('SELECT id FROM "case" WHERE id = %(id)s FOR UPDATE', id=case)
    row = await tx.row(_SELECT + " WHERE c.id = %(id)s", id=case)
    return None if row is None else _case(row)


async def lock_claims(tx: Transaction, person: StaffId) -> None:
    """Let one writer at a time change which cases someone is on."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=int.from_bytes(person.value.bytes[-8:], signed=True))


async def claimed_by(tx: Transaction, person: StaffId) -> list[CaseId]:
    """List the open cases someone is on, in the queue's order."""
    rows = await tx.rows(
        """
        SELECT id FROM "case" WHERE claimed_by = %(person)s AND claimed_until > %(now)s AND state = 'open'
        ORDER BY held_until NULLS LAST, place, id
        """,
        person=person,
        now=tx.now,
    )
    return [CaseId(row["id"]) for row in rows]


async def lock_anchor(tx: Transaction, anchor: Id) -> None:
    """Let one writer at a time open or join the cases around an anchor."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=int.from_bytes(anchor.value.bytes[-8:], signed=True))


async def open_around(tx: Transaction, anchor: Id, account_class: AccountClass, caption: bytes | None) -> Case | None:
    """Find the case around an anchor, not yet closed, for this kind of account and these words."""
    row = await tx.row(
        _SELECT
        + """
        WHERE c.state <> 'closed' AND coalesce(c.signal, c.content) = %(anchor)s AND c.account_class = %(account_class)s
          AND c.caption IS NOT DISTINCT FROM %(caption)s
        LIMIT 1
        """,
        anchor=anchor,
        account_class=account_class,
        caption=caption,
    )
    return None if row is None else _case(row)


async def of_content(tx: Transaction, content: ContentId) -> Case | None:
    """Find the case a content is in that is not closed, else the newest it was in."""
    row = await tx.row(
        _SELECT
        + """
        JOIN case_member m ON m."case" = c.id WHERE m.content = %(content)s
        ORDER BY (c.state = 'closed'), c.opened_at DESC LIMIT 1
        """,
        content=content,
    )
    return None if row is None else _case(row)


async def contested(tx: Transaction, contents: Sequence[ContentId]) -> set[ContentId]:
    """Say which of these contents are in a case that is not closed."""
    rows = await tx.rows(
        """
        SELECT DISTINCT m.content FROM case_member m JOIN "case" c ON c.id = m."case"
        WHERE c.state <> 'closed' AND m.content = ANY(%(ids)s)
        """,
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]) for row in rows}


async def around(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, CaseId]:
    """Say in which case, not yet closed, each of these contents is."""
    rows = await tx.rows(
        """
        SELECT m.content, c.id FROM case_member m JOIN "case" c ON c.id = m."case"
        WHERE c.state <> 'closed' AND m.content = ANY(%(ids)s)
        """,
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): CaseId(row["id"]) for row in rows}


async def with_signal(tx: Transaction, signal: SignalId, most: int = 20) -> list[tuple[CaseId, State]]:
    """List the newest cases around a signal, and how they stand."""
    rows = await tx.rows(
        'SELECT id, state FROM "case" WHERE signal = %(signal)s ORDER BY id DESC LIMIT %(most)s',
        signal=signal,
        most=most,
    )
    return [(CaseId(row["id"]), State(row["state"])) for row in rows]


async def open_backlog(tx: Transaction, reason: Reason | None = None) -> Backlog:
    """Count the cases that wait for votes: all, or those there for one reason."""
    return await tx.backlog(
        """
        SELECT count(*) AS n, min(opened_at) AS since FROM "case"
        WHERE state <> 'closed' AND state = 'open' AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        """,
        reason=reason,
    )


def _case(row: Row) -> Case:
    return Case(
        id=CaseId(row["id"]),
        state=State(row["state"]),
        reason=Reason(row["reason"]),
        signal=row["signal"] and SignalId(row["signal"]),
        content=row["content"] and ContentId(row["content"]),
        account_class=AccountClass(row["account_class"]),
        caption=None if row["caption"] is None else bytes(row["caption"]),
        opened_at=row["opened_at"],
        members=tuple(ContentId(member) for member in row["members"]),
        claimed_by=row["claimed_by"] and StaffId(row["claimed_by"]),
        claimed_until=row["claimed_until"],
    )


def urgency_in(row: Row) -> Urgency:
    """Read what a case's place rests on."""
    return Urgency(
        reason=Reason(row["reason"]),
        account_class=AccountClass(row["account_class"]),
        reach=row["reach"],
        distance=row["distance"],
        reports=row["reports"] - row["trusted_reports"],
        trusted_reports=row["trusted_reports"],
    )


async def _opened(tx: Transaction, happened: CaseOpened) -> None:
    first = await tx.row("SELECT caption FROM content WHERE id = %(id)s", id=happened.first)
    await tx.execute(
        """
        INSERT INTO "case" (id, state, reason, signal, content, first, account_class, caption, opened_at)
        VALUES (%(id)s, 'open', %(reason)s, %(signal)s, %(content)s, %(first)s, %(account_class)s, %(caption)s, %(at)s)
        """,
        id=happened.case,
        reason=happened.reason,
        signal=happened.signal,
        content=happened.content,
        first=happened.first,
        account_class=happened.account_class,
        caption=first and first["caption"],
        at=tx.now,
    )


async def _joined(tx: Transaction, happened: CaseJoined) -> None:
    # Who changes a content now has not seen that it is in this case, and we have not seen the change: wait for it.
    await tx.execute("SELECT 1 FROM content WHERE id = %(id)s FOR NO KEY UPDATE", id=happened.content)
    await tx.execute(
        """
        INSERT INTO case_member ("case", content, distance) VALUES (%(case)s, %(content)s, %(distance)s)
        ON CONFLICT ("case", content) DO UPDATE SET distance = EXCLUDED.distance
        """,
        case=happened.case,
        content=happened.content,
        distance=happened.distance,
    )
    await _place(tx, happened.case)


async def _left(tx: Transaction, happened: CaseLeft) -> None:
    await tx.execute(
        'DELETE FROM case_member WHERE "case" = %(case)s AND content = %(content)s',
        case=happened.case,
        content=happened.content,
    )
    await _place(tx, happened.case)


async def _set_state(tx: Transaction, case: CaseId, state: State) -> None:
    await tx.execute('UPDATE "case" SET state = %(state)s WHERE id = %(id)s', id=case, state=state)


async def _claimed(tx: Transaction, happened: CaseClaimed) -> None:
    await _set_claim(tx, happened.case, happened.by, happened.until)


async def _let_go(tx: Transaction, happened: CaseLetGo) -> None:
    await _set_claim(tx, happened.case, None, None)


async def _set_claim(tx: Transaction, case: CaseId, by: StaffId | None, until: datetime | None) -> None:
    await tx.execute(
        'UPDATE "case" SET claimed_by = %(by)s, claimed_until = %(until)s WHERE id = %(id)s',
        id=case,
        by=by,
        until=until,
    )


async def _decided(tx: Transaction, happened: CaseDecided) -> None:
    await _set_state(tx, happened.case, State.DECIDED)


async def _reopened(tx: Transaction, happened: CaseReopened) -> None:
    await _set_state(tx, happened.case, State.OPEN)


async def _closed(tx: Transaction, happened: CaseClosed) -> None:
    """Take it out of the queue: nothing of what its place rested on is followed any more."""
    await tx.execute(
        """
        UPDATE "case" SET state = 'closed', size = 0, reach = 0, held_until = NULL, distance = NULL, reports = 0,
            trusted_reports = 0, languages = '{}', place = NULL, claimed_by = NULL, claimed_until = NULL
        WHERE id = %(id)s
        """,
        id=happened.case,
    )


async def _erased(tx: Transaction, happened: ContentErased) -> None:
    await tx.execute('UPDATE "case" SET caption = NULL WHERE first = %(first)s', first=happened.content)


# --- the queue ---

_Changed = (
    ContentSubmitted | ContentReachChanged | VerdictGiven | HoldLapsed | HoldReleased | HoldConfirmed | FlagRaised
)  # fmt: skip


async def _content_changed(tx: Transaction, happened: _Changed) -> None:
    await _place_of(tx, happened.content)


async def _flag_answered(tx: Transaction, happened: FlagAnswered) -> None:
    row = await tx.row("SELECT content FROM flag WHERE id = %(id)s", id=happened.flag)
    assert row is not None
    await _place_of(tx, ContentId(row["content"]))


async def _place_of(tx: Transaction, content: ContentId) -> None:
    """Place the case anew that a content is in."""
    await tx.execute("SELECT 1 FROM content WHERE id = %(id)s FOR NO KEY UPDATE", id=content)
    rows = await tx.rows(
        """
        SELECT c.id FROM "case" c JOIN case_member m ON m."case" = c.id
        WHERE m.content = %(content)s AND c.state <> 'closed' ORDER BY c.id
        """,
        content=content,
    )
    for row in rows:
        await _place(tx, CaseId(row["id"]))


async def _place(tx: Transaction, case: CaseId) -> None:
    """Sum up what a case's members say, and place it by the rules.

    Locked first and summed up after: of two whose members change at once, the second sees what the first wrote.
    """
    await tx.execute('SELECT 1 FROM "case" WHERE id = %(id)s FOR UPDATE', id=case)
    row = await tx.row(
        """
        SELECT c.reason, c.account_class, c.opened_at, count(*) AS size, max(n.reach) AS reach,
            min(m.distance) AS distance,
            (SELECT min(h.expires_at) FROM case_member o JOIN hold h ON h.content = o.content
                WHERE o."case" = c.id AND h.state = 'held') AS held_until,
            (SELECT count(*) FROM case_member o JOIN flag f ON f.content = o.content
                WHERE o."case" = c.id AND f.state = 'raised') AS reports,
            (SELECT count(*) FROM case_member o JOIN flag f ON f.content = o.content
                WHERE o."case" = c.id AND f.state = 'raised' AND f.trusted) AS trusted_reports,
            coalesce(array_agg(DISTINCT n.language ORDER BY n.language) FILTER (WHERE n.language IS NOT NULL), '{}')
                AS languages
        FROM "case" c JOIN case_member m ON m."case" = c.id JOIN content n ON n.id = m.content
        WHERE c.id = %(id)s AND c.state <> 'closed' GROUP BY c.id
        """,
        id=case,
    )
    if row is None:
        return  # Its last member left: it is closed next.
    await tx.execute(
        """
        UPDATE "case" SET size = %(size)s, reach = %(reach)s, held_until = %(held_until)s, distance = %(distance)s,
            reports = %(reports)s, trusted_reports = %(trusted_reports)s, languages = %(languages)s, place = %(place)s
        WHERE id = %(id)s
        """,
        id=case,
        place=rules.place(row["opened_at"], urgency_in(row)),
        **{name: row[name] for name in _SUMS},
    )


_SUMS = ("size", "reach", "held_until", "distance", "reports", "trusted_reports", "languages")

VIEWS = ("case", "case_member")
PROJECTIONS: dict[type[Event], Projection] = {
    CaseOpened: _opened,
    CaseJoined: _joined,
    CaseLeft: _left,
    CaseClaimed: _claimed,
    CaseLetGo: _let_go,
    CaseDecided: _decided,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    ContentErased: _erased,
    ContentSubmitted: _content_changed,
    ContentReachChanged: _content_changed,
    VerdictGiven: _content_changed,
    HoldLapsed: _content_changed,
    HoldReleased: _content_changed,
    HoldConfirmed: _content_changed,
    FlagRaised: _content_changed,
    FlagAnswered: _flag_answered,
}
