"""Sealed bytes: opened whole, in little more memory than they need."""

import asyncio
import os
import tracemalloc
from uuid import UUID

import pytest

from tidegate.db import sealing
from tidegate.db.sealing import erase_part, read_bytes, write_bytes
from tidegate.db.transaction import MACHINE, Database
from tidegate.kernel.ids import ContentId

OWNER = ContentId(UUID(int=1))


def _written(loop: asyncio.AbstractEventLoop, database: Database, data: bytes) -> None:
    async def act() -> None:
        async with database.transaction(MACHINE) as tx:
            await write_bytes(tx, OWNER, "bytes", data)

    loop.run_until_complete(act())


def _opened(loop: asyncio.AbstractEventLoop, database: Database) -> bytes | None:
    async def act() -> bytes | None:
        async with database.transaction(MACHINE) as tx:
            return await read_bytes(tx, OWNER, "bytes")

    return loop.run_until_complete(act())


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 25])
def test_pieces_come_back_as_they_were(
    loop: asyncio.AbstractEventLoop, database: Database, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(sealing, "PIECE", 10)
    assert _opened(loop, database) is None
    data = os.urandom(length)
    _written(loop, database, data)
    opened = _opened(loop, database)
    assert opened == data
    assert type(opened) is bytes

    async def erase() -> None:
        async with database.transaction(MACHINE) as tx:
            await erase_part(tx, OWNER, "bytes")

    loop.run_until_complete(erase())
    assert _opened(loop, database) is None


def test_opening_takes_no_second_copy(
    loop: asyncio.AbstractEventLoop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A video may be of hundreds of megabytes."""
    monkeypatch.setattr(sealing, "PIECE", 1 << 20)
    data = os.urandom(24 << 20)
    _written(loop, database, data)
    tracemalloc.start()
    try:
        opened = _opened(loop, database)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert opened == data
    assert most < 1.3 * len(data)
