"""How many uploads a second one node checks, how long each waits, and what it does when there are far too many.

``python -m benchmarks.upload --json``. ``tidegate serve`` with its embedded PostgreSQL on two cores, a million signals
(rows written in bulk), JPEG uploads of 110 KB over HTTP from a client on the same two cores. For each route: a closed
loop for the most it answers; an open loop at 70 % of that for latency, counted from when a request was due; an open
loop at five times that, which the node must survive by refusing; and then 70 % again, to see that it recovered.

What it leaves out: TLS, a network, and pictures that match something.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

import uvloop

from benchmarks.load import Client, Measured, picture, requests
from benchmarks.served_node import ServedNode, served, write_signals
from tidegate.people.model import DEFAULT_SCOPES, Scope

BARS = {"/v1/match": 220.0, "/v1/content": 150.0}
SCOPES = {"/v1/match": frozenset({Scope.MATCH}), "/v1/content": DEFAULT_SCOPES}
LONGEST_P99_MS = 50.0
OVERLOAD = 5


def _is_clear(body: bytes) -> bool:
    return b'"verdict":"clear"' in body or b'"unchecked":null' in body


async def measure(
    node: ServedNode, path: str, key: str, pictures: list[bytes], seconds: float, *, words: bool
) -> dict[str, Any]:
    """Take the four measurements of one route."""
    asked = requests(path, key, pictures, record=path == "/v1/content", words=words)
    client = Client(node.platform_port, asked, _is_clear)
    # Index, kernels, connections and prepared statements are there before anything is timed, as on a node that runs.
    while (await client.closed(8, 3)).unlike:
        pass
    most = await client.closed(16, seconds)
    rate = 0.7 * most.statuses[200] / most.took
    even = await client.paced(rate, seconds)
    uneven = await client.paced(rate, seconds, random_arrivals=True)
    memory = node.memory()
    flood = await client.paced(OVERLOAD * rate / 0.7, seconds, most_connections=400, drop=True)
    after = await client.paced(rate, seconds)
    unlike = sum(each.unlike for each in (most, even, uneven, flood, after))
    return {
        "closed_loop": most.report(),
        "at_70_percent": {"sent_per_second": round(rate, 1), **even.report()},
        "at_70_percent_random_arrivals": uneven.report(),
        "at_5_times": {"sent_per_second": round(OVERLOAD * rate / 0.7, 1), **flood.report()},
        "at_70_percent_afterwards": after.report(),
        "memory": memory,
        "answers_not_clear": unlike,
        "bar_per_second": BARS[path],
        "bars_met": {
            "per_second": most.statuses[200] / most.took >= BARS[path],
            "p99": _p99(even) <= LONGEST_P99_MS,
            "shed_and_recovered": _shed(flood) and after.statuses[200] == sum(after.statuses.values()),
        },
    }


def _p99(measured: Measured) -> float:
    found = measured.report()["p99_ms"]
    assert isinstance(found, float)
    return found


def _shed(flood: Measured) -> bool:
    return set(flood.statuses) <= {200, 429, 503} and len(flood.statuses) > 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--route", choices=list(BARS), action="append", help="measure this one only")
    parser.add_argument("--size", type=int, default=110_000, help="bytes of a picture")
    parser.add_argument("--words", action="store_true", help="with a caption and a link beside each that is recorded")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    chosen = parser.parse_args(arguments)
    pictures = [picture(seed, size=chosen.size) for seed in range(40)]
    with served() as node:
        write_signals(node.owner_url, chosen.signals)
        routes = {}
        for path in chosen.route or BARS:
            key = node.key(SCOPES[path])
            routes[path] = uvloop.run(measure(node, path, key, pictures, chosen.seconds, words=chosen.words))
    report = {
        "signals": chosen.signals,
        "signals_are": "rows of the view written in bulk, no events behind them",
        "pictures": f"40 JPEGs of 640 x 480, about {chosen.size} bytes each; every upload has bytes of its own",
        "words_beside": "a caption of 200 letters with an address in it, and a link" if chosen.words else "none",
        "client": "on the same cores",
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "routes": routes,
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n" if chosen.json else _table(report))
    return 0


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['signals']} signals ({report['signals_are']}), {report['cores']} cores, client on them too:"]
    for path, found in report["routes"].items():
        lines.append(f"  {path}: {found['closed_loop']['answered_per_second']}/s, {found['bars_met']}")
        lines += [f"    {name}: {found[name]}" for name in found if name.startswith("at_") or name == "memory"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
