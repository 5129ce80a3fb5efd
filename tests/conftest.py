"""Fixtures: a real PostgreSQL for the session, a fresh migrated database and a running node for a test."""

import asyncio
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


import psycopg
import pytest
from psycopg import sql

from tidegate.content.store import prepare_days
from tidegate.db import embedded
from tidegate.db.migrate import migrate
from tidegate.db.pool import open_pool
from tidegate.db.transaction import TIME, Database
from tidegate.flow import STORY
from tidegate.kernel.keys import Keyring

_NUMBERS = itertools.count()


@dataclass
class ManualClock:
    """A clock that only moves when told to."""

    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Urls:
    """One database, as the application's role and as its owner."""

    app: str
    owner: str


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.EmbeddedPostgres]:
    """One PostgreSQL for the session."""
    directory = tmp_path_factory.mktemp("postgres")
    with embedded.running(directory, keep=False) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: embedded.EmbeddedPostgres) -> str:
    """A migrated database that others are copied from."""
    name = "template_tidegate"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(embedded.OWNER)))
    migrate(postgres.url(embedded.OWNER, name), embedded.APPLICATION)
    return name


@pytest.fixture
def urls(postgres: embedded.EmbeddedPostgres, template: str) -> Iterator[Urls]:
    """A database of this test's own."""
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(embedded.OWNER), sql.Identifier(template)
            )
        )
        yield Urls(postgres.url(embedded.APPLICATION, name), postgres.url(embedded.OWNER, name))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for a test that drives steps itself."""
    made = asyncio.new_event_loop()
    yield made
    made.run_until_complete(made.shutdown_asyncgens())
    made.close()


@pytest.fixture
def database(urls: Urls, keys: Keyring, clock: ManualClock, loop: asyncio.AbstractEventLoop) -> Iterator[Database]:
    """The application's view of a fresh database; run coroutines with the ``loop`` fixture."""

    async def opened() -> AsyncIterator[Database]:
        async with open_pool(urls.app, size=8) as pool:
            made = Database(pool, clock, secrets.token_bytes, keys, STORY)
            async with made.transaction(TIME) as tx:
                await prepare_days(tx, 90)
            yield made

    generator = opened()
    yield loop.run_until_complete(anext(generator))

    async def close() -> None:
        with pytest.raises(StopAsyncIteration):
            await anext(generator)

    loop.run_until_complete(close())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures, where this machine has it."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real pictures (../shared/data) is not on this machine")
    return folder


