"""Numeric loops are compiled once, before anything needs them, whoever asks first."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tidegate import compiling
from tidegate.compiling import compiled
from tidegate.kernel.process import ProcessSpecification, start

#: One loop, so that it takes a second.
LITTLE = (("tidegate.match.past.uploads",),)

#: Does all that loads or compiles a loop, and counts those that had to be compiled.
_MISSES = """
import importlib, sys
from tidegate.compiling import GROUPS
from tidegate.fingerprint import compiled
for name in [name for group in GROUPS for name in group] + ["tidegate.fingerprint.words.link_engine"]:
    getattr(importlib.import_module(name), "warm")()
used = [made for made in compiled._kernels if made.stats.cache_hits or made.stats.cache_misses]
print([made.__name__ for made in used if made.stats.cache_misses], len(used) > 10)
"""


def started(monkeypatch: pytest.MonkeyPatch, groups: Any = LITTLE) -> list[tuple[str, ...]]:
    """Compile little, and note what is started."""
    noted: list[tuple[str, ...]] = []

    def noting(specification: ProcessSpecification) -> "subprocess.Popen[bytes]":
        noted.append(specification.argv)
        return start(specification)

    monkeypatch.setattr(compiling, "GROUPS", groups)
    monkeypatch.setattr(compiling, "start", noting)
    return noted


def test_it_is_done_once_and_by_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache, noted = tmp_path / "cache", started(monkeypatch)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: compiled(cache, print), range(3)))
    compiled(cache, print)
    assert len(noted) == 1
    assert list(cache.rglob("*.nbi"))
    assert oct(cache.stat().st_mode)[-3:] == "700", "whoever can write there decides what runs"


def test_what_failed_is_tried_again_and_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache, noted = tmp_path / "cache", started(monkeypatch, (("tidegate.no_such_module",),))
    for _ in range(2):
        compiled(cache, print)
    assert len(noted) == 2


def test_it_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[str] = []
    started(monkeypatch)
    monkeypatch.setattr(compiling, "_QUIET_SECONDS", 0.0)
    compiled(tmp_path / "cache", said.append)
    assert said[0].startswith("Compiling for this processor, which happens once: 0 loops in 0 s")
    assert said[-1].startswith("Compiled in ")


def test_nothing_is_left_to_compile_in_a_request(kernels: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kernels)}
    done = subprocess.run([sys.executable, "-c", _MISSES], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"
