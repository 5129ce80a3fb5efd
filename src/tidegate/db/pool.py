"""Connections to PostgreSQL.

May decide: nothing. Ids travel as ``uuid``, rows come back as dictionaries, and a database that is away is one clear
error with a time to try again.
"""

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.adapt import Buffer
from psycopg.rows import dict_row
from psycopg.types.uuid import UUIDBinaryDumper
from psycopg_pool import AsyncConnectionPool

from tidegate.db.transaction import Row
from tidegate.kernel.ids import Id

Pool = AsyncConnectionPool[AsyncConnection[Row]]

#: How long a request waits for a connection before it is told to come back (seconds).
WAIT_SECONDS = 3.0


class _IdDumper(UUIDBinaryDumper):
    def dump(self, obj: Id) -> Buffer | None:  # type: ignore[override]  # an Id is a uuid that knows its kind
        return super().dump(obj.value)


async def _configure(connection: AsyncConnection[Row]) -> None:
    connection.adapters.register_dumper(Id, _IdDumper)
    # Said here and not in ``kwargs``: the job library opens its listening connection with ours and says it again.
    await connection.set_autocommit(True)


async def _check(connection: AsyncConnection[Row]) -> None:
    """See whether a connection still stands before it is used.

    A server that went away closed its end, and one that throws us out says why: both can be read. Silence is the usual
    case, and asking the server then would cost every request a round trip.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


@asynccontextmanager
async def open_pool(url: str, *, size: int = 20) -> AsyncIterator[Pool]:
    """Open a pool of connections; it reconnects by itself when the database comes back."""
    pool: Pool = AsyncConnectionPool(
        url,
        kwargs={"row_factory": dict_row},
        configure=_configure,
        min_size=2,
        max_size=size,
        timeout=WAIT_SECONDS,
        reconnect_timeout=0,
        check=_check,
        open=False,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()
