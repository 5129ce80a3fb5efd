"""The only SQL that names case's tables. May decide: nothing."""

from collections.abc import Sequence
from typing import LiteralString

from tidegate.case.model import (
    Case,
    CaseClosed,
    CaseDecided,
    CaseJoined,
    CaseLeft,
    CaseOpened,
    CaseReopened,
    Reason,
    State,
)
from tidegate.content.model import AccountClass, ContentErased
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.kernel.event import Event
from tidegate.kernel.ids import CaseId, ContentId, Id, SignalId

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


async def not_closed(tx: Transaction, most: int = 500) -> list[Case]:
    """List the cases people must look at."""
    rows = await tx.rows(_SELECT + " WHERE c.state <> 'closed' ORDER BY c.opened_at LIMIT %(most)s", most=most)
    return [_case(row) for row in rows]


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
    await tx.execute(
        """
        INSERT INTO case_member ("case", content, distance) VALUES (%(case)s, %(content)s, %(distance)s)
        ON CONFLICT ("case", content) DO UPDATE SET distance = EXCLUDED.distance
        """,
        case=happened.case,
        content=happened.content,
        distance=happened.distance,
    )


async def _left(tx: Transaction, happened: CaseLeft) -> None:
    await tx.execute(
        'DELETE FROM case_member WHERE "case" = %(case)s AND content = %(content)s',
        case=happened.case,
        content=happened.content,
    )


async def _set_state(tx: Transaction, case: CaseId, state: State) -> None:
    await tx.execute('UPDATE "case" SET state = %(state)s WHERE id = %(id)s', id=case, state=state)


async def _decided(tx: Transaction, happened: CaseDecided) -> None:
    await _set_state(tx, happened.case, State.DECIDED)


async def _reopened(tx: Transaction, happened: CaseReopened) -> None:
    await _set_state(tx, happened.case, State.OPEN)


async def _closed(tx: Transaction, happened: CaseClosed) -> None:
    await _set_state(tx, happened.case, State.CLOSED)


async def _erased(tx: Transaction, happened: ContentErased) -> None:
    await tx.execute('UPDATE "case" SET caption = NULL WHERE first = %(first)s', first=happened.content)


VIEWS = ("case", "case_member")
PROJECTIONS: dict[type[Event], Projection] = {
    CaseOpened: _opened,
    CaseJoined: _joined,
    CaseLeft: _left,
    CaseDecided: _decided,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    ContentErased: _erased,
}
