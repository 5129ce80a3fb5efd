"""The same story in short for a video, a text and a link: found by people once, found by the node when it comes back.

May decide: nothing; these are harmless posts, made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.demonstration.videos import scene, video
from tidegate.signal.model import FingerprintKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is posted first, how it comes back, and what is something else."""

    kind: str
    found_by: FingerprintKind
    first: bytes
    again: Sequence[bytes]
    other: bytes
    #: How it comes back, in words.
    disguise: str


_WORDS = (
    "The society of friends of the old bridge meets on the first Sunday of each month below the third arch. "
    "Bring bread, a lantern and something to sit on; we count the swallows, read the water mark aloud, and walk "
    "home along the towpath before it gets dark. Whoever mends a plank is excused from reading."
)
_OTHER_WORDS = (
    "The library by the harbour lends umbrellas now. Ask at the desk, leave your name, and bring yours back dry. "
    "On rainy days the reading room stays open until the last ferry has gone."
)
#: Latin letters, and Cyrillic ones that look the same.
_LOOK_ALIKE = str.maketrans("aeopcx", "аеорсх")  # noqa: RUF001 -- that is the disguise
_ZERO_WIDTH = "\N{ZERO WIDTH NON-JOINER}"
_CLIP_SECONDS, _AROUND_SECONDS = 12, 20


def a_video() -> Known:
    """Make a clip, the clip smaller and coarser in the middle of a longer video, and another video."""
    clip = scene(61, _CLIP_SECONDS)
    longer = video(scene(62, _AROUND_SECONDS), clip, scene(63, _AROUND_SECONDS), size=(256, 192), quality=28)
    return Known(
        kind="video",
        found_by=FingerprintKind.VIDEO,
        first=video(clip),
        again=(longer,),
        other=video(scene(64, _CLIP_SECONDS)),
        disguise="smaller and coarser, in the middle of a longer video",
    )


def a_text() -> Known:
    """Make a text, the text in other letters and inside a longer one, and another text."""
    hidden = _WORDS.translate(_LOOK_ALIKE).replace("bridge", f"bri{_ZERO_WIDTH}dge")
    return Known(
        kind="text",
        found_by=FingerprintKind.TEXT,
        first=_WORDS.encode(),
        again=(hidden.encode(), f"{_OTHER_WORDS}\n\n{_WORDS}\n\n{_OTHER_WORDS}".encode()),
        other=_OTHER_WORDS.encode(),
        disguise="in letters that only look the same, and inside a longer text",
    )


def a_link() -> Known:
    """Make a link, the same link written otherwise, and another page of the same host."""
    return Known(
        kind="link",
        found_by=FingerprintKind.URL,
        first=b"https://bridges.example/Album/Arch%20One?page=2",
        again=(b"HTTPS://Bridges.EXAMPLE:443/Album/./Arch%20One?page=2#swallows",),
        other=b"https://bridges.example/album/arch%20one?page=2",
        disguise="written in another way",
    )
