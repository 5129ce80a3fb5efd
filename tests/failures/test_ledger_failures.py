"""The public ledger after a full disk, a restored backup, a death in between: never a fork, nothing lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from acts import ask, held
from running import Nodes, Platform, Running
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.embedded import EmbeddedPostgres
from tidegate.db.pool import open_pool
from tidegate.db.transaction import Database
from tidegate.flow import STORY
from tidegate.kernel.errors import IntegrityError, Unavailable
from tidegate.ledger.checkpoint import open_checkpoint
from tidegate.ledger.note import Verifier
from tidegate.ledger.steps import Publisher
from tidegate.ledger.verifier import verify


@pytest.fixture
def running(nodes: Nodes) -> Running:
    return nodes.start()


@pytest.fixture
def platform(running: Running) -> Platform:
    return running.platform()


def folder(running: Running) -> Path:
    return running.node.settings.ledger_directory


def publish(running: Running) -> int:
    return running.loop.run(running.node.publisher.publish())


def restrict(running: Running, platform: Platform, *seeds: int) -> None:
    for seed in seeds:
        held(running, platform, seed, platform_id=f"post-{seed}", uploader=f"user-{seed}")


def rows(running: Running) -> tuple[int, int]:
    """Count what has its place in the log, and what still waits for one."""
    (row,) = ask(
        running,
        "SELECT (SELECT count(*) FROM ledger_entry) AS placed, (SELECT count(*) FROM ledger_pending) AS waiting",
    )
    return row["placed"], row["waiting"]


def shown(running: Running) -> int:
    """Read how many entries the verified public files show."""
    report = verify(str(folder(running)))
    assert report.verified, report.error
    assert report.size is not None
    return report.size


# Files of this process may only be this long: what a full disk does to whoever writes.
_WITH_A_FULL_DISK = """
import asyncio, resource, secrets, sys
from datetime import UTC, datetime
from pathlib import Path
from tidegate.db.pool import open_pool
from tidegate.db.transaction import Database
from tidegate.flow import STORY
from tidegate.kernel.errors import Unavailable
from tidegate.kernel.keys import Keyring
from tidegate.ledger.steps import Publisher

async def main(url, keys, folder, origin):
    async with open_pool(url, size=4) as pool:
        now = datetime(2026, 11, 23, 13, tzinfo=UTC)
        database = Database(pool, lambda: now, secrets.token_bytes, Keyring.open(Path(keys)), STORY)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
        try:
            await Publisher(database, Path(folder), origin).publish()
        except Unavailable as error:
            print("UNAVAILABLE", error.message)

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_full_disk_loses_nothing_and_the_next_publication_catches_up(running: Running, platform: Platform) -> None:
    restrict(running, platform, 1)
    publish(running)
    before = shown(running)
    restrict(running, platform, 2, 3)
    settings = running.node.settings
    assert settings.database_url is not None
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            _WITH_A_FULL_DISK,
            settings.database_url.get_secret_value(),
            str(settings.keys_directory),
            str(folder(running)),
            settings.ledger_origin,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("UNAVAILABLE")
    assert "nothing is lost, and the next publication catches up" in ended.stdout
    assert shown(running) == before, "what was published before stays valid"
    placed, waiting = rows(running)
    assert placed > before
    publish(running)
    assert shown(running) == placed + waiting == rows(running)[0]


def test_a_folder_that_cannot_be_written_is_the_same(running: Running, platform: Platform) -> None:
    """As after a crash between the order of the log and its files: the database is ahead, and that is safe."""
    restrict(running, platform, 1)
    publish(running)
    before = shown(running)
    restrict(running, platform, 2)
    # Root may write anywhere, so a file stands where a folder is needed.
    tiles = folder(running) / "tile"
    aside = folder(running) / "aside"
    tiles.rename(aside)
    tiles.write_text("in the way")
    with pytest.raises((Unavailable, IntegrityError)):
        publish(running)
    tiles.unlink()
    aside.rename(tiles)
    assert shown(running) == before
    assert rows(running)[0] > before
    publish(running)
    assert shown(running) == rows(running)[0]
    assert rows(running)[1] == 0


