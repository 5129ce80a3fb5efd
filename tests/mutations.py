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
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
AT_ONCE = 2
_NO_TEST_FAILED = 0
_A_TEST_FAILED = 1


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rule", type=int, help="only the mutations of one rule")
    chosen = options.parse_args()
    every = tomllib.loads((ROOT / "tests" / "mutations.toml").read_text())["mutation"]
    wanted = [row for row in every if chosen.rule in {None, row["rule"]}]
    with tempfile.TemporaryDirectory(prefix="tidegate-mutations-") as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        kernels = Path(folder) / "kernels"
        kernels.mkdir(mode=0o700)
        # One after the other until the kernels are compiled, then side by side.
        problems = [attempt(0, wanted[0], Path(folder), kernels)]
        numbers = range(1, len(wanted))
        problems += pool.map(lambda number: attempt(number, wanted[number], Path(folder), kernels), numbers)
    survived = [problem for problem in problems if problem]
    print(f"{len(wanted) - len(survived)} passed, {len(survived)} failed", flush=True)
    sys.exit(1 if survived else 0)


def attempt(number: int, row: dict[str, Any], folder: Path, kernels: Path) -> str | None:
    """Try one mutation; give what is wrong, if anything."""
    problem = _survives(number, row, folder, kernels)
    said = f"SURVIVED ({problem})" if problem else "killed"
    print(f"rule {row['rule']:2}: {row['what']}: {said}", flush=True)
    return problem


def _survives(number: int, row: dict[str, Any], folder: Path, kernels: Path) -> str | None:
    source = folder / str(number) / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    path = source / "tidegate" / row["file"]
    text = path.read_text()
    if text.count(row["find"]) != 1:
        return f"the text stands {text.count(row['find'])} times in {row['file']}"
    path.write_text(text.replace(row["find"], row["replace"]))
    environment = {**os.environ, "PYTHONPATH": str(source), "KERNELS_FOR_TESTS": str(kernels)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", row["test"]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    shutil.rmtree(source.parent, ignore_errors=True)
    if done.returncode == _NO_TEST_FAILED:
        return "its test passes without it"
    if done.returncode != _A_TEST_FAILED or " failed" not in done.stdout:
        return f"its test did not run: {done.stdout.strip()[-300:]}"
    return None


if __name__ == "__main__":
    main()
