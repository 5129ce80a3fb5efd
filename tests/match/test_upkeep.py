"""The index follows the database through files: built, shared, damaged, foreign, built again; never clear meanwhile."""

import asyncio
import hashlib
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acts import picture
from running import Nodes, Running
from sharing import Process, add, asking, some, withdraw
from tidegate.content.model import ContentKind
from tidegate.db.transaction import MACHINE, Database
from tidegate.fingerprint.model import Unchecked
from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.match import following
from tidegate.match.following import Follower
from tidegate.match.index import Index, IndexDown
from tidegate.match.upkeep import Upkeep, verify
from tidegate.match.values import hamming
from tidegate.match.values import manifest as manifests
from tidegate.match.values.files import Damaged, Folder
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label


@pytest.fixture(autouse=True)
def tables_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tables even for a few entries."""
    monkeypatch.setattr(hamming, "SCANNED", 8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index"


def upkeep(database: Database, path: Path) -> Upkeep:
    return Upkeep(database, Folder(path), build_from=1)


def test_processes_share_what_one_built_and_see_each_change_at_once(
    database: Database, path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    async def act() -> None:
        values, keeper = some(60), upkeep(database, path)
        ids = await database.run(MACHINE, lambda tx: add(tx, values))
        first, second = Process(database, path), Process(database, path)
        assert await first.finds(values[0][1]) == {ids[0]}, "before anything was built"
        assert await keeper.once() is not None
        assert await keeper.once() is None, "nothing new"
        for process in (first, second, Process(database, path)):
            for (_, value), signal in zip(values, ids, strict=True):
                assert await process.finds(value) == {signal}
            assert process.index.kept_to == process.index.position == 60
            assert [len(known) for known in process.index.known] == [0, 0], "all of it came from the files"
        await database.run(MACHINE, lambda tx: withdraw(tx, ids[0]))
        more = some(3)
        (new, *_) = await database.run(MACHINE, lambda tx: add(tx, more))
        for _ in range(2):
            for process in (first, second, Process(database, path)):
                assert await process.finds(values[0][1]) == set(), "withdrawn"
                assert await process.finds(more[0][1]) == {new}
                assert await process.finds(values[1][1]) == {ids[1]}
            await keeper.once()
        await database.run(MACHINE, lambda tx: signals.confirm(tx, ids[0], (Label.INCITES,), tx.new(DecisionId)))
        assert await first.finds(values[0][1]) == {ids[0]}, "and confirmed again"

    loop.run_until_complete(act())


def test_many_small_builds_leave_few_segments(database: Database, path: Path, loop: asyncio.AbstractEventLoop) -> None:
    async def act() -> None:
        keeper, everything, ids = upkeep(database, path), [], []
        for _ in range(25):
            values = some(6)
            everything += values
            ids += await database.run(MACHINE, lambda tx, values=values: add(tx, values))  # type: ignore[misc]
            await keeper.once()
        manifest = manifests.read(Folder(path))
        assert manifest is not None
        assert all(len(segments) <= 4 for segments in manifest.segments.values())
        assert _names(path) == {file.name for file in manifest.files}, "what nothing names is removed"
        process = Process(database, path)
        for (_, value), signal in zip(everything, ids, strict=True):
            assert await process.finds(value) == {signal}

    loop.run_until_complete(act())


@pytest.mark.parametrize("what", ["shorter", "missing", "other bytes", "no manifest", "half a manifest"])
def test_a_damaged_file_is_noticed_and_built_again(
    database: Database, path: Path, loop: asyncio.AbstractEventLoop, what: str
) -> None:
    async def act() -> None:
        values, keeper = some(60), upkeep(database, path)
        ids = await database.run(MACHINE, lambda tx: add(tx, values))
        manifest = await keeper.once()
        assert manifest is not None
        _damage(path, manifest, what)
        if what == "no manifest":
            assert verify(path) is None
        else:
            with pytest.raises(Damaged):
                verify(path)
        process = Process(database, path)
        await process.follower.catch_up()
        # Few signals are read from the database at once; the files of damaged ones are not answered from.
        for (_, value), signal in zip(values, ids, strict=True):
            if what != "other bytes":
                assert await process.finds(value) == {signal}
        assert (await upkeep(database, path).once() is not None) or what == "no manifest"
        verify(path)
        process = Process(database, path)
        for (_, value), signal in zip(values, ids, strict=True):
            assert await process.finds(value) == {signal}

    loop.run_until_complete(act())


def _damage(path: Path, manifest: manifests.Manifest, what: str) -> None:
    (segment,) = manifest.segments[FingerprintKind.PDQ]
    file = path / segment.files["following"].name
    if what == "shorter":
        os.truncate(file, file.stat().st_size - 1)
    elif what == "missing":
        file.unlink()
    elif what == "other bytes":
        raw = bytearray(file.read_bytes())
        raw[-200] ^= 1
        file.write_bytes(raw)
    elif what == "no manifest":
        (path / manifests.NAME).unlink()
    else:
        raw = bytearray((path / manifests.NAME).read_bytes())
        (path / manifests.NAME).write_bytes(raw[: len(raw) // 2])


def test_damage_found_in_use_stops_every_process_until_it_is_built_again(
    database: Database, path: Path, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        values = some(60)
        await database.run(MACHINE, lambda tx: add(tx, values))
        manifest = await upkeep(database, path).once()
        assert manifest is not None
        process, other = Process(database, path), Process(database, path)
        read_through = Index.verify
        monkeypatch.setattr(Index, "verify", lambda _: None)  # what reads the files through in the background
        for each in (process, other):
            await each.follower.catch_up()
        _damage(path, manifest, "other bytes")
        read_through(process.index)
        with pytest.raises(IndexDown):
            process.index.search(asking(values[0][1]))
        # With too many signals to read at once, there is nothing to do but wait for the worker.
        monkeypatch.setattr(following, "_MOST_BEHIND", 10)
        with pytest.raises(IndexDown):
            await process.follower.soon()
        keeper = upkeep(database, path)
        monkeypatch.setattr(keeper, "_build", _stopped)
        with pytest.raises(RuntimeError):
            await keeper.once()
        with pytest.raises(IndexDown):
            await other.finds(values[0][1])
        await upkeep(database, path).once()
        for each in (process, other):
            assert len(await each.finds(values[0][1])) == 1

    loop.run_until_complete(act())


def _names(path: Path) -> set[str]:
    return {file.name for file in path.glob("*.npy")}


async def _stopped(*_: Any) -> None:
    raise RuntimeError


def test_a_database_from_a_backup_is_not_searched_with_the_index_of_its_future(
    database: Database, path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    async def act() -> None:
        values = some(30)
        await database.run(MACHINE, lambda tx: add(tx, values))
        manifest = await upkeep(database, path).once()
        assert manifest is not None
        # The same positions, but given to others.
        lost = tuple((SignalId.new(database.clock(), secrets.token_bytes), position) for _, position in manifest.newest)
        manifests.write(Folder(path), replace(manifest, newest=lost))
        process = Process(database, path)
        assert len(await process.finds(values[0][1])) == 1
        assert process.index.kept_to == 0, "read from the database instead"
        again = await upkeep(database, path).once()
        assert again is not None
        assert again.generation > manifest.generation
        assert len(await process.finds(values[0][1])) == 1
        assert process.index.kept_to == 30

    loop.run_until_complete(act())


def test_one_builds_at_a_time(database: Database, path: Path, loop: asyncio.AbstractEventLoop) -> None:
    async def act() -> None:
        await database.run(MACHINE, lambda tx: add(tx, some(30)))
        made = await asyncio.gather(*(upkeep(database, path).once() for _ in range(4)))
        assert len([manifest for manifest in made if manifest is not None]) == 1

    loop.run_until_complete(act())


def test_a_node_whose_index_is_damaged_says_that_it_could_not_check(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = nodes.start()
    platform = node.platform()
    known = picture(7)
    sha256 = hashlib.sha256(known).digest()
    node.do(lambda tx: add(tx, [(FingerprintKind.SHA256, sha256)]))
    monkeypatch.setattr(following, "_MOST_BEHIND", 0)
    node.node.index.damaged = True
    assert platform.verdict(picture(8))["verdict"] == "unchecked"
    assert platform.verdict(picture(9))["reason"] == "engine_down"
    assert platform.verdict(known)["verdict"] == "review", "exact bytes are matched all the same"
    checked = _check(node, b"no picture at all")
    assert checked.unchecked is Unchecked.UNDECODABLE, "there was nothing else to match"
    monkeypatch.undo()
    assert platform.verdict(picture(10))["verdict"] == "clear"


def _check(running: Running, data: bytes) -> Any:
    return running.loop.run(running.node.check(ContentKind.PICTURE, hashlib.sha256(data).digest(), data))


def test_an_upload_does_not_wait_for_an_index_that_takes_long(
    database: Database, path: Path, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        values = some(3)
        await database.run(MACHINE, lambda tx: add(tx, values))
        monkeypatch.setattr(following, "_SOON_SECONDS", 0.05)
        process, goes_on = Process(database, path), asyncio.Event()

        async def slow(_: Follower) -> None:
            await goes_on.wait()

        monkeypatch.setattr(Follower, "_take_up", slow)
        for _ in range(3):
            with pytest.raises(IndexDown):
                await process.finds(values[0][1])
        goes_on.set()
        await process.follower.catch_up()
        assert len(await process.finds(values[0][1])) == 1

    loop.run_until_complete(act())


def test_values_on_disk_are_read_back_as_they_were(
    database: Database, path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    async def act() -> None:
        values = some(12)
        await database.run(MACHINE, lambda tx: add(tx, values))
        await upkeep(database, path).once()
        opened = verify(path)
        assert opened is not None
        for kind in (FingerprintKind.SHA256, FingerprintKind.PDQ):
            (segment,) = opened.segments[kind]
            mine = sorted(value for kind_, value in values if kind_ is kind)
            assert np.array_equal(segment.signals.values, hamming.words(mine))

    loop.run_until_complete(act())
    assert oct(path.stat().st_mode)[-3:] == "700", "nobody else may look in"
