"""Replaying a log: reading every entry and every tile once, in order, and building the tree anew.

May decide: whether files make the log that was signed, and which file is to blame where they do not. Trusts
nothing it reads. Holds 16 bytes for each leaf, so that millions can be replayed in ordinary memory.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from tidegate.kernel.errors import IntegrityError
from tidegate.ledger import tiles, tree
from tidegate.ledger.checkpoint import Checkpoint
from tidegate.ledger.counts import Tally
from tidegate.ledger.entry import Leaf, decode
from tidegate.ledger.tiles import Tile


@contextmanager
def blaming(path: str) -> Iterator[None]:
    """Name the file in what goes wrong inside."""
    try:
        yield
    except IntegrityError as error:
        if error.reference is None:
            raise IntegrityError(f"{path}: {error.message}", reference=path) from error
        raise


class Replay:
    """One pass over a log. ``run`` reads; the rest tells what was found."""

    def __init__(
        self,
        read: tiles.Reader,
        checkpoint: Checkpoint,
        *,
        sizes: Collection[int] = (),
        leaf: str | None = None,
    ) -> None:
        self._read = read
        self._checkpoint = checkpoint
        self._sizes = frozenset(sizes)
        self._leaf = leaf
        #: The counts over the whole log.
        self.tally = Tally()
        #: The roots at the sizes asked for.
        self.roots: dict[int, bytes] = {}
        #: Index and bytes of the leaf asked for.
        self.found: tuple[int, bytes] | None = None
        self._compact = tree.CompactRange()
        self._ids: set[bytes] = set()
        self._cited: dict[bytes, str] = {}
        self._rows: list[list[bytes]] = [[] for _ in tiles.levels(checkpoint.size)]
        self._suspect: tuple[Tile, int] | None = None

    def run(self) -> None:
        """Read everything.

        Raises:
            IntegrityError: the files are not those of the signed log; the reference names the file.
            NotFound: a file is missing.
            Unavailable: a file cannot be read.
        """
        self._note_root()
        for tile in tiles.row(None, self._checkpoint.size):
            entries = tiles.unbundle(tiles.read_tile(self._read, tile), tile.width, tile.path)
            with blaming(tile.path):
                for entry in entries:
                    self._take(entry, decode(entry), tile.path)
        for level in tiles.levels(self._checkpoint.size):
            if self._rows[level]:
                self._compare(level)
        self._judge()
        for path in self._cited.values():
            raise IntegrityError(f"{path}: an entry cites a leaf that is not in the log.", reference=path)

    def _take(self, entry: bytes, leaf: Leaf, path: str) -> None:
        identity = bytes.fromhex(leaf.leaf)
        if identity in self._ids:
            raise IntegrityError("A leaf is in the log twice.")
        self._ids.add(identity)
        self._cited.pop(identity, None)
        if leaf.cites is not None and (cited := bytes.fromhex(leaf.cites)) not in self._ids:
            # Entries are shuffled before they are published, so what is cited may still come.
            self._cited.setdefault(cited, path)
        if leaf.leaf == self._leaf:
            self.found = self._compact.size, entry
        self.tally.add(leaf)
        hashed = tree.leaf_hash(entry)
        self._compact.append(hashed)
        self._note_root()
        self._append(0, hashed)

    def _append(self, level: int, hashed: bytes) -> None:
        self._rows[level].append(hashed)
        if len(self._rows[level]) == tiles.WIDTH:
            root = tree.root(self._rows[level])
            self._compare(level)
            self._append(level + 1, root)

    def _compare(self, level: int) -> None:
        """Compare a tile with the row that the entries make, and remember the first that differs."""
        hashes, self._rows[level] = self._rows[level], []
        last = (self._compact.size - 1) >> tiles.HEIGHT * (level + 1)
        if len(hashes) < tiles.WIDTH:
            last = (self._checkpoint.size >> tiles.HEIGHT * level) // tiles.WIDTH
        tile = Tile(level, last, len(hashes))
        there = tiles.hashes_in(tiles.read_tile(self._read, tile), tile.width, tile.path)
        if there != hashes and self._suspect is None:
            differs = next(place for place, pair in enumerate(zip(there, hashes, strict=True)) if pair[0] != pair[1])
            self._suspect = tile, differs

    def _note_root(self) -> None:
        if self._compact.size in self._sizes:
            self.roots[self._compact.size] = self._compact.root()

    def _judge(self) -> None:
        """Compare the root, and find out which file is to blame where something differs."""
        entries_are_signed = self._compact.root() == self._checkpoint.root
        if self._suspect is None:
            if entries_are_signed:
                return
            raise IntegrityError(
                "The entries and tiles make another log than the one that the checkpoint was signed for.",
                reference=tiles.CHECKPOINT,
            )
        tile, place = self._suspect
        if not entries_are_signed:
            # A leaf tile blames the bundle beside it, the tile above it the bundle whose root it holds.
            if tile.level == 0:
                tile = Tile(None, tile.index, tile.width)
            elif tile.level == 1:
                tile = Tile(None, tile.index * tiles.WIDTH + place)
        raise IntegrityError(f"{tile.path} is not what was signed: it was altered or damaged.", reference=tile.path)
