"""The one write: a transaction in which steps lock, load, ask the rules and append events.

May decide: nothing about content. Keeps the order of a write: each event is appended to the single ``event``
table, then the stage's view of it is updated, then what the story says must follow ``with`` it runs in the same
transaction, then what comes ``after`` it is deferred as a job on the same connection. All of it commits, or none.

Time, randomness and keys are taken once, when the transaction opens.

A statement whose outcome nothing waits for is ``put``: it goes out with the next question, or with the commit, in one
round trip (PostgreSQL's pipeline mode). Statements still run one after the other, in the order they were given, each
seeing what those before it did; the first that fails undoes all.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, LiteralString, TypeVar

from psycopg import AsyncConnection, AsyncCursor, errors
from psycopg_pool import AsyncConnectionPool

from tidegate.kernel.backlog import Backlog
from tidegate.kernel.clock import Clock
from tidegate.kernel.errors import IntegrityError
from tidegate.kernel.event import Event, encode, ids_in
from tidegate.kernel.ids import Id, Randomness
from tidegate.kernel.keys import Keyring

Row = dict[str, Any]
IdType = TypeVar("IdType", bound=Id)
Found = TypeVar("Found")
Found_co = TypeVar("Found_co", covariant=True)
Second = TypeVar("Second")
Third = TypeVar("Third")
Fourth = TypeVar("Fourth")
Fifth = TypeVar("Fifth")
Sixth = TypeVar("Sixth")
Result = TypeVar("Result")

_TRIES = 4


class ActorKind(StrEnum):
    """Who acts. A machine and the passing of time act too, and are named."""

    STAFF = "staff"
    PLATFORM = "platform"
    PERSON = "person"
    MACHINE = "machine"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, by id where there is one; a person outside the staff has none."""

    kind: ActorKind
    id: Id | None = None


MACHINE = Actor(ActorKind.MACHINE)
TIME = Actor(ActorKind.TIME)
PERSON = Actor(ActorKind.PERSON)

