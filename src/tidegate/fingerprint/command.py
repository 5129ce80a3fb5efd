"""``tidegate fingerprint FILE...``: what the node would compute of these files.

May decide: the exit status (0 when every file had a fingerprint, 1 otherwise). Files are decoded in the jail,
like uploads. The hashes are printed because someone asked for those of their own files; they are not logged.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tidegate.fingerprint.picture import fingerprint_in
from tidegate.jail import Jail, JailError


def fingerprint_files(paths: Iterable[Path], stdout_write: Callable[[str], object], *, jail: Jail | None = None) -> int:
    """Write one line of JSON for each file: its fingerprints, or why there are none."""
    return asyncio.run(_fingerprint_files(paths, stdout_write, jail or Jail(size=1)))


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
        found = await fingerprint_in(jail, data)
    except JailError as error:
        return known | {"error": error.reason.value}
    return known | {
        "pdq": found.pdq[0].hex(),
        "quality": found.quality,
        "width": found.width,
        "height": found.height,
    }
