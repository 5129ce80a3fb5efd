"""The one write: what is put goes out in its order, with what comes next, and all of it lasts or none."""

import asyncio

import psycopg
import pytest
from psycopg import errors

from tidegate.db.transaction import MACHINE, Database, Question, Transaction
from tidegate.kernel.errors import IntegrityError

_COUNT: Question[int] = Question("SELECT count(*) AS n FROM tally", {}, lambda rows: int(rows[0]["n"]))


def _tally(tx: Transaction, what: str, count: int = 1) -> None:
    tx.put(
        """
        INSERT INTO tally (day, what, shard, count) VALUES (%(day)s, %(what)s, 0, %(count)s)
        ON CONFLICT (day, what, shard) DO UPDATE SET count = tally.count + EXCLUDED.count
        """,
        day=tx.now.date(),
        what=what,
        count=count,
    )


def _kept(loop: asyncio.AbstractEventLoop, database: Database) -> dict[str, int]:
    async def read() -> dict[str, int]:
        async with database.glance(MACHINE) as tx:
            return {row["what"]: row["count"] for row in await tx.rows("SELECT what, count FROM tally")}

    return loop.run_until_complete(read())


def test_what_is_put_is_there_for_the_next_question(loop: asyncio.AbstractEventLoop, database: Database) -> None:
    async def act() -> tuple[int, ...]:
        async with database.transaction(MACHINE) as tx:
            _tally(tx, "clear")
            first = await tx.answer(_COUNT)
            _tally(tx, "hold")
            _tally(tx, "hold", 4)
            return first, *(await tx.ask(_COUNT, _COUNT, _COUNT, _COUNT, _COUNT, _COUNT))

    assert loop.run_until_complete(act()) == (1, 2, 2, 2, 2, 2, 2)
    assert _kept(loop, database) == {"clear": 1, "hold": 5}


def test_what_is_put_last_is_written_by_the_commit(loop: asyncio.AbstractEventLoop, database: Database) -> None:
    async def act() -> None:
        async with database.transaction(MACHINE) as tx:
            _tally(tx, "clear")

    loop.run_until_complete(act())
    assert _kept(loop, database) == {"clear": 1}


def test_an_error_in_the_block_undoes_what_was_sent_and_what_was_put(
    loop: asyncio.AbstractEventLoop, database: Database
) -> None:
    async def act() -> None:
        async with database.transaction(MACHINE) as tx:
            _tally(tx, "clear")
            await tx.answer(_COUNT)
            _tally(tx, "hold")
            raise LookupError

    with pytest.raises(LookupError):
        loop.run_until_complete(act())
    assert _kept(loop, database) == {}


@pytest.mark.parametrize("asks", [True, False])
def test_a_statement_that_fails_when_it_is_sent_undoes_all(
    loop: asyncio.AbstractEventLoop, database: Database, asks: bool
) -> None:
    async def act() -> None:
        async with database.transaction(MACHINE) as tx:
            _tally(tx, "clear")
            tx.put("INSERT INTO tally (day, what, shard, count) VALUES (NULL, 'hold', 0, 1)")
            _tally(tx, "review")
            if asks:
                await tx.answer(_COUNT)

    with pytest.raises(errors.NotNullViolation):
        loop.run_until_complete(act())
    assert _kept(loop, database) == {}


def test_a_transaction_that_failed_unheard_is_not_called_written(
    loop: asyncio.AbstractEventLoop, database: Database
) -> None:
    async def act() -> None:
        async with database.transaction(MACHINE) as tx:
            _tally(tx, "clear")
            with pytest.raises(psycopg.Error):
                await tx.row("SELECT 1 / 0")

    with pytest.raises(IntegrityError):
        loop.run_until_complete(act())
    assert _kept(loop, database) == {}


def test_a_library_gets_the_connection_inside_the_transaction(
    loop: asyncio.AbstractEventLoop, database: Database
) -> None:
    async def act() -> None:
        async with database.transaction(MACHINE) as tx:
            connection = await tx.connection()
            await connection.execute("INSERT INTO tally (day, what, shard, count) VALUES (now(), 'clear', 0, 1)")
            raise LookupError

    with pytest.raises(LookupError):
        loop.run_until_complete(act())
    assert _kept(loop, database) == {}


def test_a_connection_that_was_closed_from_the_other_side_is_not_used(
    loop: asyncio.AbstractEventLoop, database: Database
) -> None:
    async def pid() -> int:
        async with database.glance(MACHINE) as tx:
            row = await tx.row("SELECT pg_backend_pid() AS pid")
            assert row is not None
            return int(row["pid"])

    async def ended(number: int) -> None:
        async with database.glance(MACHINE) as tx:
            # Our own role may end its own connections; from a second one, or we would end the one that asks.
            await tx.row("SELECT pg_terminate_backend(%(pid)s, 5000)", pid=number)

    async def act() -> None:
        for _ in range(8):
            async with database.pool.connection() as held:
                victim = held.info.backend_pid
                await ended(victim)
            # Whatever connection the pool gives now, it works.
            assert await pid() != victim

    loop.run_until_complete(act())
