"""Reading the event table as auditors do. May decide: nothing; it only reads."""

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
