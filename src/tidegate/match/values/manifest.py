"""The manifest: which files make up the index, and up to which signal position they are true.

May decide: nothing. One small JSON file, replaced in one step. It holds numbers, ids and checksums, no fingerprint.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from tidegate.kernel.ids import SignalId
from tidegate.match.values.files import Damaged, File, Folder
from tidegate.signal.model import FingerprintKind

NAME = "manifest.json"
#: A release that writes other files says another number, and builds its own.
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """An immutable table of signals of one kind: arrays by name (``segments.py``) and how many entries they hold.

    ``gone`` counts the entries that changed after it was built; ``files["gone"]`` lists their rows.
    """

    name: str
    entries: int
    gone: int
    files: Mapping[str, File]

    @property
    def size(self) -> int:
        """Give its bytes on disk."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The index on disk.

    Attributes:
        generation: counts the manifests.
        position: every signal's state up to here is in the segments.
        newest: the last signals taken in and their positions, by which a database from a backup is told apart.
        seconds: how long the last build took.
        built_at: when, in seconds since 1970.
        damaged: it was found damaged: nobody may answer from it, and the next build begins anew.
    """

    generation: int = 0
    position: int = 0
    segments: Mapping[FingerprintKind, Sequence[Segment]] = field(default_factory=dict)
    newest: Sequence[tuple[SignalId, int]] = ()
    seconds: float = 0
    built_at: float = 0
    damaged: bool = False

    @property
    def files(self) -> list[File]:
        """List every file it names."""
        return [file for kind in self.segments.values() for segment in kind for file in segment.files.values()]


def write(folder: Folder, manifest: Manifest) -> None:
    """Put a manifest into the place of the last one."""
    told = asdict(manifest)
    told["segments"] = {kind.value: [asdict(segment) for segment in kind_] for kind, kind_ in manifest.segments.items()}
    told["newest"] = [[signal.value.hex, position] for signal, position in manifest.newest]
    body = json.dumps(told, sort_keys=True)
    told = {"format": _FORMAT, "sha256": sha256(body.encode()).hexdigest(), "manifest": body}
    folder.write(NAME, json.dumps(told).encode())


def read(folder: Folder) -> Manifest | None:
    """Read the manifest; None where there is none.

    Raises:
        Damaged: it cannot be read, or another release wrote it.
    """
    try:
        raw = (folder.path / NAME).read_bytes()
    except FileNotFoundError:
        return None
    try:
        told = json.loads(raw)
        body = told["manifest"]
        if told["format"] != _FORMAT or sha256(body.encode()).hexdigest() != told["sha256"]:
            raise Damaged(reference=NAME)
        return _manifest(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(reference=NAME) from error


def stamp(folder: Folder) -> tuple[int, int, int] | None:
    """Say cheaply which manifest there is: when one is replaced this differs."""
    try:
        found = (folder.path / NAME).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _manifest(told: dict[str, Any]) -> Manifest:
    segments = {
        FingerprintKind(kind): tuple(
            Segment(**segment | {"files": {name: File(**file) for name, file in segment["files"].items()}})
            for segment in kind_
        )
        for kind, kind_ in told["segments"].items()
    }
    newest = tuple((SignalId(UUID(hex=signal)), int(position)) for signal, position in told["newest"])
    return Manifest(**told | {"segments": segments, "newest": newest})
