"""Exact bytes: signals by their SHA-256. May decide: nothing."""

from collections.abc import Sequence
from threading import Lock

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.model import Rotation
from tidegate.kernel.ids import SignalId
from tidegate.match.model import Match
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes


class ExactBytes:
    """The signals whose very bytes are known. Safe to search from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._signals: dict[bytes, SignalId] = {}

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        mine = [signal for signal in changed if signal.kind is FingerprintKind.SHA256]
        if not mine:
            return
        gone = {signal.id for signal in mine}
        with self._lock:
            kept = {value: signal for value, signal in self._signals.items() if signal not in gone}
            # A new table, never an altered one: a search under way keeps what it started with.
            self._signals = kept | {signal.value: signal.id for signal in mine if proposes(signal)}

    def search(self, fingerprints: Fingerprints, _text: str | None) -> list[Match]:
        """Find the signal of exactly these bytes."""
        signal = self._signals.get(fingerprints.sha256)
        if signal is None:
            return []
        return [
            Match(
                signal=signal,
                fingerprint_kind=FingerprintKind.SHA256,
                distance=0,
                threshold=0,
                rotation=Rotation.ORIGINAL,
            )
        ]
