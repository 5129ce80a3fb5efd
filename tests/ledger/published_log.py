"""Logs for the ledger's tests: leaves made from a seed, and a whole log published to a folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tidegate.kernel.canonical import Json
from tidegate.ledger import commitment, counts, receipt, tree
from tidegate.ledger.checkpoint import Checkpoint, sign_checkpoint
from tidegate.ledger.entry import (
    Basis,
    DecidedBy,
    Ground,
    Leaf,
    LeafContent,
    LeafKind,
    Measure,
    Tallied,
    decode,
    encode,
)
from tidegate.ledger.export import Export
from tidegate.ledger.note import Verifier
from tidegate.ledger.proof import Proof, prove

ORIGIN = "tide.example/ledger/2027"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
VERIFIER = Verifier.of(ORIGIN, KEY)
FIELDS: dict[str, Json] = {
    "content": "content_01jz0000000000000000000000",
    "reason": "You are told only what is yours.",
    "order": None,
    "seen": 3,
}


def drawn(seed: str, length: int) -> bytes:
    """Give bytes that look random and are the same each time."""
    return hashlib.shake_256(seed.encode()).digest(length)


def sample_leaf(number: int, **changes: object) -> Leaf:
    """Make the leaf of this number: posts removed, some restored, some accounts suspended, daily tallies."""
    values: dict[str, object] = {
        "leaf": drawn(f"leaf {number}", 16).hex(),
        "kind": LeafKind.REMOVAL,
        "content_kind": LeafContent.VIDEO if number % 7 == 0 else LeafContent.PICTURE,
        "measure": Measure.REMOVE,
        "basis": Basis.FLAG if number % 3 else Basis.EXACT_MATCH,
        "ground": Ground.LAW,
        "decided_by": DecidedBy.ONE_PERSON,
        "day": date(2027, 1, 1) + timedelta(days=number // 50 % 365),
        "commitment": committed(number).root,
    }
    if number % 10 == 9:
        values |= {
            "kind": LeafKind.RESTORATION,
            "measure": Measure.RESTORE,
            "basis": Basis.APPEAL,
            "decided_by": DecidedBy.OTHER_PEOPLE,
            "cites": drawn(f"leaf {number - 9}", 16).hex(),
        }
    elif number % 10 == 5:
        values |= {
            "kind": LeafKind.ACCOUNT_ACTION,
            "content_kind": LeafContent.ACCOUNT,
            "measure": Measure.SUSPEND_ACCOUNT,
            "decided_by": DecidedBy.TWO_PEOPLE,
            "account": drawn(f"account {number % 40}", 16).hex(),
        }
    elif number % 10 == 7:
        values |= {
            "kind": LeafKind.TALLY,
            "content_kind": LeafContent.NONE,
            "measure": Measure.NONE,
            "basis": Basis.NONE,
            "ground": Ground.NONE,
            "decided_by": DecidedBy.NONE,
            "tallied": Tallied.CLEAR,
            "count": 1000 + number,
        }
    return Leaf(**(values | changes))  # type: ignore[arg-type]  # the names are those of Leaf


def committed(number: int) -> commitment.Commitment:
    """Commit to the details of a leaf, under salts drawn from its number."""
    left = iter([drawn(f"salt {number} {place}", 32) for place in range(len(FIELDS))])
    return commitment.commit(FIELDS, lambda _: next(left))


@dataclass
class Log:
    """A log in memory, and its export."""

    entries: list[bytes] = field(default_factory=list)
    key: Ed25519PrivateKey = KEY
    origin: str = ORIGIN
    made: dict[tuple[str, int | None], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, size: int) -> "Log":
        return cls([encode(sample_leaf(number)) for number in range(size)])

    @property
    def verifier(self) -> Verifier:
        return Verifier.of(self.origin, self.key)

    def read(self, start: int, end: int) -> Sequence[bytes]:
        return self.entries[start:end]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        entries = self.entries[: len(self.entries) if size is None else size]
        return Checkpoint(self.origin, len(entries), tree.root(map(tree.leaf_hash, entries)))

    def signed(self, size: int | None = None) -> str:
        if ("signed", size) not in self.made:
            self.made["signed", size] = sign_checkpoint(self.checkpoint(size), self.key)
        return str(self.made["signed", size])

    def counts(self, size: int | None = None) -> dict[str, Json]:
        if ("counts", size) not in self.made:
            checkpoint = self.checkpoint(size)
            leaves = map(decode, self.entries[: checkpoint.size])
            self.made["counts", size] = counts.count(leaves, checkpoint)
        return dict(self.made["counts", size])

    def publish(self, directory: Path, size: int | None = None, *, whole: bool = False) -> None:
        Export(directory, self.verifier).publish(self.read, self.signed(size), self.counts(size), whole=whole)

    def node(self, level: int, index: int) -> bytes:
        return tree.root(map(tree.leaf_hash, self.entries[index << level : index + 1 << level]))

    def proof(self, index: int, size: int | None = None) -> Proof:
        size = len(self.entries) if size is None else size
        return prove(index, self.signed(size), size, self.node)

    def receipt(self, index: int, size: int | None = None, names: Sequence[str] = ("reason",)) -> receipt.Receipt:
        opened = [commitment.open_field(FIELDS, committed(index).salts, name) for name in names]
        return receipt.published(self.origin, self.entries[index], self.proof(index, size), opened)
