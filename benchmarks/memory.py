"""What the kernel keeps of files in memory: it is asked to forget them, so that a disk is measured."""

import os
from pathlib import Path


def push_out_of_memory(folder: Path) -> None:
    """Ask the kernel to forget what it read of the files of a folder; what a process has mapped stays."""
    for path in folder.glob("*.npy"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
