"""The export: the log written out as files that anyone may copy, host and check.

May decide: when a file on disk is safe to rely on. May not decide what is in the log: the database is the
truth, the export follows it and can be made again from it. It never publishes a checkpoint whose files do not
make its root.

A reader relies on whatever the file ``checkpoint`` says, and on nothing else. First the
entries are hashed, and must lead from the old root to the new one before any file is touched. Then, in order:

1. Bundles and tiles. Each goes to a temporary file, is synced, then renamed. *A crash here is safe:* the
   checkpoint still names the smaller log, all of whose files are untouched; what was written lies beyond its
   end and is found equal on the next try. A half-written temporary file is never looked at, and overwritten
   on the next try.
2. The folders are synced. *A crash before is safe* for the same reason; without this step a power cut could
   keep the new checkpoint and lose the name of a tile that it relies on.
3. All that is new is read back from the files and must make the signed root. *A crash here is safe:* nothing
   was said.
4. The counts, as ``counts.next.json``. *A crash here is safe:* ``counts.json`` still belongs to the old
   checkpoint, and readers look at the other file only when ``counts.json`` has another size than the
   checkpoint.
5. The checkpoint, renamed over the old one: the one step that publishes. It happens wholly or not at all.
6. ``counts.next.json`` becomes ``counts.json``. *A crash before is safe:* readers find the counts that belong
   to the checkpoint under the other name, and the next publication finishes the move first.
7. Partial tiles whose full tile is now there are deleted. *A crash before is safe:* they are only
   superfluous.

A failed sync is never repeated on the same file (after one, the kernel may have dropped the bytes): the next
try writes the file again from the start.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tidegate.kernel.canonical import Json
from tidegate.kernel.errors import IntegrityError, NotFound, Unavailable
from tidegate.ledger import counts, tiles, tree
from tidegate.ledger.checkpoint import Checkpoint, open_checkpoint
from tidegate.ledger.note import Verifier
from tidegate.ledger.tiles import Tile

#: Gives the entries from a start up to an end, in the order of the log.
ReadEntries = Callable[[int, int], Sequence[bytes]]


def published(directory: Path, verifier: Verifier | str) -> Checkpoint | None:
    """Read which log the export shows, or None where nothing was ever exported.

    Raises:
        IntegrityError: there is a checkpoint, but not one signed with this key.
        Unavailable: the folder cannot be read.
    """
    try:
        data = tiles.directory_reader(directory)(tiles.CHECKPOINT)
    except NotFound:
        return None
    try:
        return open_checkpoint(data.decode(), verifier)
    except (UnicodeDecodeError, IntegrityError) as error:
        raise IntegrityError(
            "The exported checkpoint was not signed with this node's ledger key: restore the key that "
            "belongs to this export, or export a new log to an empty folder.",
            reference=tiles.CHECKPOINT,
        ) from error


def published_at(directory: Path) -> datetime | None:
    """Say when the file of the present checkpoint was written; None before the first.

    A checkpoint carries no time of its own, so this is what the folder says, not what was signed.
    """
    try:
        return datetime.fromtimestamp((directory / tiles.CHECKPOINT).stat().st_mtime, UTC)
    except OSError:
        return None


class Export:
    """The files of one log in one folder. One process writes at a time; any number read."""

    def __init__(self, directory: Path, verifier: Verifier) -> None:
        self._directory = directory
        self._verifier = verifier
        self._read = tiles.directory_reader(directory)
        self._unsynced: set[Path] = set()

    def publish(
        self, read_entries: ReadEntries, signed: str, document: dict[str, Json], *, whole: bool = False
    ) -> None:
        """Write what is new up to a signed checkpoint, then publish it. Doing it twice changes nothing.

        With ``whole`` every file from the first entry on is made again or found equal: a repair.

        Raises:
            Unavailable: a file could not be written; what was published before stays valid.
            IntegrityError: the checkpoint, the entries, the counts and the files already there contradict
            each other.
        """
        checkpoint = open_checkpoint(signed, self._verifier)
        if not counts.describes(document, checkpoint):
            raise IntegrityError("The counts are not those of this checkpoint: count again.", reference=tiles.COUNTS)
        try:
            with self._alone():
                self._publish(read_entries, checkpoint, signed, counts.written(document), whole=whole)
        except OSError as error:
            raise Unavailable(
                f"The public ledger could not be written ({error.strerror or error}): free space on the "
                "volume of the export folder, or mend its permissions. What was published before stays "
                "valid, nothing is lost, and the next publication catches up.",
                reference=Path(error.filename).name if isinstance(error.filename, str) else None,
            ) from error

    def _publish(
        self, read_entries: ReadEntries, checkpoint: Checkpoint, signed: str, counted: bytes, *, whole: bool
    ) -> None:
        before = published(self._directory, self._verifier)
        size = before.size if before else 0
        if before and (size > checkpoint.size or (size == checkpoint.size and before.root != checkpoint.root)):
            raise IntegrityError(
                "The export already shows a longer or another log than the one to publish, as after "
                "restoring an older backup: do not sign. Restore a newer backup, or begin a new log and "
                "say so in its first entry.",
                reference=tiles.CHECKPOINT,
            )
        start = 0 if whole else size // tiles.WIDTH * tiles.WIDTH
        self._rehearse(read_entries, start, before, checkpoint)
        self._keep(tiles.KEY, f"{self._verifier.vkey}\n".encode())
        self._write_rows(read_entries, start, checkpoint.size)
        self._sync_folders()
        self._check(start, checkpoint)
        if before:
            self._finish_counts(before)
        self._write(tiles.NEXT_COUNTS, counted)
        self._sync_folders()
        self._write(tiles.CHECKPOINT, signed.encode())
        self._sync_folders()
        self._finish_counts(checkpoint)
        self._drop_partial_tiles(start, checkpoint.size)

    def _rehearse(
        self, read_entries: ReadEntries, start: int, before: Checkpoint | None, checkpoint: Checkpoint
    ) -> None:
        """Refuse, before a file is touched, entries that do not lead from the old root to the new one."""
        known = tiles.TileTree(self._read, start).node
        compact = tree.CompactRange(start, [known(level, index) for level, index in tree.nodes_over(0, start)])
        for first in range(start, checkpoint.size + 1, tiles.WIDTH):
            # One size more than the last entry: an old log may end exactly where a bundle does.
            for entry in (None, *read_entries(first, min(first + tiles.WIDTH, checkpoint.size))):
                if entry is not None:
                    compact.append(tree.leaf_hash(entry))
                if before and compact.size == before.size and compact.root() != before.root:
                    raise IntegrityError(
                        "The database no longer holds the log that was published: do not sign. Restore a "
                        "newer backup, or begin a new log and say so in its first entry.",
                        reference=tiles.CHECKPOINT,
                    )
        if compact.size != checkpoint.size or compact.root() != checkpoint.root:
            raise IntegrityError(
                "The entries in the database do not make the root that was signed: do not publish. Compare "
                "the database with a backup.",
                reference=tiles.CHECKPOINT,
            )

    def _write_rows(self, read_entries: ReadEntries, start: int, size: int) -> None:
        """Write bundles and leaf tiles, then each level from the full tiles of the one below."""
        for tile in tiles.row(None, size, start // tiles.WIDTH):
            first = tile.index * tiles.WIDTH
            entries = read_entries(first, first + tile.width)
            if len(entries) != tile.width:
                raise IntegrityError("The database gave fewer entries than were signed: do not publish; check it.")
            self._keep(tile.path, tiles.bundle(entries))
            hashes = [tree.leaf_hash(entry) for entry in entries]
            self._keep(Tile(0, tile.index, tile.width).path, b"".join(hashes))
        for level in tiles.levels(size):
            if level:
                for tile in tiles.row(level, size, start >> tiles.HEIGHT * (level + 1)):
                    self._keep(tile.path, b"".join(self._roots_below(tile)))

    def _roots_below(self, tile: Tile) -> Iterator[bytes]:
        assert tile.level
        for index in range(tile.index * tiles.WIDTH, tile.index * tiles.WIDTH + tile.width):
            below = Tile(tile.level - 1, index)
            yield tree.root(tiles.hashes_in(self._read(below.path), tiles.WIDTH, below.path))

    def _check(self, start: int, checkpoint: Checkpoint) -> None:
        """Read back what is to be published: a flipped bit must be found here, not by a reader."""
        for tile in tiles.row(None, checkpoint.size, start // tiles.WIDTH):
            entries = tiles.unbundle(self._read(tile.path), tile.width, tile.path)
            leaves = Tile(0, tile.index, tile.width).path
            if b"".join(map(tree.leaf_hash, entries)) != self._read(leaves):
                raise IntegrityError(
                    f"{leaves} does not read back as it was written: check the disk.", reference=leaves
                )
        if tiles.TileTree(self._read, checkpoint.size).root() != checkpoint.root:
            raise IntegrityError("The tiles do not read back as they were written: check the disk.", reference="tile")

    def _finish_counts(self, checkpoint: Checkpoint) -> None:
        """Give the counts of the published checkpoint their proper name, also after a crash."""
        waiting = self._directory / tiles.NEXT_COUNTS
        if waiting.exists() and counts.size_of(waiting.read_bytes()) == checkpoint.size:
            waiting.replace(self._directory / tiles.COUNTS)
            self._unsynced.add(self._directory)
            self._sync_folders()

    def _drop_partial_tiles(self, start: int, size: int) -> None:
        for level in (None, *tiles.levels(size)):
            first = start >> tiles.HEIGHT * ((level or 0) + 1)
            for tile in tiles.row(level, size, first):
                if tile.width == tiles.WIDTH:
                    shutil.rmtree(self._directory / f"{tile.path}.p", ignore_errors=True)

    def _keep(self, path: str, data: bytes) -> None:
        """Write a file that never changes, or find it there already and equal."""
        try:
            there = self._read(path)
        except NotFound:
            self._write(path, data)
            return
        if there != data:
            raise IntegrityError(
                f"{path} is already published with other content, and it must never change: do not "
                "overwrite it. Compare the database and the export with their backups.",
                reference=path,
            )
        self._unsynced.update(self._folders((self._directory / path).parent))

    def _write(self, path: str, data: bytes) -> None:
        target = self._directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # One writer at a time, so one fixed name: what a crash left behind is overwritten, not piled up.
        unfinished = target.with_name(f".{target.name}.unfinished")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        self._unsynced.update(self._folders(target.parent))

    def _folders(self, folder: Path) -> Iterator[Path]:
        """Name a folder and those above it up to the export's own: any of them may be new."""
        while folder != self._directory:
            yield folder
            folder = folder.parent
        yield folder

    def _sync_folders(self) -> None:
        for folder in sorted(self._unsynced, reverse=True):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._unsynced.clear()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second writer out: two would overwrite each other's unfinished files."""
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable("Another process is publishing the ledger just now: wait for it.") from error
            yield
        finally:
            os.close(descriptor)
