"""Who saw what, and for how long. The only SQL that names the tables ``exposure`` and ``exposure_look``.

May decide: nothing. Rows are only ever added: one when a case is opened or a picture given out, another when a
picture's look was over. A look of which no report came has no second row, and counts as a fixed time. Read by
auditors, view by view, and by the person it is about; there is no list or total of several people.
"""

from datetime import datetime, timedelta

from tidegate.db.transaction import Row, Transaction
from tidegate.exposure.model import LookId, View
from tidegate.exposure.rules import Look
from tidegate.kernel.ids import Id, StaffId


async def record_view(tx: Transaction, staff: StaffId, what: Id) -> None:
    """Record that someone opened something that shows no picture by itself."""
    await _add(tx, staff, what, None, None)


async def add_look(tx: Transaction, staff: StaffId, what: Id, severity: int) -> LookId:
    """Record that a picture is given to someone; its time is reported under the id this gives."""
    look = tx.new(LookId)
    await _add(tx, staff, what, look, severity)
    return look


async def _add(tx: Transaction, staff: StaffId, what: Id, look: LookId | None, severity: int | None) -> None:
    await tx.execute(
        """
        INSERT INTO exposure (at, staff, kind, subject, look, severity)
        VALUES (%(at)s, %(staff)s, %(kind)s, %(subject)s, %(look)s, %(severity)s)
        """,
        at=tx.now,
        staff=staff,
        kind=what.word,
        subject=what,
        look=look,
        severity=severity,
    )


async def given_at(tx: Transaction, staff: StaffId, what: Id, look: LookId) -> datetime | None:
    """Say when this picture was given to this person under this id; None if it was not."""
    row = await tx.row(
        "SELECT at FROM exposure WHERE look = %(look)s AND staff = %(staff)s AND subject = %(subject)s",
        look=look,
        staff=staff,
        subject=what,
    )
    return None if row is None else row["at"]


async def add_seconds(tx: Transaction, look: LookId, lasted: timedelta) -> None:
    """Record how long a look lasted; what was recorded first stays."""
    await tx.execute(
        """
        INSERT INTO exposure_look (look, at, seconds) VALUES (%(look)s, %(at)s, %(seconds)s)
        ON CONFLICT (look) DO NOTHING
        """,
        look=look,
        at=tx.now,
        seconds=lasted.total_seconds(),
    )


async def lock_looks(tx: Transaction, staff: StaffId) -> None:
    """Let one picture at a time be given to a person, until the commit: many at once would each find budget left."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('exposure ' || %(staff)s, 0))", staff=str(staff))


async def looks_since(tx: Transaction, staff: StaffId, since: datetime) -> list[Look]:
    """List what someone looked at since then, oldest first."""
    rows = await tx.rows(
        """
        SELECT exposure.at, severity, seconds FROM exposure LEFT JOIN exposure_look USING (look)
        WHERE staff = %(staff)s AND exposure.at >= %(since)s AND look IS NOT NULL ORDER BY exposure.at, id
        """,
        staff=staff,
        since=since,
    )
    return [_look(row) for row in rows]


async def views_of(
    tx: Transaction,
    *,
    staff: StaffId | None = None,
    what: Id | None = None,
    pictures: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    most: int = 200,
) -> list[View]:
    """List single views, newest first: someone's, of something, or all; or only those of pictures.

    ``before`` is the number of a view, to page on.
    """
    rows = await tx.rows(
        """
        SELECT exposure.id, exposure.at, staff, kind, subject, look, severity, seconds
        FROM exposure LEFT JOIN exposure_look USING (look)
        WHERE (%(staff)s::uuid IS NULL OR staff = %(staff)s)
          AND (%(what)s::uuid IS NULL OR subject = %(what)s)
          AND (look IS NOT NULL OR NOT %(pictures)s)
          AND (%(since)s::timestamptz IS NULL OR exposure.at >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR exposure.at < %(until)s)
          AND (%(before)s::bigint IS NULL OR id < %(before)s)
        ORDER BY id DESC LIMIT %(most)s
        """,
        staff=staff,
        what=what,
        pictures=pictures,
        since=since,
        until=until,
        before=before,
        most=most,
    )
    return [
        View(
            number=row["id"],
            at=row["at"],
            staff=StaffId(row["staff"]),
            kind=row["kind"],
            subject=row["subject"],
            severity=row["severity"],
            seconds=_look(row).lasted.total_seconds() if row["look"] else None,
            reported=row["seconds"] is not None,
        )
        for row in rows
    ]


def _look(row: Row) -> Look:
    seconds = row["seconds"]
    return Look(
        at=row["at"],
        severity=row["severity"],
        reported=None if seconds is None else timedelta(seconds=seconds),
    )
