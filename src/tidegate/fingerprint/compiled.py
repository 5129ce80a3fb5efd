"""Numeric loops, compiled by numba when they are first called.

May decide: where what was compiled is kept. Whoever can write there decides what we run, so it is a folder of the
node's own, named once; until it is named, every process compiles for itself.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import config, njit

Function = TypeVar("Function", bound=Callable[..., object])

_kernels: list[Any] = []


def kernel(function: Function) -> Function:
    """Compile, without any liberty that could alter a bit: no fast mathematics, no threads."""
    made = njit(nogil=True)(function)
    _kernels.append(made)
    # A locked child's folder is named by its environment (``jail/link.py``).
    if config.CACHE_DIR:  # type: ignore[attr-defined]  # numba sets them from the environment
        made.enable_caching()
    return cast("Function", made)


def keep_compiled(folder: Path) -> None:
    """Keep what is compiled from now on in this folder, and take from there what was compiled before."""
    config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # as above
    for made in _kernels:
        made.enable_caching()
