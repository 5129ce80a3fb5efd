"""Segments: immutable tables of signals with 256-bit values, mapped into memory and shared by all processes.

May decide: nothing. A segment holds the values in ascending order with the ids and strengths of their signals, and
where values are searched by distance the tables of ``hamming.py``. 137 bytes a signal at most, 49 without the tables.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tidegate.kernel.ids import SignalId
from tidegate.match.values import hamming
from tidegate.match.values.files import Damaged, Folder
from tidegate.match.values.hamming import Entries, Integers, Words
from tidegate.match.values.manifest import Segment
from tidegate.signal.model import FingerprintKind

ID_BYTES: Final = 16
#: Kinds that are searched by distance; the others are found by their exact value.
SEARCHED: Final = frozenset({FingerprintKind.PDQ})
#: How many known entries an opened segment must find again.
_SAMPLES: Final = 64

Ids = NDArray[np.uint8]


class Signals(NamedTuple):
    """Some signals of one kind: n values (n, 4), ids (n, 16) and strengths (n,)."""

    values: Words
    ids: Ids
    strengths: NDArray[np.uint8]


def joined(parts: Sequence[Signals]) -> Signals:
    """Put signals together."""
    nothing = Signals(hamming.words(()), np.empty((0, ID_BYTES), dtype=np.uint8), np.empty(0, dtype=np.uint8))
    parts = [part for part in parts if len(part.values)] or [nothing]
    return Signals(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


class OpenSegment:
    """A segment to read from. ``gone`` alone changes, and only from 0 to 1: signals that changed since."""

    def __init__(self, folder: Folder, segment: Segment, kind: FingerprintKind) -> None:
        """Map the files of a segment.

        Raises:
            FileNotFoundError: it was replaced and removed meanwhile: read the manifest again.
            Damaged: it is not what the manifest says.
        """
        self.segment = segment
        count = segment.entries
        shapes = _shapes(kind, count) | ({"gone": (np.uint32, (segment.gone,))} if segment.gone else {})
        if shapes.keys() != segment.files.keys():
            raise Damaged(reference=segment.name)
        arrays = {what: folder.open(segment.files[what], *shape) for what, shape in shapes.items()}
        self.signals = Signals(arrays["values"], arrays["ids"], arrays["strengths"])
        self.gone = np.zeros(count, dtype=np.uint8)
        try:
            if segment.gone:
                self.gone[arrays["gone"]] = 1
            tables = None
            if "starts" in arrays:
                parts = (arrays[what] for what in ("starts", "following", "rows"))
                tables = hamming.tables_of(self.signals.values, self.gone, *parts)
        except (IndexError, ValueError) as error:
            raise Damaged(reference=segment.name) from error
        self.entries = Entries(self.signals.values, self.gone, self.signals.strengths, tables)

    def id_of(self, row: int) -> SignalId:
        """Give the signal of a row."""
        return SignalId(UUID(bytes=self.signals.ids[row].tobytes()))

    def find(self, value: Words) -> int | None:
        """Give the row of exactly this value (4,) that still counts."""
        values = self.signals.values
        row = int(hamming.rows_of(values, value.reshape(1, -1))[0])
        while row < len(values) and np.array_equal(values[row], value):
            if not self.gone[row]:
                return row
            row += 1
        return None

    def rows(self, values: Words, ids: Ids) -> Integers:
        """Give the rows of those of some signals that are here, whether they still count or not."""
        if not len(values):
            return np.empty(0, dtype=np.int64)
        mine, wanted, found = self.signals, np.arange(len(values)), []
        places = hamming.rows_of(mine.values, values)
        while len(wanted):
            inside = places < len(mine.values)
            wanted, places = wanted[inside], places[inside]
            same = (mine.values[places] == values[wanted]).all(axis=1)
            wanted, places = wanted[same], places[same]
            it = (mine.ids[places] == ids[wanted]).all(axis=1)
            found.append(places[it])
            # Values are unique in the database; where they were not, the next one may be it.
            wanted, places = wanted[~it], places[~it] + 1
        return np.concatenate(found)

    def living(self) -> Signals:
        """Give the signals that still count."""
        kept = self.gone == 0
        return Signals(*(array[kept] for array in self.signals))

    def test_itself(self) -> None:
        """Look for known entries, with up to as many bits changed as may differ.

        Raises:
            Damaged: one is not found.
        """
        values, count = self.signals.values, len(self.signals.values)
        rows = np.unique(np.linspace(0, count - 1, _SAMPLES).astype(np.int64))
        sampled = np.array(values[rows])
        if not np.array_equal(values[hamming.rows_of(values, sampled)], sampled):
            raise Damaged(reference=self.segment.name)
        if self.entries.tables is None:
            return
        changed, generator = sampled.copy(), np.random.default_rng(count)
        for number in range(len(changed)):
            for bit in generator.choice(256, number % (hamming.RADIUS + 1), replace=False).tolist():
                changed[number, bit >> 6] ^= np.uint64(1 << (bit & 63))
        none_gone = hamming.read_only(np.zeros(count, dtype=np.uint8))
        everything = self.entries._replace(gone=none_gone, tables=self.entries.tables._replace(gone=none_gone))
        hits = hamming.near(everything, changed, _SAMPLES)
        for number, row in enumerate(rows.tolist()):
            mine = hits.row[hits.query == number]
            if row not in mine and len(mine) < _SAMPLES:
                raise Damaged(reference=self.segment.name)

    def verify(self, folder: Folder) -> None:
        """Read every file through.

        Raises:
            Damaged: a checksum is wrong.
        """
        for file in self.segment.files.values():
            try:
                same = folder.measure(file.name) == file
            except FileNotFoundError:
                continue  # Replaced and removed meanwhile; what is mapped stays.
            if not same:
                raise Damaged(reference=file.name)


def write(folder: Folder, kind: FingerprintKind, signals: Signals) -> Segment:
    """Write a segment; nobody knows of it until a manifest names it."""
    name = f"{kind}-{secrets.token_hex(8)}"
    arrays: dict[str, NDArray[Any]] = {}

    def room(what: str, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - any dtype
        arrays[what] = folder.create(f"{name}.{what}.npy", shape, dtype)
        return arrays[what]

    order = hamming.ascending(signals.values)
    for what, array in signals._asdict().items():
        np.take(array, order, axis=0, out=room(what, array.shape, array.dtype), mode="clip")
    if kind in SEARCHED:
        hamming.build(np.asarray(arrays["values"]), room)
    files = {what: folder.finish(f"{name}.{what}.npy", array) for what, array in arrays.items()}
    return Segment(name=name, entries=len(order), gone=0, files=files)


def write_gone(folder: Folder, segment: Segment, rows: Integers) -> Segment:
    """Write down which entries of a segment count no more: a small file of its own."""
    name = f"{segment.name}.gone-{secrets.token_hex(4)}.npy"
    array = folder.create(name, (len(rows),), np.uint32)
    array[:] = rows
    files = dict(segment.files) | {"gone": folder.finish(name, array)}
    return Segment(name=segment.name, entries=segment.entries, gone=len(rows), files=files)


def _shapes(kind: FingerprintKind, count: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    shapes: dict[str, tuple[type, tuple[int, ...]]] = {
        "values": (np.uint64, (count, hamming.WORDS)),
        "ids": (np.uint8, (count, ID_BYTES)),
        "strengths": (np.uint8, (count,)),
    }
    return shapes | hamming.shapes(count) if kind in SEARCHED else shapes
