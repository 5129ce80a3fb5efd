"""The index: every signal within the radius of a fingerprint, none missed.

May decide: nothing; it asks its parts, one for each kind of fingerprint. It proposes only; PostgreSQL is asked again
before anything follows from it. An index knows the signals up to a position and is brought forward with those that
changed since. Where it has a folder, the kinds of which there are millions begin from the segments there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.errors import Unavailable
from tidegate.match.exact import ExactBytes
from tidegate.match.model import Match
from tidegate.match.pictures import Pictures
from tidegate.match.values import hamming
from tidegate.match.values.files import Damaged
from tidegate.match.values.manifest import Manifest
from tidegate.match.values.opening import Opened, Reader
from tidegate.match.video import videos
from tidegate.match.video.videos import Videos
from tidegate.match.words import texts
from tidegate.match.words.links import Links
from tidegate.match.words.texts import Texts
from tidegate.signal.model import Signal


class IndexDown(Unavailable):
    """The index is not ready. What is sent meanwhile is answered as not checked and checked again later."""


class Part(Protocol):
    """What one kind of fingerprint is found with. Safe to search from several threads."""

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed, of any kind, in the order of their positions."""

    def search(self, fingerprints: Fingerprints, text: ReadText | None) -> list[Match]:
        """Find all matches, each signal once.

        Args:
            fingerprints: of an upload.
            text: what is compared of a text; None when its bytes are not at hand, or when it is no text.
        """


class Index:
    """All signals that propose something, as of ``position``. Safe to search from several threads.

    Attributes:
        position: every change of a signal up to here is in it.
        kept_to: up to here, signals of the kinds in ``known`` came from the segments.
        damaged: it must not be asked: a file it rests on is damaged.
        behind: it must not be asked: it has to read the database first.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.position = 0
        self.kept_to = 0
        self.damaged = False
        self.behind = folder is not None
        exact, pictures = ExactBytes(), Pictures()
        self.videos = Videos()
        self._parts: tuple[Part, ...] = (exact, pictures, self.videos, Texts(), Links())
        self.known = (exact.known, pictures.known)
        self._reader = None if folder is None else Reader(folder)
        self._opened: Opened | None = None

    def bring_forward(self, changed: Sequence[Signal]) -> None:
        """Take in the signals that changed after ``position``, in the order of their positions."""
        if not changed:
            return
        for part in self._parts:
            part.bring_forward(changed)
        # Only now: a search never claims a position that one of the parts has not reached.
        self.position = changed[-1].position

    def reached(self, position: int) -> None:
        """Take note that nothing more changed up to a position."""
        self.position = max(self.position, position)
        self.behind = False

    @property
    def ready(self) -> bool:
        """Say whether it may be asked."""
        return not (self.damaged or self.behind)

    def search(self, fingerprints: Fingerprints, text: ReadText | None = None) -> tuple[list[Match], int]:
        """Find all matches, nearest first, and the position they are true for.

        Raises:
            IndexDown: it must not be asked.
        """
        position = self.position
        found = [match for part in self._parts for match in part.search(fingerprints, text)]
        # Asked last: a search during which damage was found does not count.
        if not self.ready:
            raise IndexDown
        return sorted(found, key=lambda match: (not match.exact, match.distance, match.signal)), position

    # --- the segments on disk ---

    @property
    def outdated(self) -> bool:
        """Say whether there are segments newer than those in use."""
        return self._reader is not None and self._reader.outdated

    def take_up(self) -> Manifest | None:
        """Begin to use the newest segments; give their manifest, None where there are none that can be used.

        If they are damaged, the index answers nothing until there are others or it begins anew.
        """
        assert self._reader is not None
        try:
            opened = self._reader.open()
        except Damaged:
            self.condemn()
            return None
        if opened is None:
            self.begin_anew()
            return None
        if opened.manifest.position < self.kept_to:
            self.begin_anew()
        for known in self.known:
            known.adopt(opened.segments.get(known.kind, ()), opened.manifest.position)
        self._opened, self.kept_to, self.damaged = opened, opened.manifest.position, False
        return opened.manifest

    def begin_anew(self) -> None:
        """Forget the segments: everything is read from the database again."""
        if self._opened is not None or self.damaged:
            self.behind = True
            for known in self.known:
                known.adopt((), 0)
            self._opened, self.position, self.kept_to, self.damaged = None, 0, 0, False

    def condemn(self) -> None:
        """Answer no more from what is open, and have it read through and built anew."""
        self.damaged = True
        if self._reader is not None:
            self._reader.suspect()

    def verify(self) -> None:
        """Read the files through; where one is damaged, answer nothing any more."""
        opened = self._opened
        if self._reader is not None and opened is not None:
            try:
                self._reader.verify(opened)
            except Damaged:
                if self._opened is opened:
                    self.condemn()


def compare(fingerprints: Fingerprints, signals: Sequence[Signal], text: ReadText | None = None) -> list[Match]:
    """Match against a few signals directly, for those newer than the index."""
    index = Index()
    index.bring_forward(sorted(signals, key=lambda signal: signal.position))
    return index.search(fingerprints, text)[0]


def warm() -> None:
    """Compile or load every loop that a search needs, so that no upload waits for it."""
    for part in (hamming, videos, texts):
        part.warm()
