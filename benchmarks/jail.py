"""What the jail costs: a picture decoded in a locked child against the same picture decoded here, one after the other.

``python -m benchmarks.jail --json``. The picture is a generated JPEG of 0.5 megapixels and about 100 KB. Measured for
children that read one file, some, and many; their processor time is what the kernel counts when they end.
Left out: several requests at the same time, which share processors with their caller, and the caller's HTTP.
"""

import argparse
import asyncio
import io
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tidegate.fingerprint.picture import decoder
from tidegate.fingerprint.picture.reading import fingerprint_in
from tidegate.jail import Jail, Limits


def picture(width: int = 800, height: int = 600) -> bytes:
    """Draw a JPEG with some noise in it, so that it weighs what photographs weigh."""
    chance = np.random.default_rng(1)
    coarse = Image.fromarray(chance.integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    noisy = np.clip(smooth + chance.integers(-12, 12, smooth.shape), 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(noisy).save(out, "JPEG", quality=80)
    return out.getvalue()


def here(data: bytes, count: int) -> dict[str, float]:
    """Decode in this process, as nobody should."""
    decoder.warm()
    taken = []
    for _ in range(count):
        started = time.perf_counter()
        decoder.fingerprint(data, b"")
        taken.append(time.perf_counter() - started)
    return _milliseconds(taken)


async def jailed(data: bytes, count: int, files: int, cache: Path) -> dict[str, float]:
    """Decode in the jail, where a child reads so many files."""
    jail = Jail(size=1, cache_directory=cache, limits=Limits(requests=files))
    await jail.start()
    taken, of_the_caller = [], time.process_time()
    try:
        for _ in range(count):
            started = time.perf_counter()
            await fingerprint_in(jail, data)
            taken.append(time.perf_counter() - started)
        of_the_caller = time.process_time() - of_the_caller
    finally:
        await jail.stop()
    return _milliseconds(taken) | {"caller_cpu_ms": round(1000 * of_the_caller / count, 2)}


def measure(data: bytes, count: int, cache: Path) -> dict[str, object]:
    """Measure both, and what a fresh child costs."""
    found: dict[str, object] = {"here": here(data, count)}
    spent: dict[int, float] = {}
    for files in (200, 20, 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found[f"files_per_child_{files}"] = asyncio.run(jailed(data, count, files, cache))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent[files] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # All else is equal: starting a forkserver once, and decoding the picture so many times.
    found["fresh_child_cpu_ms"] = round(1000 * (spent[1] - spent[200]) / (count - count / 200), 2)
    return found


def _milliseconds(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {
        "p50_ms": round(1000 * statistics.median(ordered), 2),
        "p99_ms": round(1000 * ordered[int(0.99 * len(ordered))], 2),
        "mean_ms": round(1000 * statistics.fmean(ordered), 2),
    }


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pictures", type=int, default=400)
    options.add_argument("--json", action="store_true", help="print JSON alone (the only form there is)")
    chosen = options.parse_args()
    data = picture()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(jailed(data, 1, 1, Path(folder)))
        found = measure(data, chosen.pictures, Path(folder))
    cores = len(os.sched_getaffinity(0))
    json.dump({"pictures": chosen.pictures, "bytes": len(data), "cores": cores, **found}, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
