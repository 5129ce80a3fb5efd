"""Two real processes on one folder: what one is told the other enforces, and a builder that is killed harms nobody."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from running import Urls
from sharing import Process, add, asking, some, withdraw
from tidegate.db.transaction import MACHINE, Database
from tidegate.match.command import as_text, build, sound, status
from tidegate.match.upkeep import Upkeep, verify
from tidegate.match.values import hamming
from tidegate.match.values.files import Folder

#: The issue's bar, at ten million entries; here there are few, and a machine that does other things too.
ENFORCED_WITHIN = 1.0


@pytest.fixture(autouse=True)
def tables_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tables even for a few entries."""
    monkeypatch.setattr(hamming, "SCANNED", 8)


@contextmanager
def another(urls: Urls, tmp_path: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    program = Path(__file__).with_name("following_process.py")
    process = subprocess.Popen(
        [sys.executable, program, urls.app, tmp_path / "keys", tmp_path / "index", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        while process.stdout.readline() != "ready\n":  # a line of the log may come first
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(process: subprocess.Popen[str], value: bytes) -> list[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(value.hex() + "\n")
    process.stdin.flush()
    return process.stdout.readline().split()


def test_what_changes_in_one_process_another_enforces_at_once(
    urls: Urls, database: Database, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    path, values = tmp_path / "index", some(60)
    keeper = Upkeep(database, Folder(path), build_from=1)
    ids = loop.run_until_complete(database.run(MACHINE, lambda tx: add(tx, values)))
    loop.run_until_complete(keeper.once())
    with another(urls, tmp_path, "answer") as process:
        assert ask(process, values[0][1]) == [str(ids[0])]
        for turn in range(4):
            more = some(3)
            new = loop.run_until_complete(database.run(MACHINE, lambda tx, more=more: add(tx, more)))  # type: ignore[misc]
            began = time.monotonic()
            assert ask(process, more[0][1]) == [str(new[0])]
            loop.run_until_complete(database.run(MACHINE, lambda tx, turn=turn: withdraw(tx, ids[turn])))  # type: ignore[misc]
            assert ask(process, values[turn][1]) == []
            assert time.monotonic() - began < ENFORCED_WITHIN
            loop.run_until_complete(keeper.once())
            assert ask(process, more[0][1]) == [str(new[0])]
            assert ask(process, values[turn][1]) == []


def test_a_builder_killed_at_any_moment_leaves_an_index_that_is_whole(
    urls: Urls, database: Database, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    path, chance = tmp_path / "index", random.Random(1)
    everything, ids, process = [], [], Process(database, path)
    for _ in range(4):
        with another(urls, tmp_path, "build"):
            until = time.monotonic() + chance.uniform(0.05, 0.5)
            while time.monotonic() < until:
                values = some(6)
                everything += values
                ids += loop.run_until_complete(database.run(MACHINE, lambda tx, values=values: add(tx, values)))  # type: ignore[misc]
        verify(path)
        for each in (process, Process(database, path)):
            loop.run_until_complete(each.follower.catch_up())
            for (_, value), signal in zip(everything, ids, strict=True):
                assert {match.signal for match in each.index.search(asking(value))[0]} == {signal}
    # The dead left no lock: the next one builds.
    loop.run_until_complete(database.run(MACHINE, lambda tx: add(tx, some(3))))
    assert loop.run_until_complete(Upkeep(database, Folder(path), build_from=1).once()) is not None


def test_the_status_of_the_index(database: Database, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    path = tmp_path / "index"

    def told(*, verify: bool = False) -> dict[str, object]:
        return loop.run_until_complete(status(database, path, verify=verify))

    assert told()["self_test"] == "no index yet"
    assert sound(told())
    loop.run_until_complete(database.run(MACHINE, lambda tx: add(tx, some(60))))
    assert told()["delta"] == 60
    assert "position 60" in loop.run_until_complete(build(database, path))
    assert loop.run_until_complete(build(database, path)).startswith("Nothing to build")
    loop.run_until_complete(database.run(MACHINE, lambda tx: add(tx, some(2))))
    now = told(verify=True)
    assert (now["position"], now["newest_position"], now["delta"], now["verified"]) == (60, 62, 2, True)
    assert "pdq: 40 entries in 1 segments" in as_text(now)
    file = next(path.glob("pdq-*.rows.npy"))
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    now = told(verify=True)
    assert not sound(now)
    assert now["damaged_file"] == file.name
    assert "tidegate index build" in as_text(now)
