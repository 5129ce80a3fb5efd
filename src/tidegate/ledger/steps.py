"""Queueing leaves, and the one sequencer.

May decide: the order within a batch, and that is random. After FiloSottile/sunlight: the order of the log and its
signed checkpoint are made durable in one transaction before any file shows them; the files can always be made again.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tidegate.db.sealing import read_detail, write_detail
from tidegate.db.transaction import TIME, Database, Transaction
from tidegate.kernel.canonical import Json
from tidegate.kernel.errors import IntegrityError, NotFound, Unavailable
from tidegate.kernel.ids import Id, LeafId
from tidegate.ledger import receipt, store
from tidegate.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from tidegate.ledger.commitment import commit, open_field
from tidegate.ledger.counts import Tally
from tidegate.ledger.entry import Leaf, LeafKind, Tallied, decode, encode
from tidegate.ledger.export import Export, published, published_at
from tidegate.ledger.leaf import Draft
from tidegate.ledger.note import Verifier
from tidegate.ledger.proof import prove
from tidegate.ledger.state import State, Trouble, trouble
from tidegate.ledger.tiles import CHECKPOINT, TileTree, directory_reader
from tidegate.ledger.tree import CompactRange, leaf_hash


async def queue(tx: Transaction, drafts: Sequence[Draft], account_tag: str | None = None) -> None:
    """Queue leaves in the transaction of what they report, each with its own commitment."""
    for draft in drafts:
        identity = tx.new(LeafId)
        cites = await store.newest_about(tx, draft.about, draft.cites) if draft.cites else None
        if draft.cites and cites is None and draft.content is not None:
            cites = await store.newest_about(tx, draft.content, draft.cites)
        fields: dict[str, Json] = {"at": tx.now.isoformat(), **draft.details}
        commitment = commit(fields, tx.randomness)
        owner: Id = draft.content or identity
        await write_detail(tx, owner, f"leaf/{identity}", {"fields": fields, "salts": dict(commitment.salts)})
        made = Leaf(
            leaf=identity.value.hex,
            kind=draft.kind,
            content_kind=draft.content_kind,
            measure=draft.measure,
            basis=draft.basis,
            ground=draft.ground,
            decided_by=draft.decided_by,
            day=tx.now.date(),
            cites=cites.value.hex if cites else None,
            account=account_tag if draft.of_account else None,
            commitment=commitment.root,
        )
        await store.queue(tx, identity, draft.kind, draft.about, draft.content, encode(made))


async def queue_tallies(tx: Transaction) -> None:
    """Publish how often each answer was given, once the day is over."""
    for row in await store.tallies(tx):
        identity = tx.new(LeafId)
        made = Leaf(
            leaf=identity.value.hex,
            kind=LeafKind.TALLY,
            tallied=Tallied(row["what"]),
            day=row["day"],
            count=row["count"],
            commitment=commit({"day": row["day"].isoformat(), "what": row["what"]}, tx.randomness).root,
        )
        await store.queue(tx, identity, LeafKind.TALLY, identity, None, encode(made))
        await store.mark_tallied(tx, row)


class Publisher:
    """Sequences and exports one log. Every process may try; an advisory lock lets one at a time through."""

    def __init__(self, database: Database, directory: Path, origin: str) -> None:
        self._database = database
        self._directory = directory
        self._origin = origin
        self._verifier = Verifier.of(origin, database.keys.ledger)
        self._export = Export(directory, self._verifier)
        self._tally = Tally()
        self._tallied = 0

    async def publish(self) -> int:
        """Sequence what is queued and bring the files up to date; give the size of the log.

        Raises:
            IntegrityError: the files show a longer or another log, as after restoring an older backup. Nothing is
                signed then.
            Unavailable: the files could not be written; the log itself is safe, and the next call catches up.
        """
        async with self._database.transaction(TIME) as tx:
            if not await store.lock_sequencer(tx):
                head = await store.head(tx)
                return head.size if head else 0
            await queue_tallies(tx)
            head = await self._sequence(tx)
            # A crash after this commit is safe: the checkpoint is in the database, and the next call exports it.
        async with self._database.transaction(TIME) as tx:
            present = await store.head(tx)
            if present is not None and await store.lock_sequencer(tx):
                await self._write(tx, present)
        return head.size

    async def _sequence(self, tx: Transaction) -> store.Head:
        before = await store.head(tx)
        self._refuse_if_ahead(before)
        batch = await store.pending(tx)
        if before is not None and not batch:
            return before
        compact = CompactRange(before.size, before.peaks) if before else CompactRange()
        # Random order: a leaf's place says nothing of when within the window it was queued.
        order = sorted(batch, key=lambda _entry: tx.randomness(16))
        for _, entry in order:
            compact.append(leaf_hash(entry))
        await store.append_entries(tx, before.size if before else 0, order)
        checkpoint = Checkpoint(self._origin, compact.size, compact.root())
        signed = sign_checkpoint(checkpoint, self._database.keys.ledger)
        after = store.Head(compact.size, compact.peaks, signed)
        await store.set_head(tx, after)
        return after

    def _refuse_if_ahead(self, head: store.Head | None) -> None:
        """Never sign a fork: the public has seen a longer log than this database knows."""
        shown = published(self._directory, self._verifier)
        size = head.size if head else 0
        if shown is not None and trouble(shown, size, store.root(head)) is not None:
            raise IntegrityError(
                f"The public ledger shows {shown.size} entries, this database only {size}, as after restoring an older "
                "backup. Nothing is signed. Restore a newer backup; or, if there is none, move the export folder away, "
                "begin a new log under another origin (TIDEGATE_LEDGER_ORIGIN), and say so publicly.",
                reference="checkpoint",
            )

    async def _write(self, tx: Transaction, head: store.Head) -> None:
        for entry in await store.entries(tx, self._tallied, head.size):
            self._tally.add(decode(entry))
            self._tallied += 1
        shown = published(self._directory, self._verifier)
        # The export begins again with the last bundle that is not full.
        start = (shown.size if shown else 0) // 256 * 256
        new = await store.entries(tx, start, head.size)

        def read(first: int, end: int) -> list[bytes]:
            return new[first - start : end - start]

        compact = CompactRange(head.size, head.peaks)
        checkpoint = Checkpoint(self._origin, head.size, compact.root())
        document = self._tally.document(checkpoint)
        # Writing waits for the disk; the event loop must not.
        await asyncio.to_thread(self._export.publish, read, head.checkpoint, document)


async def state(tx: Transaction, directory: Path, origin: str) -> State:
    """Say how the ledger stands, for the people who watch over it. Reads the public files as anyone would."""
    head = await store.head(tx)
    waiting, oldest = await store.waiting(tx)
    size, root = head.size if head else 0, store.root(head)
    shown, found = await asyncio.to_thread(_shown, directory, Verifier.of(origin, tx.keys.ledger))
    return State(
        waiting=waiting,
        oldest_waiting=oldest,
        size=size,
        shown=shown.size if shown else None,
        root=root,
        published_at=await asyncio.to_thread(published_at, directory),
        trouble=found or trouble(shown, size, root),
    )


def _shown(directory: Path, verifier: Verifier) -> tuple[Checkpoint | None, Trouble | None]:
    try:
        return published(directory, verifier), None
    except IntegrityError:
        return None, Trouble.OTHER_KEY
    except Unavailable:
        return None, Trouble.UNREADABLE


async def receipt_for(
    tx: Transaction, directory: Path, origin: str, leaf: LeafId, owner: Id, names: Sequence[str]
) -> receipt.Receipt | None:
    """Make a reader's proof that their case is in the log, opening only these fields; None when erased."""
    detail = await read_detail(tx, owner, f"leaf/{leaf}")
    if detail is None:
        return None
    fields, salts = detail["fields"], detail["salts"]
    assert isinstance(fields, dict)
    assert isinstance(salts, dict)
    opened = [open_field(fields, salts, name) for name in names if name in fields]
    placed = await store.entry_of(tx, leaf)
    read = directory_reader(directory)
    try:
        # Read once: a publication in between would make a proof for another size than the checkpoint beside it.
        signed = read(CHECKPOINT).decode()
    except NotFound:
        return receipt.pending(origin, leaf.value.hex, opened)
    shown = open_checkpoint(signed, Verifier.of(origin, tx.keys.ledger))
    if placed is None or placed[0] >= shown.size:
        return receipt.pending(origin, leaf.value.hex, opened)
    index, entry = placed
    tree = TileTree(read, shown.size)
    return receipt.published(origin, entry, prove(index, signed, shown.size, tree.node), opened)
