"""Who saw what, and for how long. The only SQL that names the table ``exposure``.

May decide: nothing. Rows are only ever added. Written when someone opens a case or reveals content's bytes;
read by auditors, by the person it is about, and to see how much of it someone had to look at.
"""

from datetime import datetime

from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import Id, StaffId
from tidegate.people.model import View

_SECONDS_MOST = 24 * 60 * 60


async def record_view(tx: Transaction, staff: StaffId, what: Id, seconds: int = 0) -> None:
    """Record that someone had something before their eyes; 0 seconds when it was only just opened.

    Raises:
        Malformed: a time below nothing or above a day.
    """
    if not 0 <= seconds <= _SECONDS_MOST:
        raise Malformed("A view lasts from 0 seconds to a day.", reference="seconds")
    await tx.execute(
        """
        INSERT INTO exposure (at, staff, kind, subject, seconds)
        VALUES (%(at)s, %(staff)s, %(kind)s, %(subject)s, %(seconds)s)
        """,
        at=tx.now,
        staff=staff,
        kind=what.word,
        subject=what,
        seconds=seconds,
    )


async def views_of(
    tx: Transaction, *, staff: StaffId | None = None, what: Id | None = None, most: int = 200
) -> list[View]:
    """List views, newest first: someone's, of something, or all."""
    rows = await tx.rows(
        """
        SELECT at, staff, kind, subject, seconds FROM exposure
        WHERE (%(staff)s::uuid IS NULL OR staff = %(staff)s)
          AND (%(what)s::uuid IS NULL OR subject = %(what)s)
        ORDER BY at DESC, id DESC LIMIT %(most)s
        """,
        staff=staff,
        what=what,
        most=most,
    )
    return [
        View(
            at=row["at"],
            staff=StaffId(row["staff"]),
            kind=row["kind"],
            subject=row["subject"],
            seconds=row["seconds"],
        )
        for row in rows
    ]


async def seconds_seen(tx: Transaction, staff: StaffId, since: datetime) -> int:
    """Add up how long someone has been looking since then, so that a shift can end in time."""
    row = await tx.row(
        "SELECT coalesce(sum(seconds), 0) AS sum FROM exposure WHERE staff = %(staff)s AND at >= %(since)s",
        staff=staff,
        since=since,
    )
    assert row is not None
    return int(row["sum"])
