"""The files of past uploads.

May decide: which files there are. What is found in them is looked up again in PostgreSQL before anything follows.

Uploads are numbered in the order in which they are written down. All up to some number stand in files, each a *stretch*
of one day; those with higher numbers are read from PostgreSQL by whoever searches. A stretch is never altered: one that
loses an upload, because its user deleted it, is written anew without it, and all of a day go with the day. Files that
are missing, damaged or of an older layout are no loss: they are written again from PostgreSQL, which is read instead
meanwhile.

A search reads the sketches of all stretches, and of the rest only what they lead to.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidegate.kernel.ids import ContentId
from tidegate.match.past.kernels import KEPT_WORDS
from tidegate.match.past.sketches import Sketches
from tidegate.match.past.uploads import ID_BYTES, Sketched, Uploads, joined, search_sketched, sketched, without
from tidegate.match.values.files import Damaged, File, Folder

NAME = "manifest.json"
_DAMAGED: Final = "damaged"
#: 1: two halves of each value, no sketches.
_FORMAT: Final = 2
#: A stretch grows to this many uploads before another is begun; 316 bytes and more each.
MOST_UPLOADS: Final = 250_000
_LAST: Final = 16


#: What is kept of a stretch, by array: its type.
_KINDS: Mapping[str, Any] = {
    "numbers": np.int64, "ids": np.uint8, "ends": np.int64, "values": np.uint64,
    "words": np.uint64, "blocks": np.uint32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch on disk: its day, how many uploads, values and middles it has, and its files by array."""

    day: date
    uploads: int
    values: int
    middles: int
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
    stretches: Sequence[Sketched]

    def search(self, value: bytes) -> list[ContentId]:
        """Give the uploads that have a value within the radius of this one.

        Raises:
            Damaged: a stretch does not hold what it should.
        """
        return [content for stretch in self.stretches for content in search_sketched(stretch, value)]


NOTHING: Final = Past(0, (), ())


class PastFolder:
    """The folder with the stretches. One process writes at a time; any number reads."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)

    def open(self) -> Past:
        """Open all stretches; none where there are none, or where they do not hold what they should."""
        manifest = self.manifest()
        try:
            stretches = tuple(self._open(stretch) for stretch in manifest.stretches)
        except FileNotFoundError:
            # Replaced and removed while we opened it; if not, it is missing.
            return NOTHING if self.manifest() == manifest else self.open()
        except Damaged:
            return NOTHING
        return Past(manifest.closed_to, tuple(manifest.last), stretches)

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
                grown = joined(_whole(self._open(stretches[mine[-1]])), sketched(uploads))
                stretches[mine[-1]] = self._write(day, grown)
            else:
                stretches.append(self._write(day, sketched(uploads)))
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
            held = self._open(stretch)
            if not _any_in(forgotten, held.uploads.numbers):
                stretches.append(stretch)
            elif len((kept := without(_whole(held), forgotten)).uploads.numbers):
                stretches.append(self._write(stretch.day, kept))
        if stretches == list(before.stretches):
            return False
        gone = set(forgotten.tolist())
        last = [each for each in before.last if each[0] not in gone]
        if not last and stretches:
            last = _named(self._open(stretches[-1]).uploads)
        self._replace(replace(before, stretches=stretches, last=last))
        return True

    def verify(self) -> None:
        """Read every file through.

        Raises:
            Damaged: something is not as it was written.
        """
        for stretch in self.manifest().stretches:
            _whole(self._open(stretch))
            for file in stretch.files.values():
                if self._folder.measure(file.name) != file:
                    raise Damaged(reference=file.name)

    def report_damage(self) -> None:
        """Have whoever writes next begin anew."""
        (self._folder.path / _DAMAGED).touch()

    def damage_was_reported(self) -> bool:
        """Say whether someone who searched found the files damaged."""
        return (self._folder.path / _DAMAGED).exists()

    def begin_anew(self) -> None:
        """Drop every stretch: they are written again from PostgreSQL."""
        self._folder.prepare()
        self._replace(Manifest())
        self._folder.remove(_DAMAGED)

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

    def _open(self, stretch: Stretch) -> Sketched:
        count, values, middles = stretch.uploads, stretch.values, stretch.middles
        shapes = {"numbers": (count,), "ids": (count, ID_BYTES), "ends": (count,), "values": (values, 4)}
        shapes |= {"words": (middles, KEPT_WORDS), "blocks": (middles,)}
        if stretch.files.keys() != shapes.keys() or count == 0:
            raise Damaged(reference=NAME)
        arrays = {name: self._folder.map(stretch.files[name], _KINDS[name], shape) for name, shape in shapes.items()}
        sketches = Sketches(arrays.pop("words"), arrays.pop("blocks"))
        return Sketched(Uploads(**arrays), sketches)

    def _write(self, day: date, written: Sketched) -> Stretch:
        self._folder.prepare()
        name, files = secrets.token_hex(8), {}
        uploads, sketches = written
        for what, array in (uploads._asdict() | sketches._asdict()).items():
            made = self._folder.create(f"{name}.{what}.npy", array.shape, _KINDS[what])
            made[:] = array
            files[what] = self._folder.finish(f"{name}.{what}.npy", made)
        return Stretch(day, len(uploads.numbers), len(uploads.values), len(sketches.words), files)

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


def _whole(stretch: Sketched) -> Sketched:
    """See that what is read all through leads nowhere beyond its arrays.

    Raises:
        Damaged: it does.
    """
    uploads, sketches = stretch
    if int(uploads.ends[-1]) != len(uploads.values) or (np.diff(uploads.ends, prepend=0) < 0).any():
        raise Damaged(reference="ends")
    if (sketches.blocks >= len(uploads.values)).any():
        raise Damaged(reference="blocks")
    return stretch


def _any_in(some: NDArray[np.int64], ascending: NDArray[np.int64]) -> bool:
    """Say whether any of these is there, without reading all there are."""
    places = np.searchsorted(ascending, some)
    return bool((ascending[np.minimum(places, len(ascending) - 1)] == some).any())


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
    counts = {name: int(told[name]) for name in ("uploads", "values", "middles")}
    return Stretch(date.fromisoformat(told["day"]), **counts, files=files)
