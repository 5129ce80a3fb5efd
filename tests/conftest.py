"""Fixtures: a real PostgreSQL for the session, a fresh migrated database and a running node for a test."""

import asyncio
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import hypothesis
import psycopg
import pytest
import uvicorn.server
from psycopg import sql
from pydantic import SecretStr

import forgetful
from floor.story import reviewers
from running import Browser, Hasty, Loop, ManualClock, Nodes, Platform, Running, Urls
from tidegate.compiling import compiled
from tidegate.content.store import prepare_days
from tidegate.db import embedded
from tidegate.db import migrate as migrate_module
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.migrate import migrate
from tidegate.db.pool import open_pool
from tidegate.db.transaction import TIME, Database
from tidegate.fingerprint.compiled import keep_compiled
from tidegate.fingerprint.video.jail import VideoJail
from tidegate.flow import STORY
from tidegate.jail import Jail
from tidegate.kernel.keys import Keyring
from tidegate.settings import Settings

_NUMBERS = itertools.count()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.EmbeddedPostgres]:
    """One PostgreSQL for the session, or one that was started for several sessions."""
    kept = os.environ.get("POSTGRES_FOR_TESTS")
    if kept:
        yield embedded.attach(Path(kept))
        return
    with forgetful.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: embedded.EmbeddedPostgres) -> str:
    """A migrated database that others are copied from: made by whichever session of a server comes first."""
    migrations = sorted((Path(migrate_module.__file__).parent / "migrations").glob("*.sql"))
    name = f"template_{sha256(b''.join(path.read_bytes() for path in migrations)).hexdigest()[:16]}"
    passing = f"{name}_{os.getpid()}"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            made = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(made.format(sql.Identifier(passing), sql.Identifier(OWNER)))
            migrate(postgres.url(OWNER, passing), APPLICATION)
            renamed = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(renamed.format(sql.Identifier(passing), sql.Identifier(name)))
    return name


@pytest.fixture
def urls(postgres: embedded.EmbeddedPostgres, template: str) -> Iterator[Urls]:
    """A database of this test's own."""
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        )
        yield Urls(postgres.url(APPLICATION, name), postgres.url(OWNER, name))
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


@pytest.fixture(scope="session")
def serving() -> Iterator[Loop]:
    """The loop all nodes of the session run on."""
    loop = Loop()
    # A server looks every tenth of a second whether it should end, and waits another one for what is under way.
    with patch.object(uvicorn.server, "asyncio", Hasty()):
        yield loop
    loop.close()


# How long an example takes says how busy the machine is, and whether something had to be compiled first.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of compiled kernels for the session, or for several: compiling takes seconds.

    All are compiled before the first test, so that no time limit is ever spent on it.
    """
    kept = os.environ.get("KERNELS_FOR_TESTS")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("kernels")
    compiled(folder, print)
    keep_compiled(folder)
    return folder


@pytest.fixture(scope="session")
def jail(serving: Loop, kernels: Path) -> Iterator[Jail]:
    """One jail for the session."""
    made = Jail(size=2, cache_directory=kernels)
    serving.run(made.start())
    yield made
    serving.run(made.stop())


@pytest.fixture(scope="session")
def videos(serving: Loop, kernels: Path) -> Iterator[VideoJail]:
    """One jail for the videos of the session; it starts when the first test needs it."""
    made = VideoJail(kernels)
    yield made
    serving.run(made.close())


@pytest.fixture
def nodes(
    serving: Loop, jail: Jail, videos: VideoJail, urls: Urls, tmp_path: Path, clock: ManualClock
) -> Iterator[Nodes]:
    """Nodes on this test's database."""
    settings = Settings(
        data_directory=tmp_path / "node",
        database_url=SecretStr(urls.app),
        database_owner_url=SecretStr(urls.owner),
        database_connections=8,
        public_port=0,
        platform_port=0,
        staff_port=0,
        undo_seconds=10,
        unchecked_share=1.0,
    )
    made = Nodes(serving, jail, settings, clock, videos)
    yield made
    made.stop_all()


@pytest.fixture
def node(nodes: Nodes) -> Running:
    """One running node."""
    return nodes.start()


@pytest.fixture
def platform(node: Running) -> Platform:
    """One platform of that node."""
    return node.platform()


@pytest.fixture
def two(node: Running) -> list[Browser]:
    """Two reviewers of that node."""
    return reviewers(node)
