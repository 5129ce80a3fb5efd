"""Exact bytes: signals by their SHA-256. May decide: nothing."""

from collections.abc import Sequence

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.ids import SignalId
from tidegate.match.model import Match
from tidegate.match.values.known import KnownValues
from tidegate.signal.model import FingerprintKind, Signal


class ExactBytes:
    """The signals whose very bytes are known. Safe to search from several threads."""

    def __init__(self) -> None:
        self.known = KnownValues(FingerprintKind.SHA256)

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        self.known.bring_forward(changed)

    def search(self, fingerprints: Fingerprints, _text: ReadText | None) -> list[Match]:
        """Find the signal of exactly these bytes."""
        signal = self.known.find(fingerprints.sha256)
        return [] if signal is None else [exact_match(signal)]


def exact_match(signal: SignalId) -> Match:
    """Make the match of the very bytes."""
    return Match(
        signal=signal,
        fingerprint_kind=FingerprintKind.SHA256,
        distance=0,
        threshold=0,
        rotation=Rotation.ORIGINAL,
    )
