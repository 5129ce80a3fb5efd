"""Adding, confirming and withdrawing signals. May decide: nothing; a decision or an import asks."""

from collections.abc import Sequence

from tidegate.db.sealing import write_detail
from tidegate.db.transaction import Transaction
from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.kernel.states import follow
from tidegate.signal import store
from tidegate.signal.model import (
    STANDINGS,
    FingerprintKind,
    Label,
    Provenance,
    SignalAdded,
    SignalConfirmed,
    SignalWithdrawn,
    Standing,
)


async def add(
    tx: Transaction, kind: FingerprintKind, value: bytes, labels: tuple[Label, ...], provenance: Provenance
) -> SignalId:
    """Add a signal, unconfirmed (floor rule 15); one that is known already stays as it is."""
    known = await store.with_value(tx, kind, value)
    if known is not None:
        return known.id
    signal = tx.new(SignalId)
    await write_detail(tx, signal, store.VALUE_PART, {"value": value.hex()})
    await tx.append(
        SignalAdded(
            signal=signal,
            position=await store.next_position(tx),
            fingerprint_kind=kind,
            labels=labels,
            provenance=provenance,
        )
    )
    return signal


async def confirm(tx: Transaction, signal: SignalId, labels: tuple[Label, ...], decision: DecisionId) -> None:
    """Record that our own people stand behind a signal; those that do already are left as they are."""
    (loaded,) = await store.load(tx, [signal])
    if loaded.standing is Standing.CONFIRMED and loaded.own_people:
        return
    follow(STANDINGS, loaded.standing, SignalConfirmed, "signal")
    await tx.append(
        SignalConfirmed(signal=signal, position=await store.next_position(tx), decision=decision, labels=labels)
    )


async def withdraw(tx: Transaction, signals: Sequence[SignalId], decision: DecisionId) -> None:
    """Take signals back; from the commit on they match nothing."""
    for signal in await store.load(tx, signals):
        if signal.standing is not Standing.WITHDRAWN:
            follow(STANDINGS, signal.standing, SignalWithdrawn, "signal")
            await tx.append(
                SignalWithdrawn(signal=signal.id, position=await store.next_position(tx), decision=decision)
            )
