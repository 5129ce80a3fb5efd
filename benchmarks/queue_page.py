"""How long the queue page takes at the server, with many open cases.

``python -m benchmarks.queue_page --cases 10000 --json``. A real embedded PostgreSQL, a real node, real HTTP; the cases
are rows written in bulk (see ``open_cases``). Measured is the time in our own process from the request's arrival to the
last byte of the answer, as the log line gives it: session, queries, template and all, without the network.
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import structlog
from pydantic import SecretStr

from benchmarks.open_cases import write_cases
from tidegate.db import embedded
from tidegate.db.cluster import APPLICATION, OWNER
from tidegate.db.migrate import migrate
from tidegate.db.transaction import Actor, ActorKind, Transaction
from tidegate.jail import Jail
from tidegate.kernel.clock import system_clock
from tidegate.kernel.ids import StaffId
from tidegate.node import Node, open_node
from tidegate.people import sign_in, steps
from tidegate.people.model import ProposalKind, Role
from tidegate.run import DOORS, show_error
from tidegate.settings import Settings
from tidegate.web.serve import listening

#: What is asked for, each this often.
PAGES = {
    "as it opens": "/queue",
    "everything": "/queue?waits=anyone",
    "page 100": "/queue?waits=anyone&page=100",
    "held": "/queue?held=1",
    "by reason, account and language": "/queue?reason=flag&account_class=press&language=de",
    "free": "/queue?claims=free",
    "rows alone": "/queue/rows",
}
TIMES = 50


class Milliseconds:
    """Keeps the times of the log lines of one route."""

    def __init__(self) -> None:
        self.kept: list[float] = []

    def __call__(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's own types
        """Keep one and write nothing."""
        if str(line.get("route", "")).startswith("/queue"):
            assert line["status"] == httpx2.codes.OK, line
            self.kept.append(float(line["milliseconds"]))
        raise structlog.DropEvent


async def reviewer(node: Node) -> tuple[StaffId, str]:
    """Have two administrators give someone the role, and sign them in; give them and their session's token."""
    first = await node.run(Actor(ActorKind.MACHINE), lambda tx: steps.bootstrap(tx, "First"))
    by_first = Actor(ActorKind.STAFF, first)
    second = await node.run(by_first, lambda tx: steps.add_staff(tx, "Second"))
    await node.run(by_first, lambda tx: steps.bootstrap_second(tx, second))
    person = await node.run(by_first, lambda tx: steps.add_staff(tx, "Reviewer"))
    proposal = await node.run(
        by_first, lambda tx: steps.propose(tx, ProposalKind.ROLE_GRANT, staff=person, role=Role.REVIEWER)
    )
    await node.run(Actor(ActorKind.STAFF, second), lambda tx: steps.approve(tx, proposal))

    async def start(tx: Transaction) -> str:
        return (await sign_in.sign_in_with_link(tx, await sign_in.make_link(tx, person))).token

    return person, await node.run(Actor(ActorKind.MACHINE), start)


async def measure(settings: Settings, cases: int) -> dict[str, dict[str, float]]:
    """Fill a node and ask for its queue."""
    assert settings.database_url is not None
    times = Milliseconds()
    structlog.configure(processors=[times])
    unused = Jail(size=1, cache_directory=settings.data_directory)  # nothing is decoded here
    async with open_node(settings, jail=unused) as node, listening(node, DOORS, show_error) as addresses:
        person, token = await reviewer(node)
        write_cases(settings.database_url.get_secret_value(), cases, system_clock(), (person,))
        cookies = {node.session_cookie: token}
        found = {}
        async with httpx2.AsyncClient(base_url=addresses.staff, cookies=cookies, timeout=60, trust_env=False) as client:
            await client.get("/queue", headers={"accept": "text/html"})
            for name, address in PAGES.items():
                times.kept.clear()
                for _ in range(TIMES):
                    await client.get(address, headers={"accept": "text/html"})
                found[name] = {
                    "median_ms": round(statistics.median(times.kept), 1),
                    "p99_ms": round(statistics.quantiles(times.kept, n=100, method="inclusive")[98], 1),
                }
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, embedded.running(Path(folder) / "database", keep=False) as postgres:
        migrate(postgres.owner_url, APPLICATION)
        settings = Settings(
            data_directory=Path(folder) / "node",
            database_url=SecretStr(postgres.app_url),
            database_owner_url=SecretStr(postgres.url(OWNER)),
            public_port=0,
            platform_port=0,
            staff_port=0,
        )
        found = asyncio.run(measure(settings, chosen.cases))
    report = {
        "cases": chosen.cases,
        "requests": TIMES,
        "cases_are": "rows of the views written in bulk, no events behind them",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "pages": found,
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n" if chosen.json else _table(report))
    return 0


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['cases']} open cases ({report['cases_are']}), {report['requests']} requests each:"]
    lines += [f"  {name}: median {at['median_ms']} ms, p99 {at['p99_ms']} ms" for name, at in report["pages"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
