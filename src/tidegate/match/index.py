"""The index: every signal within the radius of a fingerprint, none missed.

May decide: nothing; it asks its parts, one for each kind of fingerprint. It proposes only; PostgreSQL is asked again
before anything follows from it. An index knows the signals up to a position and is brought forward with those that
changed since.
"""

from collections.abc import Sequence
from typing import Protocol

from tidegate.content.model import Fingerprints
from tidegate.match.exact import ExactBytes
from tidegate.match.links import Links
from tidegate.match.model import Match
from tidegate.match.pictures import Pictures
from tidegate.match.texts import Texts
from tidegate.match.videos import Videos
from tidegate.signal.model import Signal


class Part(Protocol):
    """What one kind of fingerprint is found with. Safe to search from several threads."""

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, of any kind, in the order of their positions."""

    def search(self, fingerprints: Fingerprints, text: str | None) -> list[Match]:
        """Find all matches, each signal once.

        Args:
            fingerprints: of an upload.
            text: of a text, normalised; None when its bytes are not at hand, or when it is no text.
        """


class Index:
    """All signals that propose something, as of ``position``. Safe to search from several threads."""

    def __init__(self) -> None:
        self.position = 0
        self.videos = Videos()
        self._parts: tuple[Part, ...] = (ExactBytes(), Pictures(), self.videos, Texts(), Links())

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed after ``position``, in the order of their positions."""
        if not changed:
            return
        for part in self._parts:
            part.bring_forward(changed)
        # Only now: a search never claims a position that one of the parts has not reached.
        self.position = changed[-1].position

    def search(self, fingerprints: Fingerprints, text: str | None = None) -> tuple[list[Match], int]:
        """Find all matches, nearest first, and the position they are true for."""
        position = self.position
        found = [match for part in self._parts for match in part.search(fingerprints, text)]
        return sorted(found, key=lambda match: (not match.exact, match.distance, match.signal)), position


def compare(fingerprints: Fingerprints, signals: Sequence[Signal], text: str | None = None) -> list[Match]:
    """Match against a few signals directly, for those newer than the index."""
    index = Index()
    index.bring_forward(sorted(signals, key=lambda signal: signal.position))
    return index.search(fingerprints, text)[0]
