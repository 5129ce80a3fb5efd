"""Reading the event table as auditors do. May decide: nothing; it only reads."""

from datetime import datetime
from uuid import UUID

from tidegate.db.transaction import Row, Transaction


async def newest_events(tx: Transaction, *, about: UUID | None, before: int | None, most: int = 100) -> list[Row]:
    """Page through events, newest first: all of them, or those that name a thing."""
    return await tx.rows(
        """
        SELECT id, at, kind, subject, actor_kind, actor, data FROM event
        WHERE (%(about)s::uuid IS NULL OR about @> ARRAY[%(about)s::uuid])
          AND (%(before)s::bigint IS NULL OR id < %(before)s)
        ORDER BY id DESC LIMIT %(most)s
        """,
        about=about,
        before=before,
        most=most,
    )


async def mentioned(tx: Transaction, thing: UUID) -> bool:
    """Say whether any event names a thing."""
    row = await tx.row("SELECT 1 AS one FROM event WHERE about @> ARRAY[%(thing)s::uuid] LIMIT 1", thing=thing)
    return row is not None


async def happened_to(tx: Transaction, thing: UUID, stage: str, most: int = 50) -> list[tuple[str, datetime]]:
    """Give what a stage's events say happened to a thing itself, and when, the newest first; nobody is named."""
    rows = await tx.rows(
        """
        SELECT kind, at FROM event
        WHERE about @> ARRAY[%(thing)s::uuid] AND subject = %(thing)s AND starts_with(kind, %(stage)s)
        ORDER BY id DESC LIMIT %(most)s
        """,
        thing=thing,
        stage=stage,
        most=most,
    )
    return [(row["kind"], row["at"]) for row in rows]
