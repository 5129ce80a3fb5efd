"""Looks of pictures: every signal within the radius of a look, none missed.

May decide: which signals are near.

This is the exact scan: one popcount over all values (``numpy.bitwise_count``). It is its own proof, and the oracle of
every faster way.
"""

from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tidegate.content.model import Fingerprints, Look
from tidegate.fingerprint.model import Rotation
from tidegate.kernel.ids import SignalId
from tidegate.match.model import PDQ_RADIUS, QUALITY_FLOOR, Match
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes

_WORDS = 4

Words = NDArray[np.uint64]


def words(values: Iterable[bytes]) -> Words:
    """Read 256-bit values as rows of four 64-bit words, shape (n, 4)."""
    return np.frombuffer(b"".join(values), dtype=">u8").astype(np.uint64).reshape(-1, _WORDS)


def distances(entries: Words, query: Words) -> NDArray[np.uint16]:
    """Count differing bits: entries (n, 4), query (4,) -> (n,)."""
    counts: NDArray[np.uint16] = np.bitwise_count(entries ^ query).sum(axis=1, dtype=np.uint16)
    return counts


class Pictures:
    """The signals that are looks of pictures. Safe to search from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ids: list[SignalId] = []
        self._entries: Words = words(())

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        mine = [signal for signal in changed if signal.kind is FingerprintKind.PDQ]
        if not mine:
            return
        gone = {signal.id for signal in mine}
        alike = [signal for signal in mine if proposes(signal)]
        with self._lock:
            kept = [row for row, signal in enumerate(self._ids) if signal not in gone]
            # New arrays, never altered ones: a search under way keeps what it started with.
            entries = np.concatenate([self._entries[kept], words(signal.value for signal in alike)])
            self._entries = entries
            self._ids = [self._ids[row] for row in kept] + [signal.id for signal in alike]

    def search(self, fingerprints: Fingerprints, _text: str | None) -> list[Match]:
        """Find every signal near to any look; a signal counts once, at its nearest."""
        with self._lock:
            ids, entries = self._ids, self._entries
        nearest: dict[SignalId, Match] = {}
        for look in fingerprints.looks:
            if look.quality >= QUALITY_FLOOR and len(entries):
                for match in _alike(ids, entries, look):
                    known = nearest.get(match.signal)
                    if known is None or match.distance < known.distance:
                        nearest[match.signal] = match
        return list(nearest.values())


def _alike(ids: list[SignalId], entries: Words, look: Look) -> Iterable[Match]:
    """Match the eight rotations and flips of a look."""
    for rotation, value in zip(Rotation, look.pdq, strict=False):
        distance = distances(entries, words([value])[0])
        for row in np.flatnonzero(distance <= PDQ_RADIUS).tolist():
            yield Match(
                signal=ids[row],
                fingerprint_kind=FingerprintKind.PDQ,
                distance=int(distance[row]),
                threshold=PDQ_RADIUS,
                rotation=rotation,
                look=look.kind,
            )
