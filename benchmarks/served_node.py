"""A whole node as an operator runs it: ``tidegate serve`` in processes of its own, on a fresh embedded database.

Signals and uploads come as rows written in bulk, with the positions they would have: no event stands behind them and
nothing was decoded. That is said in every report made with them.
"""

import asyncio
import json
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from pydantic import SecretStr

from tidegate.commands.records import at_the_machine
from tidegate.db import embedded
from tidegate.db.transaction import MACHINE, Database
from tidegate.kernel.ids import SignalId
from tidegate.people import steps
from tidegate.people.model import Scope
from tidegate.settings import Settings

_STARTED_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class ServedNode:
    """A node that answers, and how to reach it and its database."""

    folder: Path
    process: subprocess.Popen[bytes]
    platform_port: int
    database_url: str
    owner_url: str

    def key(self, scopes: frozenset[Scope]) -> str:
        """Make an API key of a platform of its own."""
        settings = Settings(data_directory=self.folder, database_url=SecretStr(self.database_url))

        async def make(database: Database) -> str:
            async with database.transaction(MACHINE) as tx:
                service = await steps.add_service(tx, "A platform", None)
                _, text = await steps.issue_key(
                    tx, service, label="load", life=timedelta(days=1), scopes=scopes, match_allowed=True
                )
                return text

        return asyncio.run(at_the_machine(settings, make))

    def pids(self) -> list[int]:
        """Find all processes of the node."""
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def memory(self) -> dict[str, float]:
        """Sum up what its processes have in memory, in MiB; what several share counts once in ``pss``."""
        sums = {"rss_mib": 0.0, "pss_mib": 0.0}
        for pid in self.pids():
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    for name in ("Rss", "Pss"):
                        if line.startswith(f"{name}:"):
                            sums[f"{name.lower()}_mib"] += int(line.split()[1]) / 1024
        return {name: round(value, 1) for name, value in sums.items()}

    def ready(self) -> bool:
        """Ask whether uploads can be checked."""
        with suppress(OSError):
            address = f"http://127.0.0.1:{self.platform_port}/health/ready"
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(json.load(answer)["ready"])
        return False


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in opened]
    for each in opened:
        each.close()
    return ports


@contextmanager
def served(*, no_worker: bool = False, **settings: object) -> Iterator[ServedNode]:
    """Run ``tidegate serve`` while the block runs, and remove its data afterwards."""
    public, api, staff = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="tidegate-load-") as name:
        folder = Path(name) / "node"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TIDEGATE_")} | {
            f"TIDEGATE_{key.upper()}": str(value)
            for key, value in {
                "data_directory": folder,
                "public_port": public,
                "platform_port": api,
                "staff_port": staff,
                "match_without_record": True,
                "match_per_minute": 100_000,
                "requests_per_minute": 10_000_000,
                "log_level": "warning",
                **settings,
            }.items()
        }
        with (Path(name) / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tidegate", "serve", *(["--no-worker"] if no_worker else [])],
                env=environment,
                stdout=output,
                stderr=output,
            )
            try:
                deadline = time.monotonic() + _STARTED_WITHIN
                node = ServedNode(folder, process, api, "", "")
                while not node.ready():
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit((Path(name) / "output").read_text())
                    time.sleep(0.1)
                postgres = embedded.attach(folder)
                yield ServedNode(folder, process, api, postgres.app_url, postgres.owner_url)
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                # As root the database is not in this folder: it would stay.
                embedded.forget(folder)


def write_signals(url: str, count: int, *, seed: int = 1) -> None:
    """Write this many confirmed look-alike signals with random values into a node's database, and their positions."""
    now = datetime.now(UTC)
    values = np.random.default_rng(seed).bytes(32 * count)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT position FROM counter WHERE name = 'signal' FOR UPDATE").fetchone()
        assert row is not None
        first = int(row[0]) + 1
        columns = "id, number, kind, value, labels, provenance, standing, own_people, members, disputed, position"
        with connection.cursor().copy(f"COPY signal ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["uuid", "int8", "text", "bytea", "text[]", "text", "text", "bool", "int4", "bool", "int8"])
            for number in range(count):
                value, place = values[32 * number : 32 * number + 32], first + number
                standing = ["incites"], "own", "confirmed", True, 0, False
                copy.write_row((_id(now), place, "pdq", value, *standing, place))
        connection.execute("UPDATE counter SET position = %s WHERE name = 'signal'", (first + count - 1,))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE signal")


def _id(now: datetime) -> UUID:
    return SignalId.new(now, secrets.token_bytes).value


def print_report(asked: dict[str, Any], found: dict[str, Any]) -> None:
    """Print what was asked for, on which machine, and what was found, as JSON."""
    machine = {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    sys.stdout.write(json.dumps(asked | machine | found, indent=2) + "\n")
