"""Links: the signals that are the same address, and those that are its host.

May decide: which signals are near. Such a match is for people to look at; it never holds anything (floor rule 1).

An address matches letter for letter in its canonical form. A domain matches its host and no other, a leading ``www.``
aside: what stands below a host may be somebody else's (a blogging platform), and no list says so for every host.
"""

from collections.abc import Sequence
from threading import Lock

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.ids import SignalId
from tidegate.match.model import Match
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes

_MINE = frozenset({FingerprintKind.URL, FingerprintKind.DOMAIN})


class Links:
    """The signals that are addresses or hosts. Safe to search from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._signals: dict[tuple[FingerprintKind, bytes], SignalId] = {}

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        # Each change is one step for a search under way: it finds the signal, or does not.
        with self._lock:
            for signal in changed:
                if signal.kind in _MINE and proposes(signal):
                    self._signals[signal.kind, signal.value] = signal.id
                elif signal.kind in _MINE:
                    self._signals.pop((signal.kind, signal.value), None)

    def search(self, fingerprints: Fingerprints, _text: ReadText | None) -> list[Match]:
        """Find the signal of this address, and that of its host."""
        asked = ((FingerprintKind.URL, fingerprints.address), (FingerprintKind.DOMAIN, fingerprints.host))
        found = [(kind, self._signals.get((kind, value.encode()))) for kind, value in asked if value]
        return [
            Match(signal=signal, fingerprint_kind=kind, distance=0, threshold=0, rotation=Rotation.ORIGINAL)
            for kind, signal in found
            if signal is not None
        ]
