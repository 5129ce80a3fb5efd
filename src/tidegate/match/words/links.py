"""Links: the signals that are the same address, and those that are its host, of a link and of what a text leads to.

May decide: which signals are near. Such a match is for people to look at; it never holds anything (floor rule 1).

An address matches letter for letter in its canonical form. A domain matches its host and no other, a leading ``www.``
aside: what stands below a host may be somebody else's (a blogging platform), and no list says so for every host. Of a
text whose bytes are gone, digests are compared.
"""

from collections.abc import Sequence
from threading import Lock

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.words.link import digest, domain_of
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.ids import SignalId
from tidegate.match.model import Match, Span, Where
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes

_MINE = frozenset({FingerprintKind.URL, FingerprintKind.DOMAIN})


class Links:
    """The signals that are addresses or hosts. Safe to search from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._signals: dict[tuple[FingerprintKind, bytes], SignalId] = {}
        self._digests: dict[bytes, tuple[FingerprintKind, SignalId]] = {}

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, in the order of their positions."""
        # Each change is one step for a search under way: it finds the signal, or does not.
        with self._lock:
            for signal in changed:
                if signal.kind not in _MINE:
                    continue
                name = digest(signal.value.decode(errors="replace"))
                if proposes(signal):
                    self._signals[signal.kind, signal.value] = signal.id
                    self._digests[name] = (signal.kind, signal.id)
                else:
                    self._signals.pop((signal.kind, signal.value), None)
                    self._digests.pop(name, None)

    def search(self, fingerprints: Fingerprints, text: ReadText | None) -> list[Match]:
        """Find the signals of an address and its host, and those of the addresses in a text and their hosts."""
        found = {signal: _match(kind, signal) for kind, signal in self._known(fingerprints.address, fingerprints.host)}
        for written in text.addresses if text is not None else ():
            span = Span(start=written.start, end=written.end, known_start=0, known_end=len(written.address))
            for kind, signal in self._known(written.address, domain_of(written.address)):
                found.setdefault(signal, _match(kind, signal, Where.INSIDE, span))
        for name in fingerprints.leads_to if text is None else ():
            if (known := self._digests.get(name)) is not None:
                found.setdefault(known[1], _match(*known, Where.INSIDE))
        return list(found.values())

    def _known(self, address: str, host: str) -> list[tuple[FingerprintKind, SignalId]]:
        asked = ((FingerprintKind.URL, address), (FingerprintKind.DOMAIN, host))
        found = [(kind, self._signals.get((kind, value.encode()))) for kind, value in asked if value]
        return [(kind, signal) for kind, signal in found if signal is not None]


def _match(kind: FingerprintKind, signal: SignalId, where: Where = Where.CONTENT, span: Span | None = None) -> Match:
    return Match(
        signal=signal,
        fingerprint_kind=kind,
        distance=0,
        threshold=0,
        rotation=Rotation.ORIGINAL,
        span=span,
        where=where,
    )
