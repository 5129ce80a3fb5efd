"""The one write: a transaction in which steps lock, load, ask the rules and append events.

May decide: nothing about content. Keeps the order of a write: each event is appended to the single ``event``
table, then the stage's view of it is updated, then what the story says must follow ``with`` it runs in the same
transaction, then what comes ``after`` it is deferred as a job on the same connection. All of it commits, or none.

Time, randomness and keys are taken once, when the transaction opens.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from tidegate.kernel.backlog import Backlog
from tidegate.kernel.clock import Clock
from tidegate.kernel.event import Event, encode, ids_in
from tidegate.kernel.ids import Id, Randomness
from tidegate.kernel.keys import Keyring

Row = dict[str, Any]
IdType = TypeVar("IdType", bound=Id)


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
        self.connection = connection
        self.now = now
        self.randomness = randomness
        self.keys = keys
        self.actor = actor
        self._story = story

    def new(self, kind: type[IdType]) -> IdType:
        """Make an id for something new."""
        return kind.new(self.now, self.randomness)

    async def execute(self, sql: LiteralString, **values: object) -> int:
        """Run a statement; give the number of rows it touched."""
        cursor = await self.connection.execute(sql, values)
        return cursor.rowcount

    async def rows(self, sql: LiteralString, **values: object) -> list[Row]:
        """Run a query; give all its rows."""
        cursor = await self.connection.execute(sql, values)
        return await cursor.fetchall()

    async def row(self, sql: LiteralString, **values: object) -> Row | None:
        """Run a query; give its first row."""
        cursor = await self.connection.execute(sql, values)
        return await cursor.fetchone()

    async def backlog(self, sql: LiteralString, **values: object) -> Backlog:
        """Run a query that gives one row with the columns ``n`` and ``since``."""
        row = await self.row(sql, **values)
        assert row is not None
        return Backlog(int(row["n"]), row["since"])

    async def append(self, *events: Event) -> None:
        """Write events, their views, and what follows with them."""
        for happened in events:
            await self.execute(
                """
                INSERT INTO event (at, kind, subject, about, actor_kind, actor, data)
                VALUES (%(at)s, %(kind)s, %(subject)s, %(about)s, %(actor_kind)s, %(actor)s, %(data)s)
                """,
                at=self.now,
                kind=happened.kind,
                subject=happened.subject,
                about=sorted({identity.value for identity in ids_in(happened)}),
                actor_kind=self.actor.kind,
                actor=self.actor.id,
                data=json.dumps(encode(happened)),
            )
            await self.project(happened)
            for follower in self._story.with_it.get(type(happened), ()):
                await follower(self, happened)
            for deferral in self._story.after_it.get(type(happened), ()):
                await deferral(self, happened)

    async def project(self, happened: Event) -> None:
        """Update every view of one event; a rebuild calls this and nothing else."""
        for projection in self._story.projections.get(type(happened), ()):
            await projection(self, happened)

    async def next_position(self, counter: str) -> int:
        """Take the next number of a gap-free counter.

        The row stays locked until the commit, so positions become visible in their order. A sequence would not do:
        it loses numbers on rollback, and a late commit makes a lower number appear after a higher one was read.
        """
        row = await self.row(
            "UPDATE counter SET position = position + 1 WHERE name = %(name)s RETURNING position",
            name=counter,
        )
        assert row is not None
        return int(row["position"])


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
        async with self.pool.connection() as connection, connection.transaction():
            yield Transaction(
                connection,
                now=self.clock(),
                randomness=self.randomness,
                keys=self.keys,
                story=self.story,
                actor=actor,
            )
