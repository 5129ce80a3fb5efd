"""A match: a fingerprint within the radius of a signal. May decide: nothing."""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.content.model import LookKind
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.picture.second import SECOND_RADIUS
from tidegate.kernel.ids import SignalId
from tidegate.signal.model import FingerprintKind

#: Hamming distance up to which two PDQ values are one picture, and the quality below which they say nothing
#: (PDQ reference documentation, "the hashing algorithm").
PDQ_RADIUS = 31
QUALITY_FLOOR = 50
#: How many bits a smaller decoding may be off, at most, of all that was measured (``benchmarks/pictures.py``): so much
#: wider it is searched, and what is found is hashed again at full size before anything is made of it.
PDQ_DRIFT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of an upload matched which part of what is known: milliseconds of a video, characters of a text."""

    start: int
    end: int
    known_start: int
    known_end: int


class Where(StrEnum):
    """What of an upload matched: the content itself, an address inside it, or the words the platform sent beside it."""

    CONTENT = "content"
    INSIDE = "inside"
    CAPTION = "caption"
    LINK = "link"


#: Where the words are that a platform sends beside a content, and may change.
BESIDE = frozenset({Where.CAPTION, Where.LINK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How near, by which view, and which radius was asked for; an exact match has distance and radius 0.

    ``second_distance`` is how far a second, unlike hash is, where both sides have one. ``reduced`` says that the
    distance was taken from a smaller decoding, for the bytes were not at hand.
    """

    signal: SignalId
    fingerprint_kind: FingerprintKind
    distance: int
    threshold: int
    rotation: Rotation
    look: LookKind = LookKind.AS_STORED
    second_distance: int | None = None
    span: Span | None = None
    reduced: bool = False
    where: Where = Where.CONTENT

    @property
    def exact(self) -> bool:
        """Say whether the very bytes are known."""
        return self.fingerprint_kind is FingerprintKind.SHA256

    @property
    def doubtful(self) -> bool:
        """Say whether the second hash says that it is another picture of the same make."""
        return self.second_distance is not None and self.second_distance > SECOND_RADIUS

    @property
    def near(self) -> bool:
        """Say whether a look-alike is within its radius: a smaller decoding is searched a little wider."""
        return self.fingerprint_kind is not FingerprintKind.PDQ or self.distance <= self.threshold
