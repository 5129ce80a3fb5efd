"""The only SQL that names ledger's tables. May decide: nothing.

These tables are the log itself, not views: ``ledger_entry`` can only be added to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tidegate.db.transaction import Row, Transaction
from tidegate.kernel.ids import ContentId, Id, LeafId
from tidegate.ledger.entry import LeafKind
from tidegate.ledger.tree import CompactRange

_SEQUENCER_LOCK = 7_421_004


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: how long it is, the roots of its full subtrees, and the signed checkpoint over it."""

    size: int
    peaks: tuple[bytes, ...]
    checkpoint: str


async def queue(
    tx: Transaction, leaf: LeafId, kind: LeafKind, about: Id, content: ContentId | None, entry: bytes
) -> None:
    """Queue a leaf in the transaction of what it reports."""
    await tx.execute(
        """
        INSERT INTO ledger_leaf (leaf, kind, about, content, queued_at)
        VALUES (%(leaf)s, %(kind)s, %(about)s, %(content)s, %(at)s)
        """,
        leaf=leaf,
        kind=kind,
        about=about,
        content=content,
        at=tx.now,
    )
    await tx.execute("INSERT INTO ledger_pending (leaf, entry) VALUES (%(leaf)s, %(entry)s)", leaf=leaf, entry=entry)


async def newest_about(tx: Transaction, about: Id, kinds: Sequence[LeafKind]) -> LeafId | None:
    """Find the newest leaf about a thing, or about a content, of one of these kinds."""
    row = await tx.row(
        """
        SELECT leaf FROM ledger_leaf WHERE (about = %(about)s OR content = %(about)s) AND kind = ANY(%(kinds)s)
        ORDER BY number DESC LIMIT 1
        """,
        about=about,
        kinds=list(kinds),
    )
    return None if row is None else LeafId(row["leaf"])


async def leaves_of(tx: Transaction, content: ContentId) -> list[Row]:
    """List the leaves about a content, oldest first: leaf, kind, about."""
    return await tx.rows(
        "SELECT leaf, kind, about FROM ledger_leaf WHERE content = %(content)s ORDER BY number",
        content=content,
    )


async def lock_sequencer(tx: Transaction) -> bool:
    """Become the one sequencer until the commit; False when another is at work."""
    row = await tx.row("SELECT pg_try_advisory_xact_lock(%(key)s) AS mine", key=_SEQUENCER_LOCK)
    return bool(row and row["mine"])


async def head(tx: Transaction) -> Head | None:
    """Give the end of the log; None before the first checkpoint."""
    row = await tx.row("SELECT * FROM ledger_head")
    if row is None:
        return None
    return Head(int(row["size"]), tuple(bytes(peak) for peak in row["peaks"]), row["checkpoint"])


def root(head: Head | None) -> bytes | None:
    """Give the root of the log; None before the first checkpoint."""
    return CompactRange(head.size, head.peaks).root() if head else None


async def set_head(tx: Transaction, new: Head) -> None:
    """Move the end of the log."""
    await tx.execute(
        """
        INSERT INTO ledger_head (single, size, peaks, checkpoint) VALUES (true, %(size)s, %(peaks)s, %(checkpoint)s)
        ON CONFLICT (single) DO UPDATE SET (size, peaks, checkpoint)
          = (EXCLUDED.size, EXCLUDED.peaks, EXCLUDED.checkpoint)
        """,
        size=new.size,
        peaks=list(new.peaks),
        checkpoint=new.checkpoint,
    )


async def pending(tx: Transaction, most: int = 10_000) -> list[tuple[UUID, bytes]]:
    """Give the queued leaves."""
    rows = await tx.rows("SELECT leaf, entry FROM ledger_pending ORDER BY leaf LIMIT %(most)s", most=most)
    return [(row["leaf"], bytes(row["entry"])) for row in rows]


async def waiting(tx: Transaction) -> tuple[int, datetime | None]:
    """Count the queued leaves, and say since when the oldest waits."""
    row = await tx.row(
        "SELECT count(*) AS count, min(queued_at) AS oldest FROM ledger_pending JOIN ledger_leaf USING (leaf)"
    )
    assert row is not None
    return int(row["count"]), row["oldest"]


async def oldest_hidden(tx: Transaction, shown: int) -> datetime | None:
    """Say when the oldest of the entries was queued that the public files do not show yet."""
    row = await tx.row(
        "SELECT min(queued_at) AS oldest FROM ledger_entry JOIN ledger_leaf USING (leaf) WHERE index >= %(shown)s",
        shown=shown,
    )
    return row["oldest"] if row else None


async def append_entries(tx: Transaction, start: int, batch: Sequence[tuple[UUID, bytes]]) -> None:
    """Give queued leaves their places in the log."""
    async with (await tx.connection()).cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO ledger_entry (index, leaf, entry) VALUES (%s, %s, %s)",
            [(start + offset, leaf, entry) for offset, (leaf, entry) in enumerate(batch)],
        )
    await tx.execute("DELETE FROM ledger_pending WHERE leaf = ANY(%(leaves)s)", leaves=[leaf for leaf, _ in batch])


async def entries(tx: Transaction, start: int, end: int) -> list[bytes]:
    """Give the entries from a start up to an end."""
    rows = await tx.rows(
        "SELECT entry FROM ledger_entry WHERE index >= %(start)s AND index < %(end)s ORDER BY index",
        start=start,
        end=end,
    )
    return [bytes(row["entry"]) for row in rows]


async def entry_of(tx: Transaction, leaf: LeafId) -> tuple[int, bytes] | None:
    """Find a leaf's place in the log, and its bytes; None while it is queued."""
    row = await tx.row("SELECT index, entry FROM ledger_entry WHERE leaf = %(leaf)s", leaf=leaf)
    return None if row is None else (int(row["index"]), bytes(row["entry"]))


async def tallies(tx: Transaction) -> list[Row]:
    """Sum up the answers of days that are over and were not published yet: day, what, count."""
    return await tx.rows(
        """
        SELECT t.day, t.what, sum(t.count)::bigint AS count FROM tally t
        WHERE t.day < %(today)s AND NOT EXISTS (SELECT 1 FROM ledger_tallied d WHERE d.day = t.day AND d.what = t.what)
        GROUP BY t.day, t.what ORDER BY t.day, t.what
        """,
        today=tx.now.date(),
    )


async def mark_tallied(tx: Transaction, row: Row) -> None:
    """Remember that a day's count is in the ledger."""
    await tx.execute(
        "INSERT INTO ledger_tallied (day, what) VALUES (%(day)s, %(what)s)", day=row["day"], what=row["what"]
    )
