"""A PostgreSQL for tests that does not wait for the disk: what a test wrote need not outlive the machine.

Tests of what survives a crash start servers of their own, as a node does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from tidegate.db import cluster, embedded

_HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@contextmanager
def running(directory: Path) -> Iterator[embedded.EmbeddedPostgres]:
    """Run one while the block runs, then forget it."""
    serving = embedded.running(directory, keep=False)
    # Only while it starts: what others start meanwhile and afterwards waits for the disk.
    with patch.dict(cluster.FIXED, _HASTY):
        server = serving.__enter__()
    try:
        yield server
    finally:
        serving.__exit__(None, None, None)
