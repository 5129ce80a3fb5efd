"""What it costs to hold the same known picture again and again, in one case that grows.

``python -m benchmarks.known_again --uploads 5000 --json``. ``tidegate serve`` with its embedded PostgreSQL; one picture
whose exact bytes are known, uploaded by as many accounts, so that each upload is held, told, instructed and joins the
same case. Reported is the time of an upload while the case is small and while it is large; at the end every view is
rebuilt from the events and compared.

What it leaves out: a platform that takes the instructions, and people who look.
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import SecretStr

from benchmarks.load import Client, Request, heads, picture
from benchmarks.served_node import ServedNode, print_report, served
from tidegate.commands.records import at_the_machine, rebuild_views
from tidegate.db.transaction import MACHINE, Database
from tidegate.kernel.ids import DecisionId
from tidegate.people.model import DEFAULT_SCOPES
from tidegate.settings import Settings
from tidegate.signal import steps as signals
from tidegate.signal.model import FingerprintKind, Label, Provenance


def make_known(settings: Settings, data: bytes) -> None:
    """Have these bytes known."""

    async def act(database: Database) -> None:
        async with database.transaction(MACHINE) as tx:
            value = hashlib.sha256(data).digest()
            signal = await signals.add(tx, FingerprintKind.SHA256, value, (Label.INCITES,), Provenance.OWN)
            await signals.confirm(tx, signal, (Label.INCITES,), tx.new(DecisionId))

    asyncio.run(at_the_machine(settings, act))


def again(key: str, data: bytes) -> Iterator[Request]:
    """Upload the same bytes for one account after the other."""
    for head in heads("/v1/content", key, len(data), record=True, accounts=10**9):
        yield head, data, b""


async def upload(node: ServedNode, requests: Iterator[Request], count: int) -> tuple[list[float], float]:
    """Upload from eight connections; give the seconds each took, and those of all."""
    client = Client(node.platform_port, requests, lambda body: b'"verdict":"hold"' in body)
    seconds: list[float] = []
    began = time.perf_counter()

    async def one() -> None:
        connection = await client.connect()
        while len(seconds) < count:
            sent = time.perf_counter()
            status, body = await connection.ask(next(requests))
            assert status == 200, body
            assert client.expected(body), body
            seconds.append(time.perf_counter() - sent)
        connection.close()

    await asyncio.gather(*(one() for _ in range(8)))
    return seconds, time.perf_counter() - began


def measure(node: ServedNode, uploads: int) -> dict[str, Any]:
    """Upload in parts, and rebuild."""
    settings = Settings(
        data_directory=node.folder,
        database_url=SecretStr(node.database_url),
        database_owner_url=SecretStr(node.owner_url),
    )
    data = picture(1, size=30_000)
    make_known(settings, data)
    requests = again(node.key(DEFAULT_SCOPES), data)
    parts = []
    for number in range(10):
        seconds, took = asyncio.run(upload(node, requests, uploads // 10))
        parts.append(
            {
                "in_case_before": number * (uploads // 10),
                "median_ms": round(statistics.median(seconds) * 1000, 1),
                "per_second": round(len(seconds) / took, 1),
            }
        )
    began = time.perf_counter()
    differing = {view: count for view, count in asyncio.run(rebuild_views(settings)).items() if count}
    return {
        "parts": parts,
        "last_to_first": round(parts[-1]["median_ms"] / parts[0]["median_ms"], 2),
        "rebuild_seconds": round(time.perf_counter() - began, 1),
        "rows_that_differ_after_rebuilding": differing,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="print JSON alone (the only form there is)")
    chosen = parser.parse_args(arguments)
    with served(no_worker=True) as node:
        found = measure(node, chosen.uploads)
    print_report(
        {
            "uploads": chosen.uploads,
        },
        found,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
