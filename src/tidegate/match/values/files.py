"""The files of the index: each operation after which the machine may stop. May decide: nothing.

A file is written under a name nobody knows yet, made durable, and only then named by the manifest, which is replaced in
one step. So whatever stops between any two operations, the manifest names whole files. ``tests`` stop after each.
"""

import fcntl
import hashlib
import math
import mmap
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.kernel.errors import IntegrityError

_PIECE = 2**20
#: Of an array's file; NumPy's own are of 128 bytes for ours.
_LONGEST_HEAD = 4096


class Damaged(IntegrityError):
    """A file of the index is damaged. It is rebuilt from the database; until then nothing is answered as checked."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is finished: its name in the folder, its size in bytes and its SHA-256, hexadecimal."""

    name: str
    size: int
    sha256: str


class Folder:
    """The folder of the index."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the folder; nobody else may look in."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self, name: str, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:  # noqa: ANN401 - any dtype
        """Make room for an array on disk."""
        return np.lib.format.open_memmap(self.path / name, mode="w+", dtype=kind, shape=shape)

    def finish(self, name: str, array: NDArray[Any]) -> File:
        """Make an array durable."""
        assert isinstance(array, np.memmap)
        array.flush()
        with (self.path / name).open("rb") as file:
            os.fsync(file.fileno())
        return self.measure(name)

    def measure(self, name: str) -> File:
        """Read a file through and say what it is."""
        digest, size = hashlib.sha256(), 0
        with (self.path / name).open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
        return File(name, size, digest.hexdigest())

    def open(self, file: File, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: ANN401 - any dtype
        """Map an array that must look like this.

        Raises:
            FileNotFoundError: there is no such file (any more).
            Damaged: it is not what the manifest says.
        """
        path = self.path / file.name
        if path.stat().st_size != file.size:
            raise Damaged(reference=file.name)
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except ValueError as error:
            raise Damaged(reference=file.name) from error
        if array.dtype != np.dtype(kind) or array.shape != shape or not array.flags.c_contiguous:
            raise Damaged(reference=file.name)
        return np.asarray(array)

    def map(self, file: File, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: ANN401 - any dtype
        """Map an array without reading any of it: what ``open`` asks its head is taken from the file's size.

        Raises:
            FileNotFoundError: there is no such file (any more).
            Damaged: it is not of the size the manifest says, or not of that of such an array.
        """
        with (self.path / file.name).open("rb") as opened:
            head = file.size - math.prod(shape) * np.dtype(kind).itemsize
            if os.fstat(opened.fileno()).st_size != file.size or not 0 < head <= _LONGEST_HEAD:
                raise Damaged(reference=file.name)
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=kind, offset=head).reshape(shape)

    def write(self, name: str, data: bytes) -> None:
        """Put a small file into the place of another, in one step."""
        waiting = self.path / f"{name}.{secrets.token_hex(4)}.new"
        with waiting.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.rename(waiting.name, name)
        self.make_durable()

    def rename(self, name: str, other: str) -> None:
        """Give a file another's name."""
        (self.path / name).replace(self.path / other)

    def make_durable(self) -> None:
        """Make the folder's own list durable: new names, and names taken over."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep_only(self, names: Iterable[str]) -> None:
        """Remove what nothing names any more; whoever has it open keeps it."""
        kept = set(names)
        for path in self.path.iterdir():
            if path.suffix in {".npy", ".new"} and path.name not in kept:
                self.remove(path.name)

    def remove(self, name: str) -> None:
        """Remove one file."""
        (self.path / name).unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold the lock of a folder's one writer, which dies with its process; say whether we have it."""
    with (path / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
