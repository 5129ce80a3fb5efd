"""Signals for benchmarks and tests: made by hand, as people would have confirmed them."""

from uuid import UUID

from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.signal.model import FingerprintKind, Label, Provenance, Signal, Standing


def confirmed_signal(which: int, kind: FingerprintKind, value: bytes = bytes(32)) -> Signal:
    """Give a signal our own people stand behind; its number is its id and its position."""
    return Signal(
        id=SignalId(UUID(int=which)),
        kind=kind,
        value=value,
        labels=frozenset({Label.INCITES}),
        provenance=Provenance.OWN,
        standing=Standing.CONFIRMED,
        decision=DecisionId(UUID(int=1)),
        own_people=True,
        members=0,
        disputed=False,
        position=which,
    )
