"""The only SQL that names signal's table. May decide: nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from tidegate.db.sealing import read_detail, read_details
from tidegate.db.transaction import Projection, ProjectionOfMany, Question, Row, Transaction
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event
from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.signal.model import (
    FingerprintKind,
    Label,
    Provenance,
    Signal,
    SignalAdded,
    SignalConfirmed,
    SignalWithdrawn,
    Standing,
)
from tidegate.signal.rules import VALUE_BYTES

#: Held shared by every verdict and exclusively by every change of a signal, until their commits: a verdict can then
#: never miss a signal that commits before it, and a signal looks back over all that committed before it.
POSITION_LOCK = 7_421_003

#: The sealed detail with the fingerprint's value.
VALUE_PART = "value"
#: The sealed detail with the second hash of what our own people confirmed.
SECOND_PART = "second"


def hold_position(tx: Transaction) -> Question[int]:
    """Keep signals from changing until this transaction ends; ask for the newest position."""
    tx.put("SELECT pg_advisory_xact_lock_shared(%(key)s)", key=POSITION_LOCK)
    return newest_position()


async def lock_positions(tx: Transaction) -> None:
    """Wait for verdicts under way, and keep new ones waiting until this transaction ends.

    Whoever will change signals takes this before any case or content, or it could wait for a verdict that waits for it.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=POSITION_LOCK)


async def next_position(tx: Transaction) -> int:
    """Take the next position, with verdicts kept waiting."""
    await lock_positions(tx)
    return await tx.next_position("signal")


async def next_positions(tx: Transaction, count: int) -> range:
    """Take the next positions, with verdicts kept waiting."""
    await lock_positions(tx)
    return await tx.next_positions("signal", count)


def newest_position() -> Question[int]:
    """Ask for the newest position."""
    return Question("SELECT position FROM counter WHERE name = 'signal'", {}, lambda rows: int(rows[0]["position"]))


