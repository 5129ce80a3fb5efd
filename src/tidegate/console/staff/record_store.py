"""Reading the event table as auditors do. May decide: nothing; it only reads."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tidegate.db.transaction import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which events to list; what is None leaves none out."""

    about: UUID | None = None
    kind: str | None = None
    #: The beginning of a kind, its dot included.
    stage: str | None = None
    actor_kind: str | None = None
    actor: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def newest_events(tx: Transaction, filters: Filters, *, before: int | None, most: int = 100) -> list[Row]:
    """Page through the events that pass, newest first."""
    return await tx.rows(
        """
        SELECT id, at, kind, subject, actor_kind, actor, data FROM event
        WHERE (%(about)s::uuid IS NULL OR about @> ARRAY[%(about)s::uuid])
          AND (%(kind)s::text IS NULL OR kind = %(kind)s)
          AND (%(stage)s::text IS NULL OR starts_with(kind, %(stage)s))
          AND (%(actor_kind)s::text IS NULL OR actor_kind = %(actor_kind)s)
          AND (%(actor)s::uuid IS NULL OR actor = %(actor)s)
          AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
          AND (%(before)s::bigint IS NULL OR id < %(before)s)
        ORDER BY id DESC LIMIT %(most)s
        """,
        about=filters.about,
        kind=filters.kind,
        stage=filters.stage,
        actor_kind=filters.actor_kind,
        actor=filters.actor,
        since=filters.since,
        until=filters.until,
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
