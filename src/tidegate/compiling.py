"""Compiling every numeric loop before anything needs it: once for a data directory, by one process at a time.

May decide: when there is something to compile, and what is compiled beside what. To compile takes seconds, and nothing
may wait for it in the middle of a request, least of all a locked child, which could not compile at all. Whoever opens
a node asks for it first: one does it, the others wait and load what it left. It runs in processes of its own, so that
it takes two processors, and whoever asked can go on with other things meanwhile.

The parts are named, never imported: this is not the side that decodes.
"""

import fcntl
import importlib
import importlib.metadata
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import tidegate
from tidegate.jail.pool import make_private
from tidegate.kernel.process import ProcessSpecification, start

Say = Callable[[str], object]

#: Modules whose ``warm`` compiles all they use. What two groups share stands first in one and late in the other, which
#: then finds it done.
GROUPS: Final = (
    (
        "tidegate.fingerprint.picture.decoder",
        "tidegate.fingerprint.video.decoder",
        "tidegate.fingerprint.words.text_engine",
        "tidegate.match.words.texts",
    ),
    (
        "tidegate.fingerprint.picture.reduced",
        "tidegate.match.values.hamming",
        "tidegate.match.video.videos",
        "tidegate.match.past.uploads",
        "tidegate.match.index",
    ),
)

_LOCK: Final = "compiling.lock"
_QUIET_SECONDS, _WORD_EVERY_SECONDS, _TICK_SECONDS = 3.0, 3.0, 0.05


def compiled(cache: Path, say: Say) -> None:
    """See that every loop is compiled in this folder, or wait until another process has done it.

    Where that fails, each process compiles what it needs for itself.

    Args:
        cache: of the node's own; whoever can write there decides what runs.
        say: told that it compiles, and how far it is, when that takes longer than a few seconds.
    """
    make_private(cache)
    done = cache / f"compiled-{_stamp()}"
    if done.exists():
        return
    with _only_one(cache):
        if not done.exists() and _compile(cache, say):
            done.touch()


def compiled_beside(cache: Path, say: Say) -> None:
    """Begin it, and come back at once: whoever opens a node waits for it."""
    threading.Thread(target=compiled, args=(cache, say), name="compiling", daemon=True).start()


def _compile(cache: Path, say: Say) -> bool:
    """Run a process for each group; say whether all of them reached their end."""
    began = said = time.monotonic()
    environment = {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(Path(tidegate.__file__).parents[1]),
        "NUMBA_CACHE_DIR": str(cache),
    }
    processes = [
        # They end with this thread, which waits for them.
        start(
            ProcessSpecification(
                name="compiling", argv=(sys.executable, "-m", __name__, *group), environment=environment
            )
        )
        for group in GROUPS
    ]
    while not all(process.poll() is not None for process in processes):
        time.sleep(_TICK_SECONDS)
        now = time.monotonic()
        if now - began > _QUIET_SECONDS and (said == began or now - said > _WORD_EVERY_SECONDS):
            said = now
            loops = sum(1 for _ in cache.rglob("*.nbi"))
            say(f"Compiling for this processor, which happens once: {loops} loops in {now - began:.0f} s so far.")
    if said != began:
        say(f"Compiled in {time.monotonic() - began:.0f} s.")
    return all(process.returncode == 0 for process in processes)


def _stamp() -> str:
    """Name all that what is compiled depends on: the processor, the compiler, and our loops."""
    from llvmlite import binding

    source = Path(tidegate.__file__).parent
    every = [path for stage in ("fingerprint", "match") for path in sorted((source / stage).rglob("*.py"))]
    files = [path for path in every if b"numba" in (read := path.read_bytes()) or b"import kernel" in read]
    parts = [
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        sys.version,
        *(importlib.metadata.version(part) for part in ("numba", "llvmlite", "numpy")),
        *(f"{path} {found.st_mtime_ns} {found.st_size}" for path in files for found in [path.stat()]),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


@contextmanager
def _only_one(cache: Path) -> Iterator[None]:
    """Wait for whoever compiles here already. The lock is let go however the process ends."""
    descriptor = os.open(cache / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main() -> None:
    """Compile all that the modules named on the command line use."""
    for name in sys.argv[1:]:
        importlib.import_module(name).warm()


if __name__ == "__main__":
    main()
