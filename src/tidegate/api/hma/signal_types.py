"""What HMA clients call signal types, and what they are to us.

May decide: which types there are here, and how near is written: as a string whose form depends on the type, as theirs
is. ``sha256`` and ``video_sha256`` are one thing, for we do not ask what exact bytes are of; ``video_md5``, which their
clients know, is there by name only: MD5 can be forged, so that a match would prove nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.content.model import ContentKind, Fingerprints, Look
from tidegate.kernel.errors import Malformed
from tidegate.match.model import QUALITY_FLOOR, Match
from tidegate.signal.model import FingerprintKind
from tidegate.signal.rules import check_value

#: The name of an upload's field -> what is in it.
CONTENTS = {"photo": ContentKind.PICTURE, "video": ContentKind.VIDEO}


@dataclass(frozen=True, slots=True)
class SignalType:
    """A type by its name there, and whose uploads it is computed of."""

    name: str
    kind: FingerprintKind
    content: str


TYPES = {
    known.name: known
    for known in (
        SignalType("pdq", FingerprintKind.PDQ, "photo"),
        SignalType("sha256", FingerprintKind.SHA256, "photo"),
        SignalType("video_sha256", FingerprintKind.SHA256, "video"),
    )
}
#: Known to their clients, and not kept here.
ABSENT = ("video_md5",)


def type_named(name: str) -> SignalType:
    """Find a type.

    Raises:
        Malformed: there is none of this name.
    """
    if (known := TYPES.get(name)) is None:
        raise Malformed(
            "There is no such signal type here: this node has %(words)s.",
            values={"words": ", ".join(TYPES)},
            reference="signal_type",
        )
    return known


def types_for(content: str, names: str | None) -> Sequence[SignalType]:
    """Give the types that are wanted of an upload: those named, or all there are.

    Raises:
        Malformed: one that is not computed of such an upload.
    """
    if names is None or not names.strip():
        return [known for known in TYPES.values() if known.content == content]
    wanted = [type_named(name.strip()) for name in names.split(",") if name.strip()]
    if any(known.content != content for known in wanted):
        raise Malformed("One of these signal types is not computed of such a file.", reference="types")
    return wanted


def read_signal(known: SignalType, text: str) -> Fingerprints:
    """Read a signal that a client sent as text, as what an upload with it would be.

    Raises:
        Malformed: not a value of this type.
    """
    _, value = check_value(known.kind, text.strip())
    if known.kind is FingerprintKind.SHA256:
        return Fingerprints(sha256=value)
    # Of a value alone the rotations are not known, nor the quality: whoever sends it has seen to that.
    return Fingerprints(sha256=b"", looks=(Look(pdq=(value,), quality=100),), quality=100)


def write_signal(known: SignalType, fingerprints: Fingerprints) -> str:
    """Give what was computed as text; empty where a picture has too little detail to be known again."""
    if known.kind is FingerprintKind.SHA256:
        return fingerprints.sha256.hex()
    if not fingerprints.looks or fingerprints.quality < QUALITY_FLOOR:
        return ""
    return fingerprints.looks[0].pdq[0].hex()


def write_distance(match: Match) -> str:
    """Say how near a match is, the way their clients read it."""
    return "-" if match.exact else str(match.distance)
