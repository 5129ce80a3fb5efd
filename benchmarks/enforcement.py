"""How soon a signal that people confirm or withdraw is enforced by another process, among millions of signals.

``python -m benchmarks.enforcement --signals 10000000 --json``. ``tidegate serve`` with its embedded PostgreSQL, signals
as rows written in bulk. First the worker builds the index from the rows: the same as building it anew after damage.
Then a process of this benchmark's confirms a signal near a picture, and withdraws it again, while the web process is
asked about that picture over HTTP again and again: measured is the time from each commit to the end of the first answer
that knows. A third process follows the signals by itself, as a second web process would, and is measured beside it.

What it leaves out: more machines, and disks slower than this one's.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from benchmarks.load import Client, Request, picture, requests
from benchmarks.look_back import near, real_uploads
from benchmarks.served_node import ServedNode, print_report, served, write_signals
from tidegate.commands.records import at_the_machine
from tidegate.content.model import Fingerprints, Look
from tidegate.db.transaction import MACHINE, Database
from tidegate.kernel.ids import DecisionId, SignalId
from tidegate.match.following import Follower
from tidegate.match.index import Index
from tidegate.match.values import manifest as manifests
from tidegate.match.values.files import Folder
from tidegate.people.model import DEFAULT_SCOPES, Scope
from tidegate.settings import Settings
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label, Provenance

BAR_SECONDS = 1.0
WITHIN_SECONDS = 600.0


def until_built(folder: Path, position: int) -> float:
    """Wait until the index on disk reaches a position; give the seconds it took."""
    began = time.perf_counter()
    while time.perf_counter() - began < WITHIN_SECONDS:
        manifest = manifests.read(Folder(folder))
        if manifest is not None and manifest.position >= position and not manifest.damaged:
            return time.perf_counter() - began
        time.sleep(0.05)
    raise SystemExit("The index was not built in time.")


class Elsewhere:
    """A process that follows the signals by itself: this one, with an index of its own."""

    def __init__(self, database: Database, folder: Path, value: bytes) -> None:
        self._index = Index(folder)
        self._follower = Follower(database, self._index)
        self._asked = Fingerprints(sha256=secrets.token_bytes(32), looks=(Look(pdq=(value,), quality=100),))

    async def knows(self) -> bool:
        """Catch up and search."""
        await self._follower.catch_up()
        return bool(self._index.search(self._asked)[0])


async def seconds_until(client: Client, asked: Request, elsewhere: Elsewhere, *, known: bool) -> tuple[float, float]:
    """Ask the web process, and the process elsewhere, until each says what is so now."""

    async def web() -> float:
        connection = await client.connect()
        while True:
            status, body = await connection.ask(asked)
            assert status == 200, body
            told = json.loads(body)
            assert told["unchecked"] is None, told
            if bool(told["matches"]) is known:
                connection.close()
                return time.perf_counter()

    async def other() -> float:
        while await elsewhere.knows() is not known:  # noqa: ASYNC110 -- another process sets no event
            await asyncio.sleep(0)
        return time.perf_counter()

    began = time.perf_counter()
    answered, found = await asyncio.gather(web(), other())
    return answered - began, found - began


async def change(node: ServedNode, database: Database, key: str, trials: Sequence[tuple[bytes, bytes]]) -> list[Any]:
    """Confirm and withdraw a signal near each picture."""
    told = []
    for data, value in trials:
        asked = next(requests("/v1/match", key, [data], record=False))
        client, elsewhere = (
            Client(node.platform_port, iter(()), lambda _: True),
            Elsewhere(database, index_of(node), value),
        )
        await elsewhere.knows()
        async with database.transaction(MACHINE) as tx:
            signal = await signals.add(tx, FingerprintKind.PDQ, near(value), (Label.INCITES,), Provenance.OWN)
            await signals.confirm(tx, signal, (Label.INCITES,), tx.new(DecisionId))
        confirmed = await seconds_until(client, asked, elsewhere, known=True)
        await take_back(database, signal)
        withdrawn = await seconds_until(client, asked, elsewhere, known=False)
        told.append((*confirmed, *withdrawn))
    return told


async def take_back(database: Database, signal: SignalId) -> None:
    """Withdraw a signal."""
    async with database.transaction(MACHINE) as tx:
        await signals.withdraw(tx, [signal], tx.new(DecisionId))


def index_of(node: ServedNode) -> Path:
    """Name the folder of the index."""
    return Settings(data_directory=node.folder, database_url=SecretStr(node.database_url)).index_directory


def measure(node: ServedNode, count: int, trials: int) -> dict[str, Any]:
    """Fill a node, and change signals."""
    settings = Settings(data_directory=node.folder, database_url=SecretStr(node.database_url))
    asyncio.run(real_uploads(node, node.key(DEFAULT_SCOPES), trials))
    key = node.key(frozenset({Scope.MATCH}))
    with psycopg.connect(node.database_url) as connection:
        rows = connection.execute("SELECT substr(pdq, 1, 32) FROM clear_upload ORDER BY number").fetchall()
    pictures = [picture(seed, size=30_000) for seed in range(1000, 1000 + trials)]
    began = time.perf_counter()
    write_signals(node.owner_url, count)
    written = time.perf_counter() - began
    built = until_built(index_of(node), count)
    manifest = manifests.read(Folder(index_of(node)))
    assert manifest is not None
    told: list[Any] = []

    async def act(database: Database) -> None:
        looks = [(data, bytes(value)) for data, (value,) in zip(pictures, rows, strict=True)]
        told.extend(await change(node, database, key, looks))

    asyncio.run(at_the_machine(settings, act))
    names = ("confirmed_web", "confirmed_elsewhere", "withdrawn_web", "withdrawn_elsewhere")
    seconds = {
        name: {"median": round(statistics.median(each), 4), "longest": round(max(each), 4)}
        for name, each in zip(names, zip(*told, strict=True), strict=True)
    }
    return {
        "seconds_from_commit_to_enforced": seconds,
        "bar_seconds": BAR_SECONDS,
        "bar_met": max(each["longest"] for each in seconds.values()) <= BAR_SECONDS,
        "writing_rows_took_seconds": round(written, 1),
        "index_built_from_postgresql_within_seconds": round(built, 1),
        "of_that_building_files_seconds": round(manifest.seconds, 1),
        "memory": node.memory(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=1_000_000)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print JSON alone (the only form there is)")
    chosen = parser.parse_args(arguments)
    with served() as node:
        found = measure(node, chosen.signals, chosen.trials)
    print_report(
        {
            "signals": chosen.signals,
            "signals_are": "rows of the view written in bulk, no events behind them",
        },
        found,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
