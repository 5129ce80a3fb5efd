"""A PostgreSQL for tests that does not wait for the disk: what a test wrote need not outlive the machine.

Where there is room it is kept in memory: to make a database is to make hundreds of files. Tests of what survives a
crash start servers of their own, as a node does.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

from tidegate.db import cluster, embedded

_HASTY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
}
_MEMORY, _NAME, _ROOM = Path("/dev/shm"), "tidegate-tests", 3 << 30  # noqa: S108 - a folder of our own is made there


@contextmanager
def running(directory: Path) -> Iterator[embedded.EmbeddedPostgres]:
    """Run one while the block runs, then forget it; ``directory`` leads to it."""
    with _in_memory(directory):
        serving = embedded.running(directory, keep=False)
        # Only while it starts: what others start meanwhile and afterwards waits for the disk.
        with patch.dict(cluster.FIXED, _HASTY):
            server = serving.__enter__()
        try:
            yield server
        finally:
            serving.__exit__(None, None, None)


@contextmanager
def _in_memory(directory: Path) -> Iterator[None]:
    """Have a directory that is not there yet lead to one in memory, if there is room."""
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK) or shutil.disk_usage(_MEMORY).free < _ROOM:
        yield
        return
    _sweep()
    made = Path(mkdtemp(prefix=f"{_NAME}-{os.getpid()}-", dir=_MEMORY))
    # The account that runs the server passes through.
    made.chmod(0o711)
    directory.parent.mkdir(parents=True, exist_ok=True)
    if directory.is_dir():
        directory.rmdir()
    directory.symlink_to(made)
    try:
        yield
    finally:
        directory.unlink()
        shutil.rmtree(made, ignore_errors=True)


def _sweep() -> None:
    """Remove what runs that were killed left behind."""
    for left in _MEMORY.glob(f"{_NAME}-*-*"):
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
