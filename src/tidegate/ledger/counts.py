"""The published counts: every number in them follows from the log, and the log alone.

May decide: how leaves are added up, and what is said of the limits of the proof. Rows never subtract: a
restoration is a row of its own, and its leaf cites the one it reverses.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tidegate.kernel.canonical import Json, canonical
from tidegate.ledger.checkpoint import Checkpoint
from tidegate.ledger.entry import Leaf

VERSION = 1

#: A row of the counts: what its leaves have in common. The order is the order of the columns.
Row = tuple[str, str, str, str, str, str, str, str]
COLUMNS = ("kind", "content_kind", "measure", "basis", "ground", "decided_by", "tallied", "day")

#: What a reader must not take from the log. Part of version 1: other words are another version.
NOT_PROVEN = (
    "That an entry is true: the log shows what was recorded, and that it was not changed afterwards.",
    "That everything was recorded: a removal that was never written down is in no count.",
    "That a decision was right: the log shows who decided and on what ground, not whether they were correct.",
    "How many people were affected: one person may have many posts, and posts carry no mark of their owner.",
    "How many accounts in all: they are told apart within one period only, so one may count in several.",
    "When within a day something happened: entries are shuffled and carry the day alone.",
    "That everyone is shown this same log: for that, compare the checkpoint with one that others hold.",
)


@dataclass(slots=True)
class Tally:
    """What was counted so far; leaves can be added as they are read, however many there are."""

    rows: Counter[Row] = field(default_factory=Counter)
    #: The tags of accounts, by kind of leaf. A tag is the same for one account within one period only.
    accounts: set[tuple[str, str]] = field(default_factory=set)

    def add(self, leaf: Leaf) -> None:
        """Count one leaf."""
        row: Row = (
            leaf.kind,
            leaf.content_kind,
            leaf.measure,
            leaf.basis,
            leaf.ground,
            leaf.decided_by,
            leaf.tallied,
            leaf.day.isoformat(),
        )
        self.rows[row] += leaf.count
        if leaf.account is not None:
            self.accounts.add((leaf.kind, leaf.account))

    def document(self, checkpoint: Checkpoint) -> dict[str, Json]:
        """Write the counts of the log that this checkpoint describes."""
        totals: Counter[str] = Counter()
        for row, count in self.rows.items():
            totals[str(row[0])] += count
        return {
            "version": VERSION,
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": base64.b64encode(checkpoint.root).decode(),
            "rows": [
                {**dict(zip(COLUMNS, map(str, row), strict=True)), "count": count}
                for row, count in sorted(self.rows.items())
            ],
            "totals": dict(sorted(totals.items())),
            "accounts": dict(sorted(Counter(str(kind) for kind, _ in self.accounts).items())),
            "not_proven": list(NOT_PROVEN),
        }


def count(leaves: Iterable[Leaf], checkpoint: Checkpoint) -> dict[str, Json]:
    """Count all leaves of the log that this checkpoint describes."""
    tally = Tally()
    for leaf in leaves:
        tally.add(leaf)
    return tally.document(checkpoint)


def describes(document: dict[str, Json], checkpoint: Checkpoint) -> bool:
    """Say whether these are the counts of the log that this checkpoint describes."""
    head = Tally().document(checkpoint)
    return all(document.get(word) == head[word] for word in ("version", "origin", "size", "root"))


def written(document: dict[str, Json]) -> bytes:
    """Give the bytes of the published file: one form, so that a recount can be compared byte by byte."""
    return canonical(document) + b"\n"


def size_of(data: bytes) -> int | None:
    """Say which size of the log a counts file is about, or None where it is not one."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    size = document.get("size") if isinstance(document, dict) else None
    return size if type(size) is int else None
