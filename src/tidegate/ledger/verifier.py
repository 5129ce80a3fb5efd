"""The verifier: what anyone can check with public files alone, without asking us.

May decide: whether a published log is whole, signed, counted right, and holds what a receipt says. Needs no
database, no account and no clock. Stops at the first thing that is wrong and names the file.

It reads every entry, rebuilds every tile and the root, and counts again. What that cannot prove is listed in
the counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidegate.kernel.canonical import Json
from tidegate.kernel.errors import IntegrityError, Malformed, NotFound, TidegateError, Unavailable
from tidegate.ledger import counts, tiles, tree
from tidegate.ledger.checkpoint import Checkpoint, open_checkpoint
from tidegate.ledger.entry import Leaf, decode, encode
from tidegate.ledger.note import Verifier
from tidegate.ledger.proof import Proof
from tidegate.ledger.receipt import Receipt, Status
from tidegate.ledger.receipt import read as read_receipt
from tidegate.ledger.replay import Replay, blaming

#: A live log may publish while it is being read; then the reading begins again, this often at most.
_ATTEMPTS = 3


@dataclass(slots=True)
class Report:
    """What was checked, and what was found."""

    verified: bool = False
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    #: ``directory`` where the log's own copy of its key was believed: then only a change since is noticed.
    key_source: str = "directory"
    recount_equal: bool | None = None
    counts: dict[str, Json] | None = None
    receipt: dict[str, Json] | None = None
    since: dict[str, Json] | None = None
    error: dict[str, Json] | None = None

    def document(self) -> dict[str, Json]:
        """Write it as JSON."""
        counted = self.counts or {}
        return {
            "verified": self.verified,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "key_source": self.key_source,
            "recount_equal": self.recount_equal,
            "rows": counted.get("rows", []),
            "totals": counted.get("totals", {}),
            "accounts": counted.get("accounts", {}),
            "not_proven": counted.get("not_proven", list(counts.NOT_PROVEN)),
            "receipt": self.receipt,
            "since": self.since,
            "error": self.error,
        }


def verify(
    source: str | Path, *, key: str | None = None, receipt: Path | None = None, since: Path | None = None
) -> Report:
    """Check a log in a folder or at an address; also a receipt, and that it grew from an older checkpoint.

    Raises:
        Malformed: the question itself is wrong: no such folder, address, file or key.
    """
    question = _Question(
        read=_reader(str(source)),
        directory=None if "://" in str(source) else Path(source),
        verifier=None if key is None else Verifier.parse(key.strip()),
        receipt=None if receipt is None else (receipt.name, _file(receipt)),
        since=None if since is None else (since.name, _file(since)),
    )
    attempts = 1
    while (report := question.answered()).error and question.moved_on(report) and attempts < _ATTEMPTS:
        attempts += 1
    return report


def _reader(source: str) -> tiles.Reader:
    if "://" in source:
        return tiles.url_reader(source)
    if not Path(source).is_dir():
        raise Malformed("There is no such folder: give the folder of an exported log, or its address.")
    return tiles.directory_reader(Path(source))


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"{path.name} cannot be read: {error.strerror}.", reference=path.name) from error


@dataclass(frozen=True, slots=True)
class _Question:
    read: tiles.Reader
    directory: Path | None
    verifier: Verifier | None
    receipt: tuple[str, bytes] | None
    since: tuple[str, bytes] | None

    def answered(self) -> Report:
        report = Report(key_source="directory" if self.verifier is None else "given")
        try:
            self.answer(report)
        except (IntegrityError, NotFound, Unavailable) as error:
            report.error = {"file": error.reference, "message": error.message}
        return report

    def moved_on(self, report: Report) -> bool:
        """Say whether the log was published anew while it was read: the error may be ours, not the log's."""
        try:
            checkpoint = self._open(tiles.CHECKPOINT, self.read(tiles.CHECKPOINT), self._key())
        except TidegateError:
            return False
        return report.size is not None and checkpoint.size > report.size

    def answer(self, report: Report) -> None:
        verifier = self._key()
        checkpoint = self._open(tiles.CHECKPOINT, self.read(tiles.CHECKPOINT), verifier)
        report.origin, report.size, report.root = checkpoint.origin, checkpoint.size, checkpoint.root.hex()
        since = self._since(checkpoint, verifier)
        held = self._receipt(checkpoint, verifier)
        sizes = {item.size for item in (since, held.checkpoint if held else None) if item}
        replay = Replay(self.read, checkpoint, sizes=sizes, leaf=held.receipt.leaf if held else None)
        replay.run()
        if self.directory is not None:
            _check_older_tiles(self.directory, self.read, checkpoint.size)
        report.counts = replay.tally.document(checkpoint)
        report.recount_equal = False
        self._check_counts(checkpoint, counts.written(report.counts))
        report.recount_equal = True
        if since is not None and self.since is not None:
            with blaming(self.since[0]):
                _check_growth(since, replay)
            report.since = {"size": since.size, "root": since.root.hex(), "consistent": True}
        if held is not None:
            with blaming(held.name):
                report.receipt = held.check(replay)
            if report.receipt["included"] is False:
                raise IntegrityError(
                    f"{held.name}: the receipt is pending and its leaf is not in the log yet. The log "
                    "itself is in order; check again after the next publication.",
                    reference=held.name,
                )
        report.verified = True

    def _key(self) -> Verifier:
        """Give the key to believe. One given by the reader must also be the one that the log shows."""
        try:
            line = self.read(tiles.KEY)
        except NotFound:
            # Other logs of this format publish no such file; then the reader's own copy is all there is.
            if self.verifier is None:
                raise
            return self.verifier
        with blaming(tiles.KEY):
            try:
                shown = Verifier.parse(_text(line).removesuffix("\n"))
            except Malformed as error:
                raise IntegrityError("This is not a verifier key: the file was altered or damaged.") from error
            if self.verifier is not None and self.verifier != shown:
                raise IntegrityError(
                    "The log shows another key than the one given: it is another log, or was replaced."
                )
        return shown

    def _open(self, name: str, data: bytes, verifier: Verifier) -> Checkpoint:
        with blaming(name):
            return open_checkpoint(_text(data), verifier)

    def _since(self, checkpoint: Checkpoint, verifier: Verifier) -> Checkpoint | None:
        if self.since is None:
            return None
        since = self._open(*self.since, verifier)
        if since.size > checkpoint.size:
            raise IntegrityError(
                f"The log is shorter than the signed checkpoint in {self.since[0]}: it was cut, or this is "
                "an old copy. Keep both checkpoints: together they prove it.",
                reference=tiles.CHECKPOINT,
            )
        return since

    def _receipt(self, checkpoint: Checkpoint, verifier: Verifier) -> "_Held | None":
        if self.receipt is None:
            return None
        name, data = self.receipt
        with blaming(name):
            found = read_receipt(data)
            if found.origin != checkpoint.origin:
                raise IntegrityError("This receipt is of another log.")
            if found.status is Status.PENDING:
                return _Held(name, found, None)
            _, signed = found.verify(verifier)
            if signed.size > checkpoint.size:
                raise IntegrityError(
                    "The log is shorter than this receipt proves it once was: it was cut, or this is an old copy."
                )
            return _Held(name, found, signed)

    def _check_counts(self, checkpoint: Checkpoint, counted: bytes) -> None:
        name = tiles.COUNTS
        try:
            shown = self.read(name)
        except NotFound:
            shown = None
        if shown is None or counts.size_of(shown) not in {None, checkpoint.size}:
            # The moment between publishing a checkpoint and renaming its counts, or a crash in it.
            try:
                shown = self.read(tiles.NEXT_COUNTS)
            except NotFound:
                shown = self.read(name)
        if shown != counted:
            raise IntegrityError(
                f"{name} does not say what the log says: the published counts are altered, or of another size.",
                reference=name,
            )


