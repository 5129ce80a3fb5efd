"""What HMA clients call signal types, and what they are to us.

May decide: which types there are here, and how near is written: as a string whose form depends on the type, as theirs
is. ``sha256`` and ``video_sha256`` are one thing, for we do not ask what exact bytes are of; ``video_md5``, which their
clients know, is there by name only: MD5 can be forged, so that a match would prove nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.content.model import ContentKind, Fingerprints, Look
from tidegate.fingerprint.model import Unchecked
from tidegate.fingerprint.video.frames import unpack_frames
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.errors import Malformed, TidegateError, TooLarge, Unavailable
from tidegate.match.model import QUALITY_FLOOR, Match
from tidegate.node import Node
from tidegate.signal.formats import read_value
from tidegate.signal.model import FingerprintKind, Signal

#: The name of an upload's field -> what is in it.
CONTENTS = {"photo": ContentKind.PICTURE, "video": ContentKind.VIDEO}


@dataclass(frozen=True, slots=True)
class SignalType:
    """A type by its name there, and of which uploads it is computed; of none where only signals are looked up.

    One that is ``sought`` is computed where it is asked for by name, to look an upload up, and for nothing else: it
    takes long, and what an upload is searched by is less than what becomes known.
    """

    name: str
    kind: FingerprintKind
    content: str | None = None
    sought: bool = False


TYPES = {
    known.name: known
    for known in (
        SignalType("pdq", FingerprintKind.PDQ, "photo"),
        SignalType("sha256", FingerprintKind.SHA256, "photo"),
        SignalType("video_sha256", FingerprintKind.SHA256, "video"),
        SignalType("vpdq", FingerprintKind.VIDEO, "video", sought=True),
        SignalType("raw_text", FingerprintKind.TEXT),
        SignalType("url", FingerprintKind.URL),
    )
}
#: Known to their clients, and not kept here.
ABSENT = ("video_md5",)

#: Read in the jail, as uploads of these kinds are.
_IN_JAIL = {FingerprintKind.TEXT: ContentKind.TEXT, FingerprintKind.URL: ContentKind.LINK}


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


def types_for(content: str, names: str | None, *, seeking: bool) -> Sequence[SignalType]:
    """Give the types that are wanted of an upload: those named, or all that are quickly computed.

    Args:
        content: what was uploaded.
        names: separated by commas.
        seeking: the upload is looked up, not hashed.

    Raises:
        Malformed: one that is not computed of such an upload.
    """
    wanted = [type_named(name.strip()) for name in (names or "").split(",") if name.strip()]
    if not wanted:
        return [known for known in TYPES.values() if known.content == content and not known.sought]
    if any(known.content != content or known.sought > seeking for known in wanted):
        raise Malformed("One of these signal types is not computed of such a file.", reference="types")
    return wanted


async def read_signal(node: Node, known: SignalType, text: str) -> tuple[Fingerprints, ReadText | None]:
    """Read a signal that a client sent as text, as what an upload with it would be; of a text, how it is compared.

    Raises:
        Malformed: not a value of this type.
        Unavailable: it could not be read just now.
    """
    if known.kind in _IN_JAIL:
        fingerprints, read, unchecked = await node.fingerprint(_IN_JAIL[known.kind], b"", text.strip().encode())
        if unchecked is not None:
            raise not_checked(unchecked)
        return fingerprints, read
    kind, value = read_value(known.name, text)
    if kind is FingerprintKind.SHA256:
        return Fingerprints(sha256=value), None
    if kind is FingerprintKind.VIDEO:
        return Fingerprints(sha256=b"", frames=value), None
    # Of a value alone the rotations are not known, nor the quality: whoever sends it has seen to that.
    return Fingerprints(sha256=b"", looks=(Look(pdq=(value,), quality=100),), quality=100), None


def write_signal(known: SignalType, fingerprints: Fingerprints) -> str:
    """Give what was computed as text; empty where a picture has too little detail to be known again."""
    if known.kind is FingerprintKind.SHA256:
        return fingerprints.sha256.hex()
    if not fingerprints.looks or fingerprints.quality < QUALITY_FLOOR:
        return ""
    return fingerprints.looks[0].pdq[0].hex()


def write_distance(match: Match, signal: Signal, asked: Fingerprints) -> str:
    """Say how near a match is, the way their clients read it.

    Of pictures the bits that differ, of texts the share of letters that are the same, of videos the share of what was
    asked and, in brackets, of what is known that is the same; of exact types nothing but a dash.
    """
    if match.fingerprint_kind is FingerprintKind.PDQ:
        return str(match.distance)
    if match.fingerprint_kind is FingerprintKind.TEXT:
        return f"{100 - -(-match.distance // 10)}%"  # any difference shows
    if match.fingerprint_kind is FingerprintKind.VIDEO and match.span is not None:
        span = match.span
        mine, theirs = span.end - span.start, span.known_end - span.known_start
        return f"{_share(mine, asked.frames)}%[{_share(theirs, signal.value)}%]"
    return "-"


def _share(part: int, frames: bytes) -> int:
    times = unpack_frames(frames)["at"]
    whole = int(times[-1]) - int(times[0]) if len(times) else 0
    return min(100, round(100 * part / whole)) if whole else 100


def not_checked(reason: Unchecked) -> TidegateError:
    """Give the error for what could not be checked: HMA has no word for it, and an empty answer would mean clear."""
    message, values = "This could not be checked (%(reason)s): it is not known to be clear.", {"reason": reason}
    if reason is Unchecked.UNDECODABLE:
        return Malformed(message, values=values, reference="file")
    if reason is Unchecked.TOO_LARGE:
        return TooLarge(message, values=values, reference="file")
    return Unavailable(message, values=values, reference="file")
