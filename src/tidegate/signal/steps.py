"""Adding, confirming and withdrawing signals. May decide: nothing; a decision or an import asks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tidegate.db.sealing import write_detail, write_new_details
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import DecisionId, ListId, ProposalId, SignalId, StaffId
from tidegate.kernel.states import follow
from tidegate.people import steps as people
from tidegate.people.model import ProposalApproved, ProposalKind
from tidegate.signal import rules, store
from tidegate.signal.formats import LeftOut
from tidegate.signal.model import (
    STANDINGS,
    FingerprintKind,
    Label,
    ListFormat,
    ListImported,
    Provenance,
    SignalAdded,
    SignalConfirmed,
    SignalWithdrawn,
    Standing,
)

#: The sealed detail of a list: where it came from or what it was for, and which account of the machine did it.
LIST_PART = "list"

Wanted = tuple[FingerprintKind, bytes, tuple[Label, ...]]


@dataclass(slots=True)
class Imported:
    """What became of the lines of a list."""

    added: int = 0
    known: int = 0
    wrong: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    @property
    def lines(self) -> int:
        """How many lines there were that were not empty."""
        return self.added + self.known + self.wrong + self.left_out.total()

    @property
    def counts(self) -> dict[str, int]:
        """Give each count by what it is of."""
        reasons = {why.value: self.left_out[why] for why in LeftOut}
        return {"added": self.added, "known": self.known, "wrong": self.wrong, **reasons}


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


async def add_many(tx: Transaction, wanted: Sequence[Wanted], provenance: Provenance) -> int:
    """Add many signals at once, unconfirmed (floor rule 15); those known already stay as they are.

    The same as adding each, but verdicts are kept waiting only while the rows are written. Gives how many were new.
    """
    first = {(kind, value): labels for kind, value, labels in reversed(wanted)}
    for known in await store.known_values(tx, list(first)):
        del first[known]
    fresh = [(tx.new(SignalId), kind, value, labels) for (kind, value), labels in reversed(first.items())]
    if not fresh:
        return 0
    await write_new_details(tx, store.VALUE_PART, {signal: {"value": value.hex()} for signal, _, value, _ in fresh})
    positions = await store.next_positions(tx, len(fresh))
    await tx.append_many(
        [
            SignalAdded(signal=signal, position=position, fingerprint_kind=kind, labels=labels, provenance=provenance)
            for position, (signal, kind, _, labels) in zip(positions, fresh, strict=True)
        ]
    )
    return len(fresh)


async def confirm(
    tx: Transaction, signal: SignalId, labels: tuple[Label, ...], decision: DecisionId, *, second: bytes = b""
) -> None:
    """Record that our own people stand behind a signal; those that do already are left as they are.

    ``second`` is a second, unlike hash of the picture that they looked at, at full size.
    """
    (loaded,) = await store.load(tx, [signal])
    rules.check_confirmed_by_decision(loaded)
    if loaded.standing is Standing.CONFIRMED and loaded.own_people:
        return
    follow(STANDINGS, loaded.standing, SignalConfirmed, "signal")
    if second:
        await write_detail(tx, signal, store.SECOND_PART, {"second": second.hex()})
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


async def record_import(tx: Transaction, list_format: ListFormat, became: Imported, said: dict[str, str]) -> None:
    """Put on the record that a list was read to its end."""
    identity = tx.new(ListId)
    await write_detail(tx, identity, LIST_PART, {**said})
    await tx.append(
        ListImported(
            list=identity,
            list_format=list_format,
            added=became.added,
            known=became.known,
            wrong=became.wrong,
            negative=became.left_out[LeftOut.NEGATIVE],
            disputed=became.left_out[LeftOut.DISPUTED],
            other_type=became.left_out[LeftOut.OTHER_TYPE],
        )
    )