@dataclass(frozen=True, slots=True)
class _Held:
    """A receipt that holds by itself, still to be found in this log."""

    name: str
    receipt: Receipt
    checkpoint: Checkpoint | None

    def check(self, replay: Replay) -> dict[str, Json]:
        if self.checkpoint is not None:
            _check_growth(self.checkpoint, replay)
        answer: dict[str, Json] = {
            "status": self.receipt.status,
            "leaf": self.receipt.leaf,
            "included": False,
        }
        if replay.found is None:
            # A published receipt holds against a root that the log passed through, so its leaf is there.
            if self.checkpoint is not None:
                raise IntegrityError("The leaf of this receipt is not in the log.")
            return answer
        index, entry = replay.found
        if self.receipt.proof is not None and Proof.read(self.receipt.proof).index != index:
            raise IntegrityError("The log holds this leaf elsewhere than the receipt says.")
        leaf: Leaf = decode(entry)
        self.receipt.check_fields(leaf)
        return answer | {
            "included": True,
            "index": index,
            "entry": encode(leaf).decode(),
            "fields": [{"name": field.name, "value": field.value} for field in self.receipt.fields],
        }


def _check_growth(older: Checkpoint, replay: Replay) -> None:
    # The whole log was replayed, so the older root is known first hand: no proof is needed.
    if replay.roots[older.size] != older.root:
        raise IntegrityError(
            "The log does not begin with what this older checkpoint was signed for: it was rewritten or "
            "forked. Keep both checkpoints: together they prove it."
        )


def _check_older_tiles(directory: Path, read: tiles.Reader, size: int) -> None:
    """Check partial tiles of older sizes that are still there: each must begin the present one."""
    for level in (None, *tiles.levels(size)):
        for tile in tiles.row(level, size):
            for older in _partial_tiles(directory, tile):
                present = tiles.read_tile(read, tile)
                if read(older.path) != present[: _length(older, present)]:
                    raise IntegrityError(
                        f"{older.path} is not what was signed: it was altered or damaged.",
                        reference=older.path,
                    )


def _partial_tiles(directory: Path, tile: tiles.Tile) -> Iterator[tiles.Tile]:
    for file in (directory / f"{tile.full.path}.p").glob("[1-9]*"):
        width = int(file.name) if file.name.isascii() and file.name.isdigit() else tile.width
        # A wider one is of a size not published yet, after a crash; nobody relies on it.
        if width < tile.width:
            yield tiles.Tile(tile.level, tile.index, width)


def _length(older: tiles.Tile, present: bytes) -> int:
    place = 0
    for _ in range(older.width):
        place += tree.HASH_BYTES if older.level is not None else 2 + int.from_bytes(present[place : place + 2])
    return place


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("This is not text: the file was altered or damaged.") from error
