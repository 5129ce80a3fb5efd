"""``tidegate fingerprint FILE...``: what the node would compute of these files.

May decide: the exit status (0 when every file had a fingerprint, 1 otherwise). Files are decoded in the jail,
like uploads. The hashes are printed because someone asked for those of their own files; they are not logged.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tidegate.fingerprint.picture.reading import fingerprint_in
from tidegate.fingerprint.video import vpdq_text
from tidegate.fingerprint.video.frames import END, Density, Frames, Part, join_frames, read_part
from tidegate.fingerprint.video.jail import VideoJail
from tidegate.jail import Jail, JailError

#: Milliseconds of processor time a part of a video may take.
_BUDGET = 10_000


def compiled_by_a_node(data_directory: Path) -> Path | None:
    """Give the folder where a node of ours on this machine keeps what it compiled; None where there is none."""
    cache = data_directory / "cache"
    return cache if cache.is_dir() and cache.stat().st_uid == os.geteuid() else None


def fingerprint_files(
    paths: Iterable[Path], stdout_write: Callable[[str], object], *, cache: Path | None = None
) -> int:
    """Write one line of JSON for each file: its fingerprints, or why there are none.

    Args:
        paths: of the files.
        stdout_write: told each line.
        cache: where compiled loops are kept; without it they are compiled first, which takes seconds.
    """
    return asyncio.run(_fingerprint_files(paths, stdout_write, Jail(size=1, cache_directory=cache)))


async def _fingerprint_files(paths: Iterable[Path], stdout_write: Callable[[str], object], jail: Jail) -> int:
    status = 0
    await jail.start()
    try:
        for path in paths:
            line = await _line(path, jail)
            status |= "error" in line
            stdout_write(json.dumps(line) + "\n")
    finally:
        await jail.stop()
    return status


async def _line(path: Path, jail: Jail) -> dict[str, Any]:
    try:
        data = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        return {"file": str(path), "error": error.strerror or "unreadable"}
    known: dict[str, Any] = {"file": str(path), "sha256": hashlib.sha256(data).hexdigest()}
    try:
        found = await fingerprint_in(jail, data, full_size=True)
    except JailError as error:
        return known | {"error": error.reason.value}
    return (
        known
        | {
            "width": found.width,
            "height": found.height,
            "looks": [
                {"kind": look.kind, "pdq": look.pdq[0].hex(), "quality": look.quality, "second": look.second.hex()}
                for look in found.looks
            ],
        }
        | ({"partial": True} if found.partial else {})
    )


def write_vpdq(
    paths: Iterable[Path],
    stdout_write: Callable[[str], object],
    stderr_write: Callable[[str], object],
    *,
    cache: Path | None = None,
) -> int:
    """Write the vPDQ hash of each video, every frame, in the form of the vpdq tools; say which have none."""
    return asyncio.run(_write_vpdq(paths, stdout_write, stderr_write, VideoJail(cache)))


async def _write_vpdq(
    paths: Iterable[Path],
    stdout_write: Callable[[str], object],
    stderr_write: Callable[[str], object],
    videos: VideoJail,
) -> int:
    status = 0
    try:
        for path in paths:
            try:
                stdout_write(vpdq_text.write(await _every_frame(await videos.open(), path)))
            except OSError as error:
                status, _ = 1, stderr_write(f"{path}: {error.strerror or 'unreadable'}\n")
            except JailError as error:
                status, _ = 1, stderr_write(f"{path}: {error.reason.value}\n")
    finally:
        await videos.close()
    return status


async def _every_frame(jail: Jail, path: Path) -> Frames:
    data = await asyncio.to_thread(path.read_bytes)
    parts, start = [], 0
    while start < END:
        read = await read_part(jail, data, Part(density=Density.ALL, start=start, budget=_BUDGET))
        parts.append(read.frames)
        start = read.next
    return join_frames(parts)
