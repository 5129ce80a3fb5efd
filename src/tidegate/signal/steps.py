"""Adding, confirming and withdrawing signals. May decide: nothing; a decision or an import asks."""

from collections.abc import Sequence

from tidegate.db.sealing import write_detail
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import DecisionId, ProposalId, SignalId, StaffId
from tidegate.kernel.states import follow
from tidegate.people import steps as people
from tidegate.people.model import ProposalApproved, ProposalKind
from tidegate.signal import rules, store
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
    rules.check_confirmed_by_decision(loaded)
    if loaded.standing is Standing.CONFIRMED and loaded.own_people:
        return
    follow(STANDINGS, loaded.standing, SignalConfirmed, "signal")
    await tx.append(
        SignalConfirmed(signal=signal, position=await store.next_position(tx), decision=decision, labels=labels)
    )


async def propose_domain(tx: Transaction, host: str, labels: tuple[Label, ...]) -> ProposalId:
    """Propose that a host be known. It matches nothing until a second person approves.

    Raises:
        Forbidden: see ``people.rules.propose``.
        WrongState: it is in force already.
    """
    await store.lock_positions(tx)
    signal = await add(tx, FingerprintKind.DOMAIN, host.encode("ascii"), labels, Provenance.OWN)
    (loaded,) = await store.load(tx, [signal])
    rules.check_proposed_domain(loaded)
    return await people.propose(tx, ProposalKind.DOMAIN_SIGNAL, signal=signal)


async def confirm_domain(tx: Transaction, happened: ProposalApproved) -> None:
    """Put a domain in force once two people want it (floor rule 4)."""
    if happened.proposal_kind is not ProposalKind.DOMAIN_SIGNAL:
        return
    assert happened.signal is not None
    (loaded,) = await store.load(tx, [happened.signal])
    rules.check_proposed_domain(loaded)
    follow(STANDINGS, loaded.standing, SignalConfirmed, "signal")
    await tx.append(
        SignalConfirmed(
            signal=loaded.id,
            position=await store.next_position(tx),
            decision=None,
            labels=tuple(sorted(loaded.labels)),
            by=happened.proposed_by,
            second=happened.approved_by,
        )
    )


async def take_back_domain(tx: Transaction, signal: SignalId, by: StaffId) -> None:
    """Take a domain out of force; one person is enough to end what speaks of so much.

    Raises:
        NotFound, RuleBroken, WrongState: there is no such domain in force.
    """
    await store.lock_positions(tx)
    found = await store.load(tx, [signal])
    if not found:
        raise NotFound("There is no such signal.")
    rules.check_taken_back(found[0])
    follow(STANDINGS, found[0].standing, SignalWithdrawn, "signal")
    await tx.append(SignalWithdrawn(signal=signal, position=await store.next_position(tx), decision=None, by=by))


async def withdraw(tx: Transaction, signals: Sequence[SignalId], decision: DecisionId) -> None:
    """Take signals back; from the commit on they match nothing."""
    for signal in await store.load(tx, signals):
        if signal.standing is not Standing.WITHDRAWN:
            follow(STANDINGS, signal.standing, SignalWithdrawn, "signal")
            await tx.append(
                SignalWithdrawn(signal=signal.id, position=await store.next_position(tx), decision=decision)
            )
