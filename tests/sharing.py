"""Processes that share an index on disk, and the signals they are tried with."""

import secrets
from pathlib import Path

from tidegate.content.model import Fingerprints, Look
from tidegate.db.transaction import Database, Transaction
from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.match.following import Follower
from tidegate.match.index import Index
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label, Provenance

Values = list[tuple[FingerprintKind, bytes]]


def some(count: int) -> Values:
    """Make values, looks and exact bytes in turn."""
    kinds = (FingerprintKind.PDQ, FingerprintKind.PDQ, FingerprintKind.SHA256)
    return [(kinds[which % 3], secrets.token_bytes(32)) for which in range(count)]


async def add(tx: Transaction, values: Values) -> list[SignalId]:
    return [await signals.add(tx, kind, value, (Label.INCITES,), Provenance.IMPORT) for kind, value in values]


async def withdraw(tx: Transaction, signal: SignalId) -> None:
    await signals.confirm(tx, signal, (Label.INCITES,), tx.new(DecisionId))
    await signals.withdraw(tx, [signal], tx.new(DecisionId))


def asking(value: bytes) -> Fingerprints:
    return Fingerprints(sha256=value, looks=(Look(pdq=(value,), quality=100),), quality=100)


class Process:
    """One process's index on one database and folder."""

    def __init__(self, database: Database, path: Path) -> None:
        self.index = Index(path)
        self.follower = Follower(database, self.index)

    async def finds(self, value: bytes) -> set[SignalId]:
        await self.follower.soon()
        return {match.signal for match in self.index.search(asking(value))[0]}
