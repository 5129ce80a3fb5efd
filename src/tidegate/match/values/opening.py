"""Opening the index on disk: the newest manifest and its segments, tested before anything is answered from them.

May decide: that what it read is not to be trusted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidegate.match.values import manifest as manifests
from tidegate.match.values.files import Damaged, Folder
from tidegate.match.values.manifest import Manifest
from tidegate.match.values.segments import OpenSegment
from tidegate.signal.model import FingerprintKind

#: Whoever finds a damaged file leaves this one, and the next upkeep reads everything through.
SUSPECT = "suspect"

_TRIES = 8


@dataclass(frozen=True, slots=True)
class Opened:
    """A manifest and its segments, open."""

    manifest: Manifest
    segments: Mapping[FingerprintKind, Sequence[OpenSegment]]


class Reader:
    """Follows the manifest of a folder."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)
        self._stamp: tuple[int, int, int] | None = None
        #: Names of segments that passed their test in this process: they never change.
        self._tested: set[str] = set()
        self._verified: set[str] = set()

    @property
    def outdated(self) -> bool:
        """Say, at the cost of one look at the folder, whether there is a manifest not yet opened."""
        return manifests.stamp(self._folder) != self._stamp

    def open(self) -> Opened | None:
        """Open the newest manifest; None where there is none.

        Raises:
            Damaged: it, or a segment of it, is not what it should be.
        """
        for _ in range(_TRIES):
            self._stamp = manifests.stamp(self._folder)
            manifest = manifests.read(self._folder)
            if manifest is None:
                return None
            if manifest.damaged:
                raise Damaged(reference=manifests.NAME)
            try:
                return self._open(manifest)
            except FileNotFoundError:
                # Replaced and removed while we opened it; if not, it is missing.
                if manifests.stamp(self._folder) == self._stamp:
                    break
        raise Damaged(reference=manifests.NAME)

    def verify(self, opened: Opened) -> None:
        """Read through every file not yet read through by this process.

        Raises:
            Damaged: a checksum is wrong.
        """
        for segment in _all(opened):
            if segment.segment.name not in self._verified:
                segment.verify(self._folder)
                self._verified.add(segment.segment.name)

    def suspect(self) -> None:
        """Ask the next upkeep to read everything through."""
        self._tested.clear()
        if self._folder.path.is_dir():
            (self._folder.path / SUSPECT).touch()

    def _open(self, manifest: Manifest) -> Opened:
        opened = Opened(
            manifest,
            {
                kind: tuple(OpenSegment(self._folder, segment, kind) for segment in segments)
                for kind, segments in manifest.segments.items()
            },
        )
        for segment in _all(opened):
            if segment.segment.name not in self._tested:
                segment.test_itself()
                self._tested.add(segment.segment.name)
        return opened


def _all(opened: Opened) -> list[OpenSegment]:
    return [segment for segments in opened.segments.values() for segment in segments]