def test_a_process_that_died_before_its_export_is_caught_up_by_another(
    running: Running, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    restrict(running, platform, 1, 2)

    def die(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("the process ends here")

    publisher = running.node.publisher
    with monkeypatch.context() as patch:
        patch.setattr(publisher._export, "publish", die)
        with pytest.raises(RuntimeError, match="the process ends here"):
            publish(running)
    placed, waiting = rows(running)
    assert placed
    assert waiting == 0
    assert not (folder(running) / "checkpoint").exists()
    fresh = Publisher(running.node.database, folder(running), running.node.settings.ledger_origin)
    assert running.loop.run(fresh.publish()) == placed
    assert shown(running) == placed


@pytest.fixture
def backup(running: Running, platform: Platform, postgres: EmbeddedPostgres) -> Iterator[str]:
    """A copy of the database as it was after the first publication; gives its URL."""
    restrict(running, platform, 1)
    publish(running)
    assert running.node.settings.database_url is not None
    present = psycopg.conninfo.conninfo_to_dict(running.node.settings.database_url.get_secret_value())["dbname"]
    name = f"{present}_backup"
    running.loop.run(running.node.database.pool.close())
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        copied = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        connection.execute(copied.format(sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(str(present))))
        yield postgres.url(APPLICATION, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_restored_backup_signs_nothing(backup: str, nodes: Nodes, running: Running) -> None:
    later = nodes.start()
    platform = later.platform()
    restrict(later, platform, 2, 3)
    publish(later)
    size = shown(later)
    saved = {path: path.read_bytes() for path in folder(later).rglob("*") if path.is_file()}

    async def restored() -> str:
        async with open_pool(backup, size=4) as pool:
            present = running.node.database
            older = Database(pool, present.clock, present.randomness, present.keys, STORY)
            before = await _checkpoint(older)
            publisher = Publisher(older, folder(later), later.node.settings.ledger_origin)
            for _ in range(2):
                with pytest.raises(IntegrityError, match="Nothing is signed") as refusal:
                    await publisher.publish()
                assert "Restore a newer backup" in refusal.value.message
                assert "begin a new log" in refusal.value.message
            assert await _checkpoint(older) == before, "nothing was signed"
            return before

    before = later.loop.run(restored())
    verifier = Verifier.of(later.node.settings.ledger_origin, later.node.database.keys.ledger)
    assert open_checkpoint(before, verifier).size < size
    assert {path: path.read_bytes() for path in folder(later).rglob("*") if path.is_file()} == saved
    restrict(later, platform, 4)
    publish(later)
    assert shown(later) > size, "the true one goes on"


async def _checkpoint(database: Database) -> str:
    async with database.pool.connection() as connection:
        row = await (await connection.execute("SELECT checkpoint FROM ledger_head")).fetchone()
    assert row is not None
    found: str = row["checkpoint"]
    return found


def test_a_lost_export_is_made_again_whole(running: Running, platform: Platform) -> None:
    restrict(running, platform, 1, 2)
    publish(running)
    size = shown(running)
    shutil.rmtree(folder(running))
    fresh = Publisher(running.node.database, folder(running), running.node.settings.ledger_origin)
    running.loop.run(fresh.publish())
    assert shown(running) == size


def test_another_ledger_key_does_not_take_over_the_log(running: Running, platform: Platform, nodes: Nodes) -> None:
    restrict(running, platform, 1)
    publish(running)
    (running.node.settings.keys_directory / "ledger.key").write_bytes(bytes(range(32)))
    other = nodes.start()
    with pytest.raises(IntegrityError, match="restore the key"):
        publish(other)
    ready = other.client(other.addresses.platform).get("/health/ready").json()
    assert "restore the key" in ready["parts"]["ledger"]
