"""The delta: the signals of one kind that changed after the segments were built, in memory.

May decide: nothing. It is read by every search, so it grows by appending: what a search began with stays as it was.
Only ``gone`` changes in place, from 0 to 1.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tidegate.kernel.ids import SignalId
from tidegate.match.values.hamming import Entries, Words, words
from tidegate.match.values.segments import ID_BYTES, Ids
from tidegate.signal.model import Signal
from tidegate.signal.rules import proposes, strength

_FIRST_ROOM: Final = 64


class Delta:
    """The latest state of signals that changed, withdrawn ones too: those say that a segment's entry is gone."""

    def __init__(self) -> None:
        self._count = 0
        self._values: Words = np.zeros((_FIRST_ROOM, 4), dtype=np.uint64)
        self._gone = np.ones(_FIRST_ROOM, dtype=np.uint8)
        self._strengths = np.zeros(_FIRST_ROOM, dtype=np.uint8)
        self._signals: list[Signal] = []
        self._rows: dict[SignalId, int] = {}
        self._by_value: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Count the signals."""
        return len(self._rows)

    def add(self, changed: Sequence[Signal]) -> None:
        """Take in signals as they stand now, in the order of their positions."""
        end = self._count + len(changed)
        self._make_room(end)
        self._values[self._count : end] = words(signal.value for signal in changed)
        for row, signal in enumerate(changed, self._count):
            self._strengths[row] = strength(signal)
            self._gone[row] = not proposes(signal)
            before = self._rows.get(signal.id)
            if before is not None:
                self._gone[before] = 1
            self._rows[signal.id] = self._by_value[signal.value] = row
        self._signals += changed
        self._count = end

    def after(self, position: int) -> list[Signal]:
        """Give the signals that changed after a position, in order."""
        rows = sorted(self._rows.values())
        return [self._signals[row] for row in rows if self._signals[row].position > position]

    @property
    def entries(self) -> Entries:
        """Give what there is to search; it stays as it is."""
        count = self._count
        return Entries(self._values[:count], self._gone[:count], self._strengths[:count])

    def id_of(self, row: int) -> SignalId:
        """Give the signal of a row."""
        return self._signals[row].id

    def find(self, value: bytes) -> SignalId | None:
        """Give the signal with exactly this value, if it still counts."""
        row = self._by_value.get(value)
        if row is None or not self._gone[row]:
            return None if row is None else self._signals[row].id
        # Values are unique in the database; where they were not, another may have it.
        values, gone, _strengths, _none = self.entries
        others = np.flatnonzero((values == words([value])).all(axis=1) & (gone == 0))
        return self._signals[int(others[-1])].id if len(others) else None

    def _make_room(self, count: int) -> None:
        room = len(self._values)
        if count <= room:
            return
        more = max(count, 2 * room) - room
        self._values = np.concatenate([self._values, np.zeros((more, 4), dtype=np.uint64)])
        self._gone = np.concatenate([self._gone, np.ones(more, dtype=np.uint8)])
        self._strengths = np.concatenate([self._strengths, np.zeros(more, dtype=np.uint8)])


def ids_of(signals: Sequence[Signal]) -> Ids:
    """Give the ids of signals as an array (n, 16)."""
    return np.frombuffer(b"".join(signal.id.value.bytes for signal in signals), dtype=np.uint8).reshape(-1, ID_BYTES)
