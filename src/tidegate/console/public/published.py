"""What the node has published, as its public pages read it: the exported files and nothing else.

May decide: nothing, and can say nothing the files do not. What is read is kept in memory for as long as the signed
checkpoint stays the same, so that a page costs no more when many read it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

from tidegate.kernel.errors import NotFound, Unavailable
from tidegate.ledger.checkpoint import Checkpoint, open_checkpoint
from tidegate.ledger.counts import size_of
from tidegate.ledger.entry import Leaf, decode
from tidegate.ledger.export import published_at
from tidegate.ledger.note import Verifier
from tidegate.ledger.tiles import (
    CHECKPOINT,
    COUNTS,
    NEXT_COUNTS,
    WIDTH,
    Tile,
    directory_reader,
    read_tile,
    unbundle,
)
from tidegate.node import Node
from tidegate.report import sheet
from tidegate.report.model import Counts, Period, read
from tidegate.report.rules import Summary, summarise

_TRIES = 3
#: Public pages change with each publication and with the reader's language, and may be kept for a moment.
_KEPT = {"cache-control": "public, max-age=30", "vary": "accept-language, cookie"}


@dataclass(frozen=True, slots=True)
class Published:
    """The public ledger at one moment."""

    directory: Path
    #: The signed text that everything else here belongs to.
    signed: str
    checkpoint: Checkpoint
    at: datetime | None

    @property
    def counts_file(self) -> bytes:
        """Give the published counts, byte by byte.

        Raises:
            Unavailable: they are being renamed at this moment, or were deleted.
        """
        return _counts_file(self.directory, self.signed, self.checkpoint.size)

    @property
    def counts(self) -> Counts:
        """Give the published counts."""
        return _counts(self.directory, self.signed, self.checkpoint.size)

    @property
    def sheet(self) -> bytes:
        """Give the published counts as CSV."""
        return _sheet(self.directory, self.signed, self.checkpoint.size)

    def summary(self, period: Period) -> Summary:
        """Add up what lies in a period."""
        return _summary(self.directory, self.signed, self.checkpoint.size, period)

    def entry(self, index: int) -> tuple[Leaf, Tile]:
        """Read one entry, and say which file it is in.

        Raises:
            NotFound: the log does not reach that far.
        """
        if not 0 <= index < self.checkpoint.size:
            raise NotFound("The ledger has no such entry: it is shorter.")
        bundle = index // WIDTH
        return _bundle(self.directory, self.signed, self.checkpoint.size, bundle)[index % WIDTH], self._tile(bundle)

    def newest(self, most: int) -> list[tuple[int, Leaf]]:
        """Read the newest entries, the newest first."""
        size = self.checkpoint.size
        return [(index, self.entry(index)[0]) for index in range(size - 1, max(-1, size - 1 - most), -1)]

    def _tile(self, bundle: int) -> Tile:
        return _tile(self.checkpoint.size, bundle)


async def published(node: Node) -> Published | None:
    """Read the present end of the public ledger; None before the first publication."""
    settings = node.settings
    verifier = Verifier.of(settings.ledger_origin, node.database.keys.ledger)
    return await asyncio.to_thread(_published, settings.ledger_directory, verifier)


def _published(directory: Path, verifier: Verifier) -> Published | None:
    shown = _end(directory, verifier)
    for _ in range(_TRIES):
        try:
            if shown is not None:
                _ = shown.counts_file
        except Unavailable:
            # A publication renamed both files between our two readings: the end we read is no longer the present one.
            shown = _end(directory, verifier)
        else:
            break
    return shown


def _end(directory: Path, verifier: Verifier) -> Published | None:
    try:
        signed = directory_reader(directory)(CHECKPOINT).decode()
    except NotFound:
        return None
    return Published(directory, signed, open_checkpoint(signed, verifier), published_at(directory))


def may_be_kept(response: Response) -> Response:
    """Let a public page be kept for a moment, unless it answers someone in particular."""
    if "set-cookie" not in response.headers:
        response.headers.update(_KEPT)
    return response


def address_of(node: Node) -> str:
    """Say where anyone finds the ledger's files."""
    return f"{str(node.settings.public_url).rstrip('/')}/ledger"


# Kept by the signed text: whatever belongs to one checkpoint never changes.


@lru_cache(maxsize=2)
def _counts_file(directory: Path, _signed: str, size: int) -> bytes:
    read_file = directory_reader(directory)
    for name in (COUNTS, NEXT_COUNTS):
        try:
            data = read_file(name)
        except NotFound:
            continue
        if size_of(data) == size:
            return data
    raise Unavailable("The counts are just being published: try again in a moment.")


@lru_cache(maxsize=2)
def _counts(directory: Path, signed: str, size: int) -> Counts:
    return read(_counts_file(directory, signed, size))


@lru_cache(maxsize=2)
def _sheet(directory: Path, signed: str, size: int) -> bytes:
    return sheet.written(_counts(directory, signed, size))


@lru_cache(maxsize=32)
def _summary(directory: Path, signed: str, size: int, period: Period) -> Summary:
    return summarise(_counts(directory, signed, size), period)


@lru_cache(maxsize=4)
def _bundle(directory: Path, _signed: str, size: int, index: int) -> tuple[Leaf, ...]:
    tile = _tile(size, index)
    return tuple(map(decode, unbundle(read_tile(directory_reader(directory), tile), tile.width, tile.path)))


def _tile(size: int, bundle: int) -> Tile:
    return Tile(None, bundle, min(WIDTH, size - bundle * WIDTH))
