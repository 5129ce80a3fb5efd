"""What a second, unlike hash says of a look-alike, where both sides have one.

May decide: nothing; ``verdict.rules`` says what follows. It takes no match away: people see all that is within the
radius. The index keeps no second hash; it is read with the signal, as that stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tidegate.content.model import Fingerprints, Look
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.picture import second
from tidegate.match.model import Match
from tidegate.signal.model import FingerprintKind, Signal


def with_second(matches: Iterable[Match], fingerprints: Fingerprints, signals: Sequence[Signal]) -> list[Match]:
    """Add to each match of a picture how far its second hash is."""
    known = {signal.id: signal for signal in signals if signal.second}
    return [
        replace(match, second_distance=_distance(match, fingerprints, known[match.signal]))
        if match.fingerprint_kind is FingerprintKind.PDQ and match.signal in known
        else match
        for match in matches
    ]


def _distance(match: Match, fingerprints: Fingerprints, signal: Signal) -> int | None:
    turned = list(Rotation).index(match.rotation)

    def apart(look: Look) -> int:
        return (int.from_bytes(look.pdq[turned]) ^ int.from_bytes(signal.value)).bit_count()

    # Of several frames, the one that was found.
    looks = [look for look in fingerprints.looks if look.kind is match.look and len(look.pdq) > turned]
    if not looks:
        return None
    return second.distance(min(looks, key=apart).second, signal.second, match.rotation)
