"""A match: a fingerprint within the radius of a signal. May decide: nothing."""

from dataclasses import dataclass

from tidegate.fingerprint.model import Rotation
from tidegate.kernel.ids import SignalId
from tidegate.signal.model import FingerprintKind

#: Hamming distance up to which two PDQ values are one picture, and the quality below which they say nothing
#: (PDQ reference documentation, "the hashing algorithm").
PDQ_RADIUS = 31
QUALITY_FLOOR = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How near, by which rotation, and which radius was asked for; an exact match has distance and radius 0."""

    signal: SignalId
    fingerprint_kind: FingerprintKind
    distance: int
    threshold: int
    rotation: Rotation

    @property
    def exact(self) -> bool:
        """Say whether the very bytes are known."""
        return self.fingerprint_kind is FingerprintKind.SHA256
