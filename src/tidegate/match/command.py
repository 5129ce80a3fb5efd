"""``tidegate index``: how the index on disk stands, and building it by hand. May decide: nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tidegate.db.transaction import TIME, Database
from tidegate.match.upkeep import Upkeep, belongs
from tidegate.match.upkeep import verify as read_through
from tidegate.match.values import manifest as manifests
from tidegate.match.values.files import Damaged, Folder
from tidegate.match.values.manifest import Manifest, Segment
from tidegate.match.values.opening import Reader
from tidegate.signal import store as signals

#: What was found out about the files.
PASSED, FAILED, NONE_YET = "passed", "failed", "no index yet"


async def status(database: Database, path: Path, *, verify: bool) -> dict[str, Any]:
    """Say how the index on disk stands.

    Args:
        database: to compare positions with.
        path: the folder.
        verify: read every file through and compare its checksum, not only open and test it.
    """
    test, file = await asyncio.to_thread(_test, path, verify=verify)
    try:
        manifest = manifests.read(Folder(path)) or Manifest()
    except Damaged:
        manifest = Manifest(damaged=True)
    async with database.transaction(TIME) as tx:
        newest = await tx.answer(signals.newest_position())
        ours = await belongs(tx, manifest, newest)
    return {
        "self_test": test,
        "damaged_file": file,
        "verified": verify and test == PASSED,
        "of_this_database": ours,
        "position": manifest.position,
        "newest_position": newest,
        "delta": max(newest - manifest.position, 0),
        "generation": manifest.generation,
        "built_at": datetime.fromtimestamp(manifest.built_at, UTC).isoformat() if manifest.built_at else None,
        "build_seconds": round(manifest.seconds, 3),
        "kinds": {kind.value: _facts(segments) for kind, segments in manifest.segments.items() if segments},
    }


def sound(told: dict[str, Any]) -> bool:
    """Say whether nothing is wrong with it."""
    return told["self_test"] != FAILED and bool(told["of_this_database"])


def as_text(told: dict[str, Any]) -> str:
    """Say it in lines."""
    lines = [f"self-test: {told['self_test']}" + (f" ({told['damaged_file']})" if told["damaged_file"] else "")]
    if told["verified"]:
        lines.append("every file was read through: all as written")
    if not told["of_this_database"]:
        lines.append("it was built from another database, or from this one before a backup was brought back")
    if not sound(told):
        lines.append("nothing is answered from it; the worker builds it again (or: tidegate index build)")
    lines.append(f"built to position {told['position']} of {told['newest_position']}; {told['delta']} changes since")
    if told["built_at"]:
        lines.append(f"last build: {told['built_at']}, {told['build_seconds']} s")
    for kind, facts in told["kinds"].items():
        lines.append(
            f"{kind}: {facts['entries']} entries in {facts['segments']} segments, {facts['gone']} gone; "
            f"{facts['bytes']} bytes, {facts['bytes_an_entry']} an entry"
        )
    return "\n".join(lines)


async def build(database: Database, path: Path) -> str:
    """Build what is not on disk yet; say what was done."""
    made = await Upkeep.of(database, path).once(now=True)
    if made is None:
        return "Nothing to build, or another process is building."
    return f"Built to position {made.position} in {made.seconds:.1f} s."


def _test(path: Path, *, verify: bool) -> tuple[str, str | None]:
    try:
        opened = read_through(path) if verify else Reader(path).open()
    except Damaged as error:
        return FAILED, error.reference
    return (NONE_YET if opened is None else PASSED), None


def _facts(segments: Sequence[Segment]) -> dict[str, Any]:
    entries, size = sum(segment.entries for segment in segments), sum(segment.size for segment in segments)
    return {
        "entries": entries,
        "gone": sum(segment.gone for segment in segments),
        "segments": len(segments),
        "bytes": size,
        "bytes_an_entry": round(size / entries, 1),
    }
