"""Past uploads: which of them a new signal is near, none missed.

May decide: which uploads are near. What it finds is looked up again in PostgreSQL before anything follows from it.

Uploads are numbered in the order in which they are written down. All up to some number stand in files, each a *stretch*
of one day; those with higher numbers are read from PostgreSQL by whoever searches. A stretch is never altered: one that
loses an upload, because its user deleted it, is written anew without it, and all of a day go with the day. Files that
are missing or damaged are no loss: they are written again from PostgreSQL, which is read instead meanwhile.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tidegate.kernel.ids import ContentId
from tidegate.match.model import PDQ_RADIUS
from tidegate.match.past_kernels import Halves, near
from tidegate.match.values.files import Damaged, File, Folder

NAME = "manifest.json"
_FORMAT: Final = 1
#: A stretch grows to this many uploads before another is begun; 257 bytes and more each.
MOST_UPLOADS: Final = 250_000
_VALUE_BYTES, _ID_BYTES = 32, 16
_MOST_FOUND: Final = 4096
_LAST: Final = 16


class Uploads(NamedTuple):
    """Some uploads of one day, in the order of their numbers.

    Attributes:
        numbers: (n,), ascending.
        ids: (n, 16).
        ends: (n,), where the values of each upload end.
        first: (m, 2), the first halves of all values.
        second: (m, 2), the second halves.
    """

    numbers: NDArray[np.int64]
    ids: NDArray[np.uint8]
    ends: NDArray[np.int64]
    first: Halves
    second: Halves


_KINDS: Mapping[str, Any] = {
    "numbers": np.int64, "ids": np.uint8, "ends": np.int64, "first": np.uint64, "second": np.uint64,
}  # fmt: skip


def uploads_of(numbers: Sequence[int], ids: bytes, lengths: Sequence[int], values: bytes) -> Uploads:
    """Read uploads as they come from PostgreSQL: ids and values one after the other, and the bytes of each's values."""
    words = np.frombuffer(values, dtype=">u8").astype(np.uint64).reshape(-1, 4)
    return Uploads(
        np.asarray(numbers, dtype=np.int64),
        np.frombuffer(ids, dtype=np.uint8).reshape(-1, _ID_BYTES),
        np.cumsum(np.asarray(lengths, dtype=np.int64) // _VALUE_BYTES),
        np.ascontiguousarray(words[:, :2]),
        np.ascontiguousarray(words[:, 2:]),
    )


def search(uploads: Uploads, value: bytes, radius: int = PDQ_RADIUS) -> list[ContentId]:
    """Give the uploads that have a value within the radius of this one."""
    query = np.frombuffer(value, dtype=">u8").astype(np.uint64)
    found = np.empty(_MOST_FOUND, dtype=np.int64)
    count = near(uploads.first, uploads.second, query, radius, found)
    if count > len(found):
        found = np.empty(count, dtype=np.int64)
        near(uploads.first, uploads.second, query, radius, found)
    rows = np.unique(np.searchsorted(uploads.ends, found[:count], side="right"))
    return [ContentId(UUID(bytes=uploads.ids[row].tobytes())) for row in rows]


def without(uploads: Uploads, forgotten: NDArray[np.int64]) -> Uploads:
    """Leave out the uploads with these numbers."""
    kept = ~np.isin(uploads.numbers, forgotten)
    counts = np.diff(uploads.ends, prepend=0)
    values = np.repeat(kept, counts)
    return Uploads(
        uploads.numbers[kept],
        uploads.ids[kept],
        np.cumsum(counts[kept]),
        uploads.first[values],
        uploads.second[values],
    )


def joined(before: Uploads, after: Uploads) -> Uploads:
    """Put uploads together, those with lower numbers first."""
    return Uploads(
        np.concatenate([before.numbers, after.numbers]),
        np.concatenate([before.ids, after.ids]),
        np.concatenate([before.ends, after.ends + len(before.first)]),
        np.concatenate([before.first, after.first]),
        np.concatenate([before.second, after.second]),
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch on disk: its day, how many uploads and values it has, and its files by array."""

    day: date
    uploads: int
    values: int
    files: Mapping[str, File]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which stretches there are. Every upload up to the number ``closed_to`` that has looks is in one of them.

    That was written at ``closed_at``, in seconds since 1970. ``last`` are some of the last uploads, number and id, by
    which a database that was brought back from a backup is told apart: it may give the same numbers to others.
    """

    closed_to: int = 0
    closed_at: float = 0
    last: Sequence[tuple[int, str]] = ()
    stretches: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """The stretches, open for reading; see ``Manifest``."""

    closed_to: int
    last: Sequence[tuple[int, str]]
    uploads: Sequence[Uploads]

    def search(self, value: bytes) -> list[ContentId]:
        """Give the uploads that have a value within the radius of this one."""
        return [content for uploads in self.uploads for content in search(uploads, value)]


NOTHING: Final = Past(0, (), ())


class PastFolder:
    """The folder with the stretches. One process writes at a time; any number reads."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)

    def open(self) -> Past:
        """Open all stretches; none where there are none, or where they do not hold what they should."""
        manifest = self.manifest()
        try:
            uploads = tuple(self._open(stretch) for stretch in manifest.stretches)
        except FileNotFoundError:
            # Replaced and removed while we opened it; if not, it is missing.
            return NOTHING if self.manifest() == manifest else self.open()
        except Damaged:
            return NOTHING
        return Past(manifest.closed_to, tuple(manifest.last), uploads)

    def close(self, pages: Sequence[tuple[date, Uploads]], closed_to: int, now: float) -> None:
        """Take in the next uploads, by day; all up to the number are in then.

        Raises:
            Damaged: a stretch they belong to is damaged.
        """
        before = self.manifest()
        stretches, last = list(before.stretches), list(before.last)
        for day, uploads in pages:
            last = [*last, *_named(uploads)][-_LAST:]
            mine = [row for row, stretch in enumerate(stretches) if stretch.day == day]
            if mine and stretches[mine[-1]].uploads + len(uploads.numbers) <= MOST_UPLOADS:
                grown = joined(self._open(stretches[mine[-1]]), uploads)
                stretches[mine[-1]] = self._write(day, grown)
            else:
                stretches.append(self._write(day, uploads))
        self._replace(Manifest(closed_to=closed_to, closed_at=now, last=last, stretches=stretches))

    def forget(self, numbers: Iterable[int], before_day: date) -> bool:
        """Leave out the uploads with these numbers, and every day before this one; say whether any were there.

        Raises:
            Damaged: a stretch is damaged.
        """
        forgotten = np.fromiter(numbers, dtype=np.int64)
        before = self.manifest()
        stretches = []
        for stretch in before.stretches:
            if stretch.day < before_day:
                continue
            uploads = self._open(stretch)
            if not np.isin(forgotten, uploads.numbers).any():
                stretches.append(stretch)
            elif len((kept := without(uploads, forgotten)).numbers):
                stretches.append(self._write(stretch.day, kept))
        if stretches == list(before.stretches):
            return False
        gone = set(forgotten.tolist())
        last = [each for each in before.last if each[0] not in gone]
        self._replace(
            replace(before, stretches=stretches, last=last or (_named(self._open(stretches[-1])) if stretches else ()))
        )
        return True

    def verify(self) -> None:
        """Read every file through.

        Raises:
            Damaged: something is not as it was written.
        """
        for stretch in self.manifest().stretches:
            self._open(stretch)
            for file in stretch.files.values():
                if self._folder.measure(file.name) != file:
                    raise Damaged(reference=file.name)

    def begin_anew(self) -> None:
        """Drop every stretch: they are written again from PostgreSQL."""
        self._folder.prepare()
        self._replace(Manifest())

    def manifest(self) -> Manifest:
        """Read which stretches there are; none where nobody can tell."""
        try:
            told = json.loads((self._folder.path / NAME).read_bytes())
            body = told["manifest"]
            if told["format"] == _FORMAT and sha256(body.encode()).hexdigest() == told["sha256"]:
                return _manifest(json.loads(body))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return Manifest()

    def _open(self, stretch: Stretch) -> Uploads:
        count, values = stretch.uploads, stretch.values
        shapes = {"numbers": (count,), "ids": (count, _ID_BYTES), "ends": (count,)}
        shapes |= {"first": (values, 2), "second": (values, 2)}
        if stretch.files.keys() != shapes.keys():
            raise Damaged(reference=NAME)
        arrays = {name: self._folder.open(stretch.files[name], _KINDS[name], shape) for name, shape in shapes.items()}
        uploads = Uploads(**arrays)
        # Whoever reads never looks beyond an array, whatever the numbers in it say.
        if count == 0 or int(uploads.ends[-1]) != values or (np.diff(uploads.ends, prepend=0) < 0).any():
            raise Damaged(reference=NAME)
        return uploads

    def _write(self, day: date, uploads: Uploads) -> Stretch:
        self._folder.prepare()
        name, files = secrets.token_hex(8), {}
        for what, array in uploads._asdict().items():
            made = self._folder.create(f"{name}.{what}.npy", array.shape, _KINDS[what])
            made[:] = array
            files[what] = self._folder.finish(f"{name}.{what}.npy", made)
        return Stretch(day, len(uploads.numbers), len(uploads.first), files)

    def _replace(self, manifest: Manifest) -> None:
        self._folder.prepare()
        self._folder.make_durable()
        told = asdict(manifest)
        for stretch in told["stretches"]:
            stretch["day"] = stretch["day"].isoformat()
        body = json.dumps(told, sort_keys=True)
        told = {"format": _FORMAT, "sha256": sha256(body.encode()).hexdigest(), "manifest": body}
        self._folder.write(NAME, json.dumps(told).encode())
        self._folder.keep_only(file.name for stretch in manifest.stretches for file in stretch.files.values())


def _named(uploads: Uploads) -> list[tuple[int, str]]:
    """Give the number and id of the last few."""
    rows = range(max(len(uploads.numbers) - _LAST, 0), len(uploads.numbers))
    return [(int(uploads.numbers[row]), uploads.ids[row].tobytes().hex()) for row in rows]


def _manifest(told: dict[str, Any]) -> Manifest:
    last = [(int(number), str(content)) for number, content in told["last"]]
    stretches = [_stretch(each) for each in told["stretches"]]
    return Manifest(int(told["closed_to"]), float(told["closed_at"]), last, stretches)


def _stretch(told: dict[str, Any]) -> Stretch:
    files = {name: File(**file) for name, file in told["files"].items()}
    return Stretch(date.fromisoformat(told["day"]), int(told["uploads"]), int(told["values"]), files)


def warm() -> None:
    """Compile or load the kernel."""
    search(uploads_of([1], bytes(16), [32], bytes(32)), bytes(32))
