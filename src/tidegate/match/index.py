"""The index: every signal within the radius of a fingerprint, none missed.

May decide: which signals are near. It proposes only; PostgreSQL is asked again before anything follows from it.

This is the exact scan: one popcount over all values (``numpy.bitwise_count``). It is its own proof, and the oracle of
every faster index. An index knows the signals up to a position and is brought forward with those that changed since.
"""

from collections.abc import Iterable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tidegate.content.model import Fingerprints
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


class Index:
    """All signals that propose something, as of ``position``. Safe to search from several threads."""

    def __init__(self) -> None:
        self.position = 0
        self._lock = Lock()
        self._exact: dict[bytes, SignalId] = {}
        self._ids: list[SignalId] = []
        self._entries: Words = words(())

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed after ``position``, in the order of their positions."""
        if not changed:
            return
        with self._lock:
            gone = {signal.id for signal in changed}
            kept = [row for row, signal in enumerate(self._ids) if signal not in gone]
            exact = {value: signal for value, signal in self._exact.items() if signal not in gone}
            alike = [signal for signal in changed if signal.kind is FingerprintKind.PDQ and proposes(signal)]
            exact |= {
                signal.value: signal.id
                for signal in changed
                if signal.kind is FingerprintKind.SHA256 and proposes(signal)
            }
            # New arrays, never altered ones: a search under way keeps what it started with.
            self._exact = exact
            self._entries = np.concatenate([self._entries[kept], words(signal.value for signal in alike)])
            self._ids = [self._ids[row] for row in kept] + [signal.id for signal in alike]
            self.position = changed[-1].position

    def search(self, fingerprints: Fingerprints) -> tuple[list[Match], int]:
        """Find all matches, nearest first, and the position they are true for."""
        with self._lock:
            exact, ids, entries, position = self._exact, self._ids, self._entries, self.position
        found = []
        if (signal := exact.get(fingerprints.sha256)) is not None:
            found.append(exact_match(signal))
        if fingerprints.quality >= QUALITY_FLOOR and len(entries):
            found += _alike(ids, entries, fingerprints.pdq)
        return sorted(found, key=lambda match: (not match.exact, match.distance, match.signal)), position


def exact_match(signal: SignalId) -> Match:
    """Make the match of the very bytes."""
    return Match(
        signal=signal,
        fingerprint_kind=FingerprintKind.SHA256,
        distance=0,
        threshold=0,
        rotation=Rotation.ORIGINAL,
    )


def compare(fingerprints: Fingerprints, signals: Sequence[Signal]) -> list[Match]:
    """Match against a few signals directly, for those newer than the index."""
    index = Index()
    index.bring_forward(sorted(signals, key=lambda signal: signal.position))
    return index.search(fingerprints)[0]


def _alike(ids: list[SignalId], entries: Words, variants: Sequence[bytes]) -> list[Match]:
    """Match the eight rotations and flips of the query; a signal counts once, at its nearest."""
    nearest: dict[SignalId, Match] = {}
    for rotation, value in zip(Rotation, variants, strict=False):
        distance = distances(entries, words([value])[0])
        for row in np.flatnonzero(distance <= PDQ_RADIUS).tolist():
            known = nearest.get(ids[row])
            if known is None or distance[row] < known.distance:
                nearest[ids[row]] = Match(
                    signal=ids[row],
                    fingerprint_kind=FingerprintKind.PDQ,
                    distance=int(distance[row]),
                    threshold=PDQ_RADIUS,
                    rotation=rotation,
                )
    return list(nearest.values())