async def after(
    tx: Transaction, position_: int, *, most: int | None = None, kept_to: int = 0, kept: Sequence[FingerprintKind] = ()
) -> list[Signal]:
    """Give the signals that changed after a position, in order, at most so many of them.

    Args:
        tx: the transaction.
        position_: after which.
        most: how many; None for all.
        kept_to: up to this position, signals of the ``kept`` kinds are left out.
        kept: these kinds.
    """
    # Two reads of two indexes: the many signals of the kept kinds are stepped over, not read and dropped.
    rows = await tx.rows(
        """
        (SELECT * FROM signal WHERE position > %(after)s AND position <= %(kept_to)s
             AND kind NOT IN ('sha256', 'pdq') AND kind <> ALL(%(kept)s) AND value IS NOT NULL
         ORDER BY position LIMIT %(most)s)
        UNION ALL
        (SELECT * FROM signal WHERE position > greatest(%(after)s, %(kept_to)s) AND value IS NOT NULL
         ORDER BY position LIMIT %(most)s)
        ORDER BY position LIMIT %(most)s
        """,
        after=position_,
        most=most,
        kept_to=kept_to,
        kept=list(kept),
    )
    return [_signal(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Block:
    """Signals of one kind that stand alike, as bytes one after the other: no row of millions becomes an object.

    Attributes:
        like: one of them, without its value.
        ids: 16 bytes each.
        values: 32 bytes each.
        newest: the id and position of the last that changed.
    """

    like: Signal
    ids: bytes
    values: bytes
    newest: tuple[SignalId, int]


#: What is not the same for all of a block, and does not say how much a signal may lead to.
_NOT_READ: Row = {"decision": None, "number": 0, "second": None}


async def blocks(tx: Transaction, kind: FingerprintKind, after_: int, up_to: int, most: int) -> list[Block]:
    """Give signals of a kind with values of 32 bytes that changed after a position, at most so many of them.

    Read on after the newest position among the blocks; there are no more when there are no blocks.
    """
    rows = await tx.rows(
        """
        SELECT standing, own_people, members, disputed, labels, max(position) AS position,
            string_agg(uuid_send(id), ''::bytea ORDER BY position) AS ids,
            string_agg(value, ''::bytea ORDER BY position) AS values,
            (array_agg(id ORDER BY position DESC))[1] AS id
        FROM (
            SELECT * FROM signal WHERE kind = %(kind)s AND position > %(after)s AND position <= %(up_to)s
                AND length(value) = %(length)s ORDER BY position LIMIT %(most)s
        ) AS page GROUP BY standing, own_people, members, disputed, labels
        """,
        kind=kind,
        after=after_,
        up_to=up_to,
        most=most,
        length=VALUE_BYTES,
    )
    return [
        Block(
            like=_signal(row | {"kind": kind, "value": None, "provenance": Provenance.OWN} | _NOT_READ),
            ids=row["ids"],
            values=row["values"],
            newest=(SignalId(row["id"]), row["position"]),
        )
        for row in rows
    ]


async def positions_of(tx: Transaction, signals: Sequence[SignalId]) -> dict[SignalId, int]:
    """Give the positions of those of some signals that there are."""
    rows = await tx.rows(
        "SELECT id, position FROM signal WHERE id = ANY(%(ids)s)", ids=[signal.value for signal in signals]
    )
    return {SignalId(row["id"]): int(row["position"]) for row in rows}


async def load(tx: Transaction, signals: Sequence[SignalId]) -> list[Signal]:
    """Load signals as they stand now."""
    if not signals:
        return []
    rows = await tx.rows(
        "SELECT * FROM signal WHERE id = ANY(%(ids)s) ORDER BY id", ids=[signal.value for signal in signals]
    )
    return [_signal(row) for row in rows]


async def with_value(tx: Transaction, kind: FingerprintKind, value: bytes) -> Signal | None:
    """Find the signal with this value."""
    row = await tx.row(
        "SELECT * FROM signal WHERE kind = %(kind)s AND sha256(value) = sha256(%(value)s::bytea)",
        kind=kind,
        value=value,
    )
    return None if row is None else _signal(row)


async def known_values(
    tx: Transaction, values: Sequence[tuple[FingerprintKind, bytes]]
) -> set[tuple[FingerprintKind, bytes]]:
    """Say which of many values there are signals of already."""
    rows = await tx.rows(
        """
        SELECT asked.kind, asked.value FROM unnest(%(kinds)s::text[], %(values)s::bytea[]) AS asked (kind, value)
        WHERE EXISTS (SELECT FROM signal WHERE signal.kind = asked.kind AND sha256(signal.value) = sha256(asked.value))
        """,
        kinds=[kind.value for kind, _ in values],
        values=[value for _, value in values],
    )
    return {(FingerprintKind(row["kind"]), bytes(row["value"])) for row in rows}


async def page(tx: Transaction, after_number: int, last: int, most: int, *, unconfirmed: bool) -> list[Signal]:
    """Give the signals in use by their numbers, a page at a time.

    Args:
        tx: the transaction.
        after_number: of the last of the page before; 0 for the first page.
        last: the highest number to give; what was added later is left out.
        most: how many at most.
        unconfirmed: those too that nobody has confirmed, or that are disputed.
    """
    rows = await tx.rows(
        "SELECT *" + _IN_USE + "AND number > %(after)s AND number <= %(last)s ORDER BY number LIMIT %(most)s",
        after=after_number,
        last=last,
        most=most,
        unconfirmed=unconfirmed,
    )
    return [_signal(row) for row in rows]


async def count_in_use(tx: Transaction, *, unconfirmed: bool) -> int:
    """Count what ``page`` gives."""
    row = await tx.row("SELECT count(*) AS n" + _IN_USE, unconfirmed=unconfirmed)
    assert row is not None
    return int(row["n"])


async def sizes(tx: Transaction) -> dict[FingerprintKind, tuple[int, SignalId]]:
    """Count the signals in use of each kind that has any, and name the newest of it."""
    rows = await tx.rows(
        """
        SELECT known.kind, known.n, signal.id AS newest FROM (
            SELECT kind, count(*) AS n, max(number) AS newest FROM signal
            WHERE standing <> 'withdrawn' AND value IS NOT NULL GROUP BY kind
        ) AS known JOIN signal ON signal.number = known.newest
        """
    )
    return {FingerprintKind(row["kind"]): (int(row["n"]), SignalId(row["newest"])) for row in rows}


async def of_decision(tx: Transaction, decision: DecisionId) -> list[Signal]:
    """Give the signals a decision confirmed."""
    rows = await tx.rows("SELECT * FROM signal WHERE decision = %(decision)s ORDER BY id", decision=decision)
    return [_signal(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which signals to list; what is None leaves none out."""

    kind: FingerprintKind | None = None
    standing: Standing | None = None
    label: Label | None = None
    provenance: Provenance | None = None
    disputed: bool | None = None

    @property
    def values(self) -> dict[str, object]:
        """Give them to a query."""
        return {
            "kind": self.kind,
            "standing": self.standing,
            "label": self.label,
            "provenance": self.provenance,
            "disputed": self.disputed,
        }


_PASSING: LiteralString = """
    FROM signal WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(standing)s::text IS NULL OR standing = %(standing)s)
      AND (%(label)s::text IS NULL OR %(label)s = ANY(labels))
      AND (%(provenance)s::text IS NULL OR provenance = %(provenance)s)
      AND (%(disputed)s::boolean IS NULL OR disputed = %(disputed)s)
"""


#: Without domains: nobody else has a word for them, and no list may carry one.
_IN_USE: LiteralString = """
    FROM signal WHERE standing <> 'withdrawn' AND value IS NOT NULL AND kind <> 'domain'
      AND (%(unconfirmed)s OR standing = 'confirmed' AND NOT disputed)
"""


async def newest(
    tx: Transaction, most: int = 200, *, filters: Filters = Filters(), before: int | None = None
) -> list[Signal]:
    """List signals for reading, newest change first; ``before`` a position, to page on."""
    rows = await tx.rows(
        "SELECT *"
        + _PASSING
        + "AND (%(before)s::bigint IS NULL OR position < %(before)s) ORDER BY position DESC LIMIT %(most)s",
        before=before,
        most=most,
        **filters.values,
    )
    return [_signal(row) for row in rows]


async def count(tx: Transaction, filters: Filters) -> int:
    """Count the signals that pass."""
    row = await tx.row("SELECT count(*) AS n" + _PASSING, **filters.values)
    assert row is not None
    return int(row["n"])


async def disputed_backlog(tx: Transaction) -> Backlog:
    """Count the signals in use that are disputed."""
    return await tx.backlog(
        "SELECT count(*) AS n, NULL::timestamptz AS since FROM signal WHERE disputed AND standing <> 'withdrawn'"
    )


def _signal(row: Row) -> Signal:
    return Signal(
        id=SignalId(row["id"]),
        kind=FingerprintKind(row["kind"]),
        value=bytes(row["value"] or b""),
        labels=frozenset(Label(word) for word in row["labels"]),
        provenance=Provenance(row["provenance"]),
        standing=Standing(row["standing"]),
        decision=row["decision"] and DecisionId(row["decision"]),
        own_people=row["own_people"],
        members=row["members"],
        disputed=row["disputed"],
        position=row["position"],
        number=row["number"],
        second=bytes(row["second"] or b""),
    )


async def _added(tx: Transaction, happened: SignalAdded) -> None:
    await _added_many(tx, [happened])


async def _added_many(tx: Transaction, happened: Sequence[SignalAdded]) -> None:
    details = await read_details(tx, [added.signal for added in happened], VALUE_PART)
    await tx.execute(
        """
        INSERT INTO signal
            (id, kind, value, labels, provenance, standing, own_people, members, disputed, position, number)
        SELECT id, kind, decode(value, 'hex'), string_to_array(labels, ' '), provenance,
            'unconfirmed', false, 0, false, position, position
        FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(values)s::text[], %(labels)s::text[], %(provenances)s::text[],
            %(positions)s::bigint[]) AS added (id, kind, value, labels, provenance, position)
        """,
        ids=[added.signal.value for added in happened],
        kinds=[added.fingerprint_kind.value for added in happened],
        values=[None if (detail := details.get(added.signal)) is None else detail["value"] for added in happened],
        labels=[" ".join(added.labels) for added in happened],
        provenances=[added.provenance.value for added in happened],
        positions=[added.position for added in happened],
    )


async def _confirmed(tx: Transaction, happened: SignalConfirmed) -> None:
    detail = await read_detail(tx, happened.signal, SECOND_PART)
    await tx.execute(
        """
        UPDATE signal SET standing = 'confirmed', own_people = true, decision = %(decision)s, labels = %(labels)s,
            position = %(position)s, second = COALESCE(%(second)s, second) WHERE id = %(id)s
        """,
        second=None if detail is None else bytes.fromhex(str(detail["second"])),
        id=happened.signal,
        decision=happened.decision,
        labels=list(happened.labels),
        position=happened.position,
    )


async def _withdrawn(tx: Transaction, happened: SignalWithdrawn) -> None:
    await tx.execute(
        "UPDATE signal SET standing = 'withdrawn', own_people = false, position = %(position)s WHERE id = %(id)s",
        id=happened.signal,
        position=happened.position,
    )


VIEWS = ("signal",)
PROJECTIONS: dict[type[Event], Projection] = {
    SignalAdded: _added,
    SignalConfirmed: _confirmed,
    SignalWithdrawn: _withdrawn,
}
PROJECTIONS_OF_MANY: dict[type[Event], ProjectionOfMany] = {SignalAdded: _added_many}
