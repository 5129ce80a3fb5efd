"""The report: the published counts as tables, each number recomputed by anyone from the ledger.

May decide: how counts are laid out. It reads the exported files and nothing else, so that it can say nothing they do
not.
"""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.kernel.errors import NotFound
from tidegate.ledger.checkpoint import open_checkpoint
from tidegate.ledger.counts import size_of
from tidegate.ledger.note import Verifier
from tidegate.ledger.tiles import CHECKPOINT, COUNTS, NEXT_COUNTS, directory_reader
from tidegate.node import Node
from tidegate.web.door import Listener, Open, node_of

door = Pages(Listener.PUBLIC)


@door.get("/report", needs=Open.ANYONE)
async def report_page(request: Request) -> Response:
    """Show the counts."""
    node = node_of(request)
    data = await asyncio.to_thread(counts_of, node)
    document: dict[str, Any] | None = None if data is None else json.loads(data)
    rows = document["rows"] if document else []
    return render(
        request,
        "public/report.html",
        document=document,
        address=f"{str(node.settings.public_url).rstrip('/')}/ledger",
        kinds=_sum(rows, "kind"),
        measures=_sum(rows, "kind", "measure"),
        bases=_sum(rows, "kind", "basis"),
        days=_sum(rows, "day", "kind"),
        tallies=_sum([row for row in rows if row["kind"] == "tally"], "tallied"),
    )


@door.get("/report/counts.json", needs=Open.ANYONE)
async def counts_file(request: Request) -> Response:
    """Give the counts as they were published, byte by byte."""
    data = await asyncio.to_thread(counts_of, node_of(request))
    if data is None:
        raise NotFound("Nothing was published yet.")
    return Response(data, media_type="application/json", headers={"cache-control": "no-cache"})


def counts_of(node: Node) -> bytes | None:
    """Read the counts that belong to the present checkpoint; None before the first."""
    directory: Path = node.settings.ledger_directory
    read = directory_reader(directory)
    try:
        shown = open_checkpoint(
            read(CHECKPOINT).decode(), Verifier.of(node.settings.ledger_origin, node.database.keys.ledger)
        )
    except NotFound:
        return None
    for name in (COUNTS, NEXT_COUNTS):
        try:
            data = read(name)
        except NotFound:
            continue
        if size_of(data) == shown.size:
            return data
    return None


def _sum(rows: list[dict[str, Any]], *columns: str) -> list[tuple[tuple[str, ...], int]]:
    totals: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        totals[tuple(str(row[column]) for column in columns)] += int(row["count"])
    return sorted(totals.items())
