"""A match: a fingerprint within the radius of a signal. May decide: nothing."""

from dataclasses import dataclass

from tidegate.content.model import LookKind
from tidegate.fingerprint.model import Rotation
from tidegate.kernel.ids import SignalId
from tidegate.signal.model import FingerprintKind

#: Hamming distance up to which two PDQ values are one picture, and the quality below which they say nothing
#: (PDQ reference documentation, "the hashing algorithm").
PDQ_RADIUS = 31
QUALITY_FLOOR = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of an upload matched which part of what is known: milliseconds of a video, characters of a text."""

    start: int
    end: int
    known_start: int
    known_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How near, by which view, and which radius was asked for; an exact match has distance and radius 0.

    ``second_distance`` is how far a second, unlike hash is, where both sides have one.
    """

    signal: SignalId
    fingerprint_kind: FingerprintKind
    distance: int
    threshold: int
    rotation: Rotation
    look: LookKind = LookKind.AS_STORED
    second_distance: int | None = None
    span: Span | None = None

    @property
    def exact(self) -> bool:
        """Say whether the very bytes are known."""
        return self.fingerprint_kind is FingerprintKind.SHA256
