"""Tiles: the tree and its entries as plain files that anyone can copy (C2SP tlog-tiles).

May decide: which file holds which part of the log, and how it is read. Every file but the checkpoint never
changes once it is written. Reading proves nothing by itself: what is read must be checked against a signed
root.
"""

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tidegate.kernel.errors import IntegrityError, Malformed, NotFound, Unavailable
from tidegate.ledger import tree

#: Hashes in a full tile, entries in a full bundle.
WIDTH = 256
HEIGHT = 8
_LENGTH_BYTES = 2
_LONGEST_ENTRY = 2**16 - 1
#: No file of a log is longer: a full bundle of the longest entries is 16 MiB, the counts of many years stay
#: below.
LONGEST_FILE = 64 * 2**20
_TIMEOUT_SECONDS = 30

CHECKPOINT = "checkpoint"
KEY = "key"
COUNTS = "counts.json"
#: Counts written for a checkpoint that is about to replace the present one.
NEXT_COUNTS = "counts.next.json"

#: Gives the bytes of one file of a log, by its path. Raises NotFound or Unavailable, naming the path.
Reader = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A row of up to 256 hashes at one level; level None is the bundle of the entries themselves."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it is, as the specification spells it."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
        place = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{place}{partial}"

    @property
    def full(self) -> "Tile":
        """The tile that this one grows into."""
        return Tile(self.level, self.index)


def row(level: int | None, size: int, first: int = 0) -> Iterator[Tile]:
    """Name the tiles of one level in a log of this size, from the first index on."""
    hashes = size >> HEIGHT * (level or 0)
    for index in range(first, hashes // WIDTH):
        yield Tile(level, index)
    if hashes % WIDTH and hashes // WIDTH >= first:
        yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def levels(size: int) -> Iterator[int]:
    """Name the levels that a log of this size has tiles at."""
    for level in count():
        if not size >> HEIGHT * level:
            return
        yield level


def bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries as one bundle.

    Raises:
        Malformed: an entry is longer than a bundle can say.
    """
    if any(len(entry) > _LONGEST_ENTRY for entry in entries):
        raise Malformed("An entry is longer than 65,535 bytes.")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES) + entry for entry in entries)


def unbundle(data: bytes, width: int, path: str) -> list[bytes]:
    """Read the entries of a bundle.

    Raises:
        IntegrityError: the bundle does not hold exactly this many entries.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data) and len(entries) < width:
        begin = place + _LENGTH_BYTES
        place = begin + int.from_bytes(data[place:begin])
        entries.append(data[begin:place])
    if place != len(data) or len(entries) != width:
        raise IntegrityError(
            f"{path} does not hold exactly {width} entries: fetch it again or compare.", reference=path
        )
    return entries


def hashes_in(data: bytes, width: int, path: str) -> list[bytes]:
    """Read the hashes of a tile.

    Raises:
        IntegrityError: the tile does not hold exactly this many hashes.
    """
    if len(data) != width * tree.HASH_BYTES:
        raise IntegrityError(f"{path} does not hold exactly {width} hashes: fetch it again or compare.", reference=path)
    return [data[start : start + tree.HASH_BYTES] for start in range(0, len(data), tree.HASH_BYTES)]


def read_tile(read: Reader, tile: Tile) -> bytes:
    """Read a tile, or the beginning of the full one where the partial one was already dropped."""
    try:
        return read(tile.path)
    except NotFound:
        if tile.width == WIDTH:
            raise
        try:
            whole = read(tile.full.path)
        except NotFound:
            raise _missing(tile.path) from None
    if tile.level is None:
        return bundle(unbundle(whole, WIDTH, tile.full.path)[: tile.width])
    return whole[: tile.width * tree.HASH_BYTES]


class TileTree:
    """The tree of a log, read tile by tile.

    The size is that of a published checkpoint: only for such are there partial tiles. Roots and proofs of any
    smaller size are folded from the same tiles.
    """

    def __init__(self, read: Reader, size: int) -> None:
        self._read = read
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Give the hash of a full subtree (``tree.Node``).

        Raises:
            IntegrityError: a tile has the wrong length.
            NotFound: a tile is missing.
        """
        row_level, inner = divmod(level, HEIGHT)
        start = index << inner
        hashes = self._tile(row_level, start // WIDTH)
        offset = start % WIDTH
        return tree.root(hashes[offset : offset + (1 << inner)])

    def root(self, size: int | None = None) -> bytes:
        """Give the root that the tiles make, now or when the log had a smaller size."""
        return tree.range_root(0, self._size if size is None else size, self.node)

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Prove that an entry is in the log, now or when it had a smaller size."""
        return tree.inclusion_proof(index, self._size if size is None else size, self.node)

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """Prove that the log, now or when it had a smaller size, begins with that of an older size."""
        return tree.consistency_proof(old, self._size if new is None else new, self.node)

    def _tile(self, level: int, index: int) -> list[bytes]:
        known = self._tiles.get((level, index))
        if known is None:
            width = min(WIDTH, (self._size >> HEIGHT * level) - index * WIDTH)
            tile = Tile(level, index, width)
            known = self._tiles[level, index] = hashes_in(read_tile(self._read, tile), width, tile.path)
        return known


def directory_reader(directory: Path) -> Reader:
    """Read a log's files from a folder."""

    def read(path: str) -> bytes:
        try:
            with (directory / path).open("rb") as file:
                return _bounded(file.read(LONGEST_FILE + 1), path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(path) from error
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be read ({error.strerror}): check the disk and the permissions.",
                reference=path,
            ) from error

    return read


def url_reader(prefix: str) -> Reader:
    """Read a log's files over HTTP.

    Raises:
        Malformed: the address is not a plain http or https address.
    """
    parts = urllib.parse.urlsplit(prefix)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise Malformed("Give a folder, or an address that begins with http:// or https:// and has no question mark.")
    prefix = prefix.rstrip("/")

    def read(path: str) -> bytes:
        # The scheme was checked above, so that no file: address is ever opened here.
        request = urllib.request.Request(f"{prefix}/{path}", headers={"Accept-Encoding": "identity"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return _bounded(answer.read(LONGEST_FILE + 1), path)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in {404, 410}:
                    raise _missing(path) from error
                raise Unavailable(f"{path}: the server answered {error.code}; try later.", reference=path) from error
        except (OSError, ValueError, EOFError) as error:
            raise Unavailable(
                f"{path} cannot be fetched: check the address and the network.", reference=path
            ) from error

    return read


def _bounded(data: bytes, path: str) -> bytes:
    if len(data) > LONGEST_FILE:
        raise IntegrityError(f"{path} is longer than any file of a log.", reference=path)
    return data


def _missing(path: str) -> NotFound:
    return NotFound(f"{path} is missing: the log cannot be checked without it. Publish it again.", reference=path)
