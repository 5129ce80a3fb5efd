"""How long after its confirmation a new signal has found what was uploaded before it, among millions of uploads.

``python -m benchmarks.look_back --uploads 10000000 --json``. ``tidegate serve`` with its embedded PostgreSQL; a few
uploads are real, over HTTP, all others rows written in bulk over the days that are kept. The worker writes its files
from them; then signals are confirmed that are near to the real uploads, and measured is the time from each
confirmation's commit until the verdict on the upload it concerns is committed: job, search, judging and all. Once with
the files pushed out of memory, then with them in memory.

What it leaves out: how the platform hears of it, disks slower than this machine's, and pictures whose turns have so
little in common that one sketch does not stand for all eight (one of a hundred real ones has two or more).
"""

import argparse
import asyncio
import functools
import os
import statistics
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from pydantic import SecretStr

from benchmarks.load import Client, picture, requests
from benchmarks.memory import push_out_of_memory
from benchmarks.served_node import ServedNode, print_report, served
from tidegate.commands.records import at_the_machine
from tidegate.db.transaction import MACHINE, Database
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq_kernels import WAVES, dihedral_bits
from tidegate.fingerprint.turned import turned
from tidegate.kernel.ids import DecisionId
from tidegate.match.past.folder import PastFolder
from tidegate.match.past.uploads import warm
from tidegate.people.model import DEFAULT_SCOPES
from tidegate.settings import Settings
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label, Provenance
from tidegate.signal.store import POSITION_LOCK

BAR_SECONDS = 1.0
_VALUES = 8
_DAYS = 60
_PAGE = 100_000
_EPOCH = date(2000, 1, 1)
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)

#: A row of ``clear_upload`` as PostgreSQL's binary COPY has it: a count of columns, then each with its length.
_COLUMNS: dict[str, tuple[str, int]] = {
    "day": (">i4", 4), "id": ("S16", 16), "revision": (">i4", 4), "at": (">i8", 8), "lookup": ("S32", 32),
    "service": ("S16", 16), "kind": ("S7", 7), "surface": ("S6", 6), "account_class": ("S8", 8), "reach": (">i8", 8),
    "sha256": ("S32", 32), "pdq": (f"S{32 * _VALUES}", 32 * _VALUES), "quality": (">i4", 4), "position": (">i8", 8),
    "sealed": ("S200", 200),
}  # fmt: skip


def rows(count: int, day: date, seed: int) -> bytes:
    """Make rows of one day, ready to be copied in."""
    chance = np.random.default_rng(seed)
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for name, (kind, _) in _COLUMNS.items():
        fields += [(f"{name}_length", ">i4"), (name, kind.replace("S", "V"))]
    made = np.zeros(count, dtype=fields)
    made["columns"] = len(_COLUMNS)
    for name, (_, length) in _COLUMNS.items():
        made[f"{name}_length"] = length
    for name in ("id", "lookup", "sha256", "sealed"):
        length = _COLUMNS[name][1]
        made[name] = np.frombuffer(chance.bytes(length * count), dtype=f"V{length}")
    made["pdq"] = looks(count, chance).view(f"V{32 * _VALUES}")[:, 0]
    made["day"] = (day - _EPOCH).days
    made["at"] = (day - _EPOCH).days * 86_400_000_000
    made["revision"], made["reach"], made["quality"], made["position"] = 1, 10, 100, 0
    for name, text in (("kind", b"picture"), ("surface", b"public"), ("account_class", b"ordinary")):
        made[name] = np.frombuffer(text, dtype=f"V{len(text)}")[0]
    return made.tobytes()


@functools.cache
def made_looks() -> NDArray[np.uint8]:
    """Give the values of pictures made of random waves and of all their turns: (a page, 256)."""
    chance = np.random.default_rng(0)
    waves = chance.standard_normal((_PAGE, WAVES, WAVES)).astype(np.float32)
    return np.stack([np.packbits(dihedral_bits(each)[0]) for each in waves])


def looks(count: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Give other such values: some bits of all pictures of one page are turned, and with them those of their turns."""
    nothing = np.zeros((1, 32), np.uint8)
    mask = np.frombuffer(chance.bytes(32), np.uint8).reshape(1, 32)
    masks = np.concatenate([turned(mask, rotation) ^ turned(nothing, rotation) for rotation in Rotation], axis=1)
    return np.ascontiguousarray(made_looks()[:count] ^ masks)


def pages(count: int, today: date) -> Iterator[tuple[date, int]]:
    """Spread uploads over the days that are kept, oldest first."""
    for back in range(_DAYS - 1, -1, -1):
        rest = count * (_DAYS - back) // _DAYS - count * (_DAYS - back - 1) // _DAYS
        while rest > 0:
            yield today - timedelta(days=back), min(rest, _PAGE)
            rest -= _PAGE


def write_uploads(url: str, count: int) -> None:
    """Write rows of clear uploads into a node's database."""
    today = datetime.now(UTC).date()
    with psycopg.connect(url) as connection:
        for back in range(_DAYS):
            day = today - timedelta(days=back)
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS clear_upload_{day:%Y%m%d} PARTITION OF clear_upload "
                f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')".encode()
            )
    with psycopg.connect(url) as connection:
        # As every verdict does: whoever asks up to which number all are written waits for us.
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (POSITION_LOCK,))
        for seed, (day, rows_) in enumerate(pages(count, today)):
            statement = f"COPY clear_upload ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
            with connection.cursor().copy(statement.encode()) as copy:
                copy.write(_HEAD + rows(rows_, day, seed) + struct.pack(">h", -1))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE clear_upload")


