"""The only SQL that names enforcement's tables. May decide: nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.enforcement.model import (
    RESTRICTIONS,
    Acknowledged,
    Action,
    Cause,
    Instructed,
    Instruction,
    Problem,
    Resent,
    Restriction,
    State,
    Superseded,
    Undelivered,
)
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event, decode
from tidegate.kernel.ids import ContentId, DecisionId, InstructionId, NoticeId, ServiceId


async def restriction(tx: Transaction, content: ContentId, *, lock: bool = False) -> tuple[Restriction, int]:
    """Give what the platform should be doing with a content, and the newest sequence (0: never instructed)."""
    if lock:
        row = await tx.row("SELECT * FROM restriction WHERE content = %(id)s FOR UPDATE", id=content)
    else:
        row = await tx.row("SELECT * FROM restriction WHERE content = %(id)s", id=content)
    return (Restriction.NONE, 0) if row is None else (Restriction(row["restriction"]), int(row["sequence"]))


async def restrictions(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, Restriction]:
    """Give what the platform should be doing with each of many contents, where it was ever instructed."""
    rows = await tx.rows(
        "SELECT content, restriction FROM restriction WHERE content = ANY(%(ids)s)",
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): Restriction(row["restriction"]) for row in rows}


async def load(tx: Transaction, instruction: InstructionId, *, lock: bool = False) -> Instruction | None:
    """Load an instruction, locked until the commit if asked."""
    if lock:
        row = await tx.row("SELECT * FROM instruction WHERE id = %(id)s FOR UPDATE", id=instruction)
    else:
        row = await tx.row("SELECT * FROM instruction WHERE id = %(id)s", id=instruction)
    return None if row is None else _instruction(row)


async def stream(tx: Transaction, service: ServiceId, after: int, most: int) -> list[Instruction]:
    """Page through the instructions to a service by position."""
    rows = await tx.rows(
        """
        SELECT * FROM instruction WHERE service = %(service)s AND position > %(after)s
        ORDER BY position LIMIT %(most)s
        """,
        service=service,
        after=after,
        most=most,
    )
    return [_instruction(row) for row in rows]


async def on_content(tx: Transaction, content: ContentId) -> list[Instruction]:
    """Give all instructions about a content, oldest first."""
    rows = await tx.rows("SELECT * FROM instruction WHERE content = %(content)s ORDER BY sequence", content=content)
    return [_instruction(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which instructions to list; what is None leaves none out."""

    state: State | None = None
    service: ServiceId | None = None
    action: Action | None = None


async def newest(
    tx: Transaction, most: int = 200, *, filters: Filters = Filters(), before: int | None = None
) -> list[Instruction]:
    """List instructions for reading, the newest first; ``before`` a position, to page on."""
    rows = await tx.rows(
        """
        SELECT * FROM instruction
        WHERE (%(state)s::text IS NULL OR state = %(state)s)
          AND (%(service)s::uuid IS NULL OR service = %(service)s)
          AND (%(action)s::text IS NULL OR action = %(action)s)
          AND (%(before)s::bigint IS NULL OR position < %(before)s)
        ORDER BY position DESC LIMIT %(most)s
        """,
        state=filters.state,
        service=filters.service,
        action=filters.action,
        before=before,
        most=most,
    )
    return [_instruction(row) for row in rows]


async def dead_letters(tx: Transaction, service: ServiceId | None = None, most: int = 50) -> list[Instruction]:
    """List the instructions that nobody tries to deliver any more, those that have waited longest first."""
    rows = await tx.rows(
        """
        SELECT * FROM instruction WHERE state = 'undelivered' AND (%(service)s::uuid IS NULL OR service = %(service)s)
        ORDER BY waiting_since, position LIMIT %(most)s
        """,
        service=service,
        most=most,
    )
    return [_instruction(row) for row in rows]


