"""The only SQL that names flag's table. May decide: nothing."""

from collections.abc import Sequence

from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.flag.model import FlagAnswered, FlagRaised, State
from tidegate.kernel.event import Event
from tidegate.kernel.ids import ContentId, FlagId, ServiceId


async def load(tx: Transaction, flag: FlagId, service: ServiceId) -> Row | None:
    """Give a flag of a service: content, state, outcome, decision, raised_at."""
    return await tx.row("SELECT * FROM flag WHERE id = %(id)s AND service = %(service)s", id=flag, service=service)


async def content_of(tx: Transaction, flag: FlagId) -> ContentId | None:
    """Say what someone's report is about."""
    row = await tx.row("SELECT content FROM flag WHERE id = %(id)s", id=flag)
    return None if row is None else ContentId(row["content"])


async def on_content(tx: Transaction, content: ContentId) -> list[tuple[FlagId, State]]:
    """List the flags on a content, and how they stand."""
    rows = await tx.rows("SELECT id, state FROM flag WHERE content = %(content)s ORDER BY id", content=content)
    return [(FlagId(row["id"]), State(row["state"])) for row in rows]


async def listed(tx: Transaction, contents: Sequence[ContentId]) -> list[Row]:
    """List the flags on contents for those who look at them: flag, content, label, trusted, state, raised_at."""
    rows = await tx.rows(
        """
        SELECT id, content, label, trusted, state, raised_at FROM flag WHERE content = ANY(%(ids)s) ORDER BY id
        """,
        ids=[content.value for content in contents],
    )
    return [{**row, "flag": FlagId(row["id"]), "content": ContentId(row["content"])} for row in rows]


async def _raised(tx: Transaction, happened: FlagRaised) -> None:
    await tx.execute(
        """
        INSERT INTO flag (id, content, service, label, trusted, state, raised_at)
        VALUES (%(id)s, %(content)s, %(service)s, %(label)s, %(trusted)s, 'raised', %(at)s)
        """,
        id=happened.flag,
        content=happened.content,
        service=happened.service,
        label=happened.label,
        trusted=happened.trusted,
        at=tx.now,
    )


async def _answered(tx: Transaction, happened: FlagAnswered) -> None:
    await tx.execute(
        "UPDATE flag SET state = 'answered', outcome = %(outcome)s, decision = %(decision)s WHERE id = %(id)s",
        id=happened.flag,
        outcome=happened.outcome,
        decision=happened.decision,
    )


VIEWS = ("flag",)
PROJECTIONS: dict[type[Event], Projection] = {FlagRaised: _raised, FlagAnswered: _answered}
