"""Looks of pictures: every signal within the radius of a look, none missed.

May decide: which signals are near. How they are found, and why none is missed, stands in ``hamming.py``.
"""

from collections.abc import Sequence

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.ids import SignalId
from tidegate.match.model import PDQ_DRIFT, PDQ_RADIUS, QUALITY_FLOOR, Match
from tidegate.match.values.hamming import words
from tidegate.match.values.known import KnownValues
from tidegate.signal.model import FingerprintKind, Signal


class Pictures:
    """The signals that are looks of pictures. Safe to search from several threads."""

    def __init__(self) -> None:
        self.known = KnownValues(FingerprintKind.PDQ)

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        self.known.bring_forward(changed)

    def search(self, fingerprints: Fingerprints, _text: ReadText | None) -> list[Match]:
        """Find every signal near to any look in any rotation; a signal counts once, at its nearest.

        Looks from a smaller decoding are searched a little wider, so that what the full size would find is not missed.
        """
        reduced = fingerprints.reduced
        looks = [look for look in fingerprints.looks if look.quality >= QUALITY_FLOOR]
        asked = [(look, rotation, value) for look in looks for rotation, value in zip(Rotation, look.pdq, strict=False)]
        nearest: dict[SignalId, Match] = {}
        wider = PDQ_DRIFT if reduced else 0
        for near in self.known.near(words(value for _look, _rotation, value in asked), wider=wider):
            # The nearest come first; among equals the first look and rotation.
            if near.signal not in nearest:
                look, rotation, _value = asked[near.query]
                nearest[near.signal] = Match(
                    signal=near.signal,
                    fingerprint_kind=FingerprintKind.PDQ,
                    distance=near.distance,
                    threshold=PDQ_RADIUS,
                    rotation=rotation,
                    look=look.kind,
                    reduced=reduced,
                )
        return list(nearest.values())