async def dead_letters_by_service(tx: Transaction) -> dict[ServiceId, int]:
    """Count the dead letters of each service that has any."""
    rows = await tx.rows("SELECT service, count(*) AS n FROM instruction WHERE state = 'undelivered' GROUP BY service")
    return {ServiceId(row["service"]): int(row["n"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Tried:
    """How often an instruction was tried in vain, and what came of the last try."""

    attempts: int
    at: datetime
    problem: Problem
    status: int | None


async def note_problem(tx: Transaction, instruction: InstructionId, problem: Problem, status: int | None) -> None:
    """Remember what came of an attempt in vain."""
    await tx.execute(
        """
        INSERT INTO delivery_problem (instruction, attempts, at, problem, status)
        VALUES (%(instruction)s, 1, %(at)s, %(problem)s, %(status)s)
        ON CONFLICT (instruction) DO UPDATE SET (attempts, at, problem, status)
          = (delivery_problem.attempts + 1, EXCLUDED.at, EXCLUDED.problem, EXCLUDED.status)
        """,
        instruction=instruction,
        at=tx.now,
        problem=problem,
        status=status,
    )


async def problems_of(tx: Transaction, instructions: Sequence[InstructionId]) -> dict[InstructionId, Tried]:
    """Say of which of these instructions deliveries failed, and how."""
    rows = await tx.rows(
        "SELECT * FROM delivery_problem WHERE instruction = ANY(%(ids)s)", ids=[one.value for one in instructions]
    )
    return {
        InstructionId(row["instruction"]): Tried(row["attempts"], row["at"], Problem(row["problem"]), row["status"])
        for row in rows
    }


async def acknowledgements_on(tx: Transaction, content: ContentId) -> dict[InstructionId, tuple[datetime, bool]]:
    """Say when the platform acknowledged instructions about a content, and whether it applied them."""
    rows = await tx.rows(
        "SELECT at, data FROM event WHERE about @> ARRAY[%(content)s::uuid] AND kind = 'enforcement.acknowledged'",
        content=content,
    )
    found: dict[InstructionId, tuple[datetime, bool]] = {}
    for row in rows:
        happened = decode(Acknowledged.kind, row["data"])
        assert isinstance(happened, Acknowledged)
        found[happened.instruction] = (row["at"], happened.applied)
    return found


async def waiting(tx: Transaction, content: ContentId) -> list[Instruction]:
    """Give the instructions about a content the platform has not acknowledged."""
    rows = await tx.rows(
        """
        SELECT * FROM instruction WHERE content = %(content)s AND state IN ('waiting', 'undelivered')
        ORDER BY sequence
        """,
        content=content,
    )
    return [_instruction(row) for row in rows]


async def in_state(tx: Transaction, state: State) -> Backlog:
    """Count the instructions in a state, since they were given or last sent again."""
    return await tx.backlog(
        "SELECT count(*) AS n, min(waiting_since) AS since FROM instruction WHERE state = %(state)s", state=state
    )


def _instruction(row: Row) -> Instruction:
    return Instruction(
        id=InstructionId(row["id"]),
        content=ContentId(row["content"]),
        service=ServiceId(row["service"]),
        position=row["position"],
        sequence=row["sequence"],
        action=Action(row["action"]),
        cause=Cause(row["cause"]),
        state=State(row["state"]),
        given_at=row["given_at"],
        waiting_since=row["waiting_since"],
        expires_at=row["expires_at"],
        notice=row["notice"] and NoticeId(row["notice"]),
        decision=row["decision"] and DecisionId(row["decision"]),
    )


async def _instructed(tx: Transaction, happened: Instructed) -> None:
    present, _ = await restriction(tx, happened.content)
    await tx.execute(
        """
        INSERT INTO restriction (content, restriction, sequence) VALUES (%(content)s, %(restriction)s, %(sequence)s)
        ON CONFLICT (content) DO UPDATE SET (restriction, sequence) = (EXCLUDED.restriction, EXCLUDED.sequence)
        """,
        content=happened.content,
        restriction=RESTRICTIONS[present][happened.action],
        sequence=happened.sequence,
    )
    await tx.execute(
        """
        INSERT INTO instruction (id, content, service, position, sequence, action, cause, state, given_at,
            waiting_since, expires_at, notice, decision)
        VALUES (%(id)s, %(content)s, %(service)s, %(position)s, %(sequence)s, %(action)s, %(cause)s, 'waiting', %(at)s,
            %(at)s, %(expires_at)s, %(notice)s, %(decision)s)
        """,
        id=happened.instruction,
        content=happened.content,
        service=happened.service,
        position=happened.position,
        sequence=happened.sequence,
        action=happened.action,
        cause=happened.cause,
        at=tx.now,
        expires_at=happened.expires_at,
        notice=happened.notice,
        decision=happened.decision,
    )


async def _set_state(tx: Transaction, instruction: InstructionId, state: State) -> None:
    await tx.execute("UPDATE instruction SET state = %(state)s WHERE id = %(id)s", id=instruction, state=state)


async def _acknowledged(tx: Transaction, happened: Acknowledged) -> None:
    await _set_state(tx, happened.instruction, State.ACKNOWLEDGED)


async def _superseded(tx: Transaction, happened: Superseded) -> None:
    await _set_state(tx, happened.instruction, State.SUPERSEDED)


async def _undelivered(tx: Transaction, happened: Undelivered) -> None:
    await _set_state(tx, happened.instruction, State.UNDELIVERED)


async def _resent(tx: Transaction, happened: Resent) -> None:
    await tx.execute(
        "UPDATE instruction SET state = 'waiting', waiting_since = %(at)s WHERE id = %(id)s",
        id=happened.instruction,
        at=tx.now,
    )


VIEWS = ("restriction", "instruction")
PROJECTIONS: dict[type[Event], Projection] = {
    Instructed: _instructed,
    Acknowledged: _acknowledged,
    Superseded: _superseded,
    Undelivered: _undelivered,
    Resent: _resent,
}