#: Updates a stage's view of one event.
Projection = Callable[["Transaction", Any], Awaitable[None]]
#: Updates a stage's view of many events of one kind, exactly as its projection would one after the other.
ProjectionOfMany = Callable[["Transaction", Any], Awaitable[None]]
#: Does what must happen in the same transaction as an event.
Follower = Callable[["Transaction", Any], Awaitable[None]]
#: Defers what happens after the commit.
Deferral = Callable[["Transaction", Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Story:
    """What follows what: ``flow.py`` writes it, every transaction is given it."""

    projections: Mapping[type[Event], Sequence[Projection]] = field(default_factory=dict)
    with_it: Mapping[type[Event], Sequence[Follower]] = field(default_factory=dict)
    after_it: Mapping[type[Event], Sequence[Deferral]] = field(default_factory=dict)
    projections_of_many: Mapping[type[Event], Sequence[ProjectionOfMany]] = field(default_factory=dict)


_BEGIN: tuple[LiteralString, Mapping[str, object]] = ("BEGIN", {})


@dataclass(frozen=True, slots=True)
class Question(Generic[Found_co]):
    """A query and how its rows are read, so that several can be asked at once."""

    sql: LiteralString
    values: Mapping[str, object]
    read: Callable[[list[Row]], Found_co]


class Transaction:
    """An open transaction, with the time, randomness and keys it was opened with."""

    def __init__(
        self,
        connection: AsyncConnection[Row],
        *,
        now: datetime,
        randomness: Randomness,
        keys: Keyring,
        story: Story,
        actor: Actor,
    ) -> None:
        self._connection = connection
        self._put: list[tuple[LiteralString, Mapping[str, object]]] = []
        self.now = now
        self.randomness = randomness
        self.keys = keys
        self.actor = actor
        self._story = story

    def new(self, kind: type[IdType]) -> IdType:
        """Make an id for something new."""
        return kind.new(self.now, self.randomness)

    async def connection(self) -> AsyncConnection[Row]:
        """Give the connection itself, for a library that writes on it, with everything before sent."""
        await self._flush()
        return self._connection

    def put(self, sql: LiteralString, **values: object) -> None:
        """Have a statement run before whatever comes next, without waiting for it."""
        self._put.append((sql, values))

    async def execute(self, sql: LiteralString, **values: object) -> int:
        """Run a statement; give the number of rows it touched."""
        return (await self._run(sql, values)).rowcount

    async def rows(self, sql: LiteralString, **values: object) -> list[Row]:
        """Run a query; give all its rows."""
        return await (await self._run(sql, values)).fetchall()

    async def row(self, sql: LiteralString, **values: object) -> Row | None:
        """Run a query; give its first row."""
        return await (await self._run(sql, values)).fetchone()

    async def answer(self, question: Question[Found]) -> Found:
        """Ask one question."""
        return question.read(await self.rows(question.sql, **question.values))

    async def ask(
        self,
        first: Question[Found],
        second: Question[Second],
        third: Question[Third],
        fourth: Question[Fourth],
        fifth: Question[Fifth],
        sixth: Question[Sixth],
    ) -> tuple[Found, Second, Third, Fourth, Fifth, Sixth]:
        """Ask several questions in one round trip; they are answered in their order."""
        questions = (first, second, third, fourth, fifth, sixth)
        async with self._connection.pipeline():
            await self._send_put()
            cursors = [await self._connection.execute(each.sql, each.values) for each in questions]
        rows = [await cursor.fetchall() for cursor in cursors]
        return (
            first.read(rows[0]),
            second.read(rows[1]),
            third.read(rows[2]),
            fourth.read(rows[3]),
            fifth.read(rows[4]),
            sixth.read(rows[5]),
        )

    async def _run(self, sql: LiteralString, values: Mapping[str, object]) -> AsyncCursor[Row]:
        if not self._put:
            return await self._connection.execute(sql, values)
        async with self._connection.pipeline():
            await self._send_put()
            return await self._connection.execute(sql, values)

    async def _flush(self) -> None:
        if self._put:
            async with self._connection.pipeline():
                await self._send_put()

    async def _send_put(self) -> None:
        put, self._put = self._put, []
        for sql, values in put:
            await self._connection.execute(sql, values)

    def begin(self) -> None:
        """Begin with the first statement; a transaction that asks nothing costs nothing."""
        self._put.append(_BEGIN)

    async def commit(self) -> None:
        """Make all of it last, or fail.

        Raises:
            IntegrityError: an earlier statement failed and nobody said so; nothing was written.
        """
        if self._put == [_BEGIN]:
            return
        done = await self._run("COMMIT", {})
        if done.statusmessage != "COMMIT":
            raise IntegrityError("A transaction ended without being written: try again.")

    async def backlog(self, sql: LiteralString, **values: object) -> Backlog:
        """Run a query that gives one row with the columns ``n`` and ``since``."""
        row = await self.row(sql, **values)
        assert row is not None
        return Backlog(int(row["n"]), row["since"])

    async def copy(self, sql: LiteralString, rows: Iterable[Sequence[object]]) -> None:
        """Write many rows at once; ``sql`` is a COPY from standard input."""
        async with (await self.connection()).cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                await copy.write_row(row)

    async def append(self, *events: Event) -> None:
        """Write events, their views, and what follows with them."""
        for happened in events:
            self.put(
                """
                INSERT INTO event (at, kind, subject, about, actor_kind, actor, data)
                VALUES (%(at)s, %(kind)s, %(subject)s, %(about)s, %(actor_kind)s, %(actor)s, %(data)s)
                """,
                **self._row(happened),
            )
            await self.project(happened)
            await self._follow(happened)

    async def append_many(self, events: Sequence[Event]) -> None:
        """Write many events of one kind at once: all rows, then all views, then what follows each.

        For kinds whose views are also updated many at once, and only where nothing that follows one of them reads
        what is behind the next.
        """
        (kind,) = {type(happened) for happened in events}
        await self.copy(
            "COPY event (at, kind, subject, about, actor_kind, actor, data) FROM STDIN",
            (tuple(self._row(happened).values()) for happened in events),
        )
        for projection in self._story.projections_of_many[kind]:
            await projection(self, events)
        for happened in events:
            await self._follow(happened)

    def _row(self, happened: Event) -> Row:
        return {
            "at": self.now,
            "kind": happened.kind,
            "subject": happened.subject.value,
            "about": sorted({identity.value for identity in ids_in(happened)}),
            "actor_kind": self.actor.kind.value,
            "actor": self.actor.id and self.actor.id.value,
            "data": json.dumps(encode(happened)),
        }

    async def _follow(self, happened: Event) -> None:
        for follower in self._story.with_it.get(type(happened), ()):
            await follower(self, happened)
        for deferral in self._story.after_it.get(type(happened), ()):
            await deferral(self, happened)

    async def project(self, happened: Event) -> None:
        """Update every view of one event; a rebuild calls this and nothing else."""
        for projection in self._story.projections.get(type(happened), ()):
            await projection(self, happened)

    async def next_position(self, counter: str) -> int:
        """Take the next number of a gap-free counter."""
        return (await self.next_positions(counter, 1))[0]

    async def next_positions(self, counter: str, count: int) -> range:
        """Take the next numbers of a gap-free counter.

        The row stays locked until the commit, so positions become visible in their order. A sequence would not do:
        it loses numbers on rollback, and a late commit makes a lower number appear after a higher one was read.
        """
        row = await self.row(
            "UPDATE counter SET position = position + %(count)s WHERE name = %(name)s RETURNING position",
            name=counter,
            count=count,
        )
        assert row is not None
        return range(row["position"] - count + 1, row["position"] + 1)


@dataclass(frozen=True, slots=True)
class Database:
    """Where transactions are opened."""

    pool: AsyncConnectionPool[AsyncConnection[Row]]
    clock: Clock
    randomness: Randomness
    keys: Keyring
    story: Story

    @asynccontextmanager
    async def transaction(self, actor: Actor) -> AsyncIterator[Transaction]:
        """Open a transaction; commit at its end, or undo all of it on an error."""
        async with self.pool.connection() as connection:  # undoes what was not committed
            tx = self._transaction(connection, actor)
            tx.begin()
            yield tx
            await tx.commit()

    @asynccontextmanager
    async def glance(self, actor: Actor) -> AsyncIterator[Transaction]:
        """Read something small, each question by itself: for what does not have to fit together, and writes nothing."""
        async with self.pool.connection() as connection:
            yield self._transaction(connection, actor)

    def _transaction(self, connection: AsyncConnection[Row], actor: Actor) -> Transaction:
        return Transaction(
            connection,
            now=self.clock(),
            randomness=self.randomness,
            keys=self.keys,
            story=self.story,
            actor=actor,
        )

    async def run(self, actor: Actor, action: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run an action in one transaction; when two stood in each other's way, run it again from the start."""
        for attempt in range(_TRIES):
            try:
                async with self.transaction(actor) as tx:
                    return await action(tx)
            except (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation):
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(0.01 * 2**attempt * (1 + secrets.randbelow(100) / 100))
        raise AssertionError