async def real_uploads(node: ServedNode, key: str, count: int) -> None:
    """Upload pictures as a platform does."""
    made = [picture(seed, size=30_000) for seed in range(1000, 1000 + count)]
    client = Client(node.platform_port, requests("/v1/content", key, made, record=True), lambda _: True)
    connection = await client.connect()
    for _ in range(count):
        status, body = await connection.ask(next(client.requests))
        assert status == 200, body
    connection.close()


def near(value: bytes, bits: int = 20) -> bytes:
    """Turn some bits of a value."""
    return (int.from_bytes(value) ^ ((1 << bits) - 1) << 100).to_bytes(32)


def confirm(settings: Settings, value: bytes) -> None:
    """Have a signal confirmed."""

    async def act(database: Database) -> None:
        async with database.transaction(MACHINE) as tx:
            signal = await signals.add(tx, FingerprintKind.PDQ, value, (Label.INCITES,), Provenance.OWN)
            await signals.confirm(tx, signal, (Label.INCITES,), tx.new(DecisionId))

    asyncio.run(at_the_machine(settings, act))


def seconds_until_found(node: ServedNode, settings: Settings, content: UUID, value: bytes) -> float:
    """Confirm a signal near an upload; give the seconds until its verdict is there."""
    with psycopg.connect(node.database_url, autocommit=True) as connection:
        confirm(settings, near(value))
        began = time.perf_counter()
        while time.perf_counter() - began < 60:
            if connection.execute("SELECT 1 FROM verdict WHERE content = %s", (content,)).fetchone():
                return time.perf_counter() - began
            time.sleep(0.002)
    raise SystemExit("The upload was not found within a minute.")


def until_filed(folder: Path, uploads: int) -> float:
    """Wait until the worker has written files from all uploads; give the seconds it took."""
    began = time.perf_counter()
    while sum(stretch.uploads for stretch in PastFolder(folder).manifest().stretches) < uploads:
        time.sleep(0.2)
    return time.perf_counter() - began


def scan_seconds(folder: Path) -> float:
    """Give the seconds of a search in the files alone, in memory."""
    kept = PastFolder(folder).open()
    warm()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        kept.search(os.urandom(32))
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def measure(node: ServedNode, uploads: int, trials: int) -> dict[str, Any]:
    """Fill a node and confirm signals."""
    settings = Settings(data_directory=node.folder, database_url=SecretStr(node.database_url))
    asyncio.run(real_uploads(node, node.key(DEFAULT_SCOPES), trials + 1))
    with psycopg.connect(node.database_url) as connection:
        real = connection.execute("SELECT id, substr(pdq, 1, 32) FROM clear_upload ORDER BY number").fetchall()
    began = time.perf_counter()
    write_uploads(node.owner_url, uploads)
    written = time.perf_counter() - began
    folder = node.folder / "past"
    filed = until_filed(folder, uploads + trials + 1)
    push_out_of_memory(folder)
    cold = seconds_until_found(node, settings, *real[-1])
    found = [seconds_until_found(node, settings, *each) for each in real[:trials]]
    return {
        "seconds_until_found": {
            "median": round(statistics.median(found), 3),
            "longest": round(max(found), 3),
            "files_not_in_memory": round(cold, 3),
        },
        "bar_seconds": BAR_SECONDS,
        "bar_met": max(*found, cold) <= BAR_SECONDS,
        "search_in_files_alone_seconds": round(scan_seconds(folder), 4),
        "sketches_an_upload": round(
            sum(stretch.middles for stretch in PastFolder(folder).manifest().stretches) / (uploads + trials), 3
        ),
        "writing_rows_took_seconds": round(written, 1),
        "files_written_by_the_worker_within_seconds": round(filed, 1),
        "bytes_on_disk_each": round(sum(path.stat().st_size for path in folder.glob("*.npy")) / (uploads + trials), 1),
        "memory": node.memory(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=1_000_000)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON alone (the only form there is)")
    chosen = parser.parse_args(arguments)
    with served() as node:
        found = measure(node, chosen.uploads, chosen.trials)
    print_report(
        {
            "uploads": chosen.uploads,
            "uploads_are": (
                f"rows written in bulk over {_DAYS} days, the values of pictures of random waves and their turns; "
                "and a few real ones"
            ),
        },
        found,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
