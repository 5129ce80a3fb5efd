"""Deletes each safeguard in turn and sees its test fail.

``python tests/mutations.py [--rule 4]``. For every row of ``mutations.toml`` the source is copied, one piece of text
replaced, and the one test named there is run against the copy over HTTP. A mutation whose test still passes has
survived: the safeguard is not proven. A text that is no longer there is a failure too, so the list cannot rot.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import forgetful

ROOT = Path(__file__).parents[1]
AT_ONCE = 2
_PYTEST = ("-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:schemathesis")
_NO_TEST_FAILED = 0
_A_TEST_FAILED = 1


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rule", type=int, help="only the mutations of one rule")
    options.add_argument("--at-once", type=int, default=AT_ONCE, help="how many are tried side by side")
    chosen = options.parse_args()
    every = tomllib.loads((ROOT / "tests" / "mutations.toml").read_text())["mutation"]
    wanted = [row for row in every if chosen.rule in {None, row["rule"]}]
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-mutations-") as folder,
        forgetful.running(Path(folder) / "postgres"),
        ThreadPoolExecutor(chosen.at_once) as pool,
    ):
        copies = Copies(Path(folder), chosen.at_once)
        problems = list(pool.map(lambda number: attempt(number, wanted, copies), range(len(wanted))))
    survived = [problem for problem in problems if problem]
    print(f"{len(wanted) - len(survived)} passed, {len(survived)} failed", flush=True)
    sys.exit(1 if survived else 0)


class Copies:
    """Copies of the source to mutate, one for each that is tried at the same time.

    Each stays in its place: compiled kernels are kept by the path of their source, and compiling them anew takes longer
    than the test.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self._free: SimpleQueue[Path] = SimpleQueue()
        for copy in range(number):
            source = folder / str(copy) / "src"
            # With the compiled files beside it: they are read again only where the source is the same.
            shutil.copytree(ROOT / "src", source)
            self._free.put(source)

    @contextmanager
    def mutated(self, row: dict[str, Any]) -> Iterator[Path]:
        """Give a copy with one piece of text replaced, and mend it afterwards."""
        source = self._free.get()
        path = source / "tidegate" / row["file"]
        try:
            path.write_text(path.read_text().replace(row["find"], row["replace"]))
            yield source
        finally:
            shutil.copy2(ROOT / "src" / "tidegate" / row["file"], path)
            self._free.put(source)


def attempt(number: int, wanted: Sequence[dict[str, Any]], copies: Copies) -> str | None:
    """Try one mutation; give what is wrong, if anything."""
    row, began = wanted[number], time.monotonic()
    problem = _survives(row, copies)
    said = f"SURVIVED ({problem})" if problem else "killed"
    took = f"{time.monotonic() - began:.0f} s"
    print(f"{number + 1:2}/{len(wanted)} rule {row['rule']:2}: {row['what']}: {said}, {took}", flush=True)
    return problem


def _survives(row: dict[str, Any], copies: Copies) -> str | None:
    times = (ROOT / "src" / "tidegate" / row["file"]).read_text().count(row["find"])
    if times != 1:
        return f"the text stands {times} times in {row['file']}"
    kept = {
        "POSTGRES_FOR_TESTS": str(copies.folder / "postgres"),
        "KERNELS_FOR_TESTS": str(copies.folder / "kernels"),
    }
    with copies.mutated(row) as source:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_PYTEST, row["test"]],
            cwd=ROOT,
            env={**os.environ, **kept, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    if done.returncode == _NO_TEST_FAILED:
        return "its test passes without it"
    if done.returncode != _A_TEST_FAILED or " failed" not in done.stdout:
        return f"its test did not run: {done.stdout.strip()[-300:]}"
    return None


if __name__ == "__main__":
    main()
