"""A fresh, migrated database for each test of people, on the embedded PostgreSQL; a clock set by hand."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tidegate.db import migrate as migrate_module
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.embedded import EmbeddedPostgres, running
from tidegate.db.pool import open_pool
from tidegate.db.transaction import Database, Story
from tidegate.kernel.keys import Keyring
from tidegate.people import store

_NUMBERS = count(1)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with running(tmp_path_factory.mktemp("node")) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    with pytest.MonkeyPatch.context() as patch:
        # Until every stage's tables are there: those that people builds on, and its own.
        needed = [found for found in migrate_module.migrations() if found[0] < "0004"]
        patch.setattr(migrate_module, "migrations", lambda: needed)
        patch.setattr(migrate_module, "APPEND_ONLY", ("event", "exposure"))
        migrate_module.migrate(postgres.owner_url, APPLICATION)
    return psycopg.conninfo.conninfo_to_dict(postgres.owner_url)["dbname"]  # type: ignore[return-value]


@pytest.fixture
async def database(
    postgres: EmbeddedPostgres, template: str, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[Database]:
    name = f"people_{next(_NUMBERS)}"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE {name} TEMPLATE "{template}" OWNER "{OWNER}"')
    async with open_pool(postgres.url(APPLICATION, name), size=8) as pool:
        yield Database(
            pool=pool,
            clock=clock,
            randomness=os.urandom,
            keys=Keyring.open(tmp_path / "keys"),
            story=Story(projections={kind: (projection,) for kind, projection in store.PROJECTIONS.items()}),
        )
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
