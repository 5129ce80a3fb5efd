"""The Hamming index beside FAISS: recall, time a query, build, open, size, and what crowded hashes do to it.

``python -m benchmarks.index_search --entries 10000000 --json``, and ``--scale`` for 1 and 30 million. One thread each.
The peers are ``faiss.IndexBinaryFlat`` and ``IndexBinaryMultiHash(256, 16, 16)`` with ``nflip`` 1, the one that HMA
uses; they get the same queries as we do, fewer of them, because they take longer. A query is one value: the eight
rotations of an upload are eight, searched together. Recall is against a look at every entry (``hamming.scan``, which
tests hold against NumPy). Files are in the page cache, as they are in a node that has run a while; what opening and the
first queries cost while they are not is told by itself (``from_disk``). Without ``faiss-cpu`` (extra ``benchmarks``)
ours stands alone.
"""

import argparse
import gc
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.made_signals import confirmed_signal
from benchmarks.memory import push_out_of_memory
from tidegate.kernel.ids import SignalId
from tidegate.match.values import building, hamming
from tidegate.match.values.building import Changed
from tidegate.match.values.files import Folder
from tidegate.match.values.hamming import RADIUS, Words
from tidegate.match.values.known import MOST_NEAR, KnownValues
from tidegate.match.values.manifest import Manifest
from tidegate.match.values.opening import Reader
from tidegate.match.values.segments import OpenSegment, Signals
from tidegate.signal.model import FingerprintKind, Standing

NEAR_QUERIES = 65 * (RADIUS + 1)
RANDOM_QUERIES = 1_000
#: Near queries of each size with ``--scale``: to look at every entry takes long.
SCALE_QUERIES = 10 * (RADIUS + 1)
#: Of the near and of the random queries, how many the peers are asked.
PEER_QUERIES = 100
SKEWED_QUERIES = 1_000
SHAPED_ENTRIES = 1_000_000
FRAMES = 600

Find = Callable[[Words], Any]


def random_values(generator: np.random.Generator, count: int) -> Words:
    """Make values of which every bit is a coin."""
    return generator.integers(0, 2**64, (count, hamming.WORDS), dtype=np.uint64)


def changed(generator: np.random.Generator, values: Words, distances: Sequence[int]) -> Words:
    """Change as many bits of each value."""
    out = values.copy()
    for row, distance in enumerate(distances):
        for bit in generator.choice(256, distance, replace=False).tolist():
            out[row, bit >> 6] ^= np.uint64(1 << (bit & 63))
    return out


def near_queries(generator: np.random.Generator, values: Words, count: int) -> Words:
    """Make queries near some entries, their distances 0 to 31 in turn."""
    rows = generator.integers(0, len(values), count)
    return changed(generator, values[rows], [number % (RADIUS + 1) for number in range(count)])


class Built:
    """An index over some values, written to files and opened from them."""

    def __init__(self, values: Words) -> None:
        self._place = tempfile.TemporaryDirectory()
        path = Path(self._place.name)
        ids = np.zeros((len(values), 16), dtype=np.uint8)
        ids[:, 8:] = np.arange(1, len(values) + 1, dtype=">u8").view(np.uint8).reshape(-1, 8)
        signals = Signals(values, ids, np.zeros(len(values), dtype=np.uint8))
        began = time.perf_counter()
        after = Manifest(position=len(values))
        self.manifest = building.build(
            Folder(path), Manifest(), {FingerprintKind.PDQ: Changed(signals, signals)}, after
        )
        self.build_seconds = time.perf_counter() - began
        reader = Reader(path)
        began = time.perf_counter()
        opened = reader.open()
        assert opened is not None
        self.segments: Sequence[OpenSegment] = opened.segments[FingerprintKind.PDQ]
        self.known = KnownValues(FingerprintKind.PDQ)
        self.known.adopt(self.segments, len(values))
        self.open_seconds = time.perf_counter() - began
        self.path = path
        # Each process has a byte of its own for each entry: whether it is gone.
        self.bytes_an_entry = sum(file.size for file in self.manifest.files) / len(values) + 1

    def open_from_disk(self, queries: Words) -> dict[str, float]:
        """Open it anew with its files out of memory, and search; what is open already is closed and of no use after."""
        del self.known, self.segments
        gc.collect()
        push_out_of_memory(self.path)
        began = time.perf_counter()
        opened = Reader(self.path).open()
        assert opened is not None
        known = KnownValues(FingerprintKind.PDQ)
        known.adopt(opened.segments[FingerprintKind.PDQ], 0)
        opened_in = time.perf_counter() - began
        taken = []
        for number in range(len(queries)):
            began = time.perf_counter()
            known.near(queries[number : number + 1])
            taken.append((time.perf_counter() - began) * 1e3)
        return {
            "open_seconds": round(opened_in, 3),
            "first_query_ms": round(taken[0], 2),
            "first_hundred_queries_median_ms": round(statistics.median(taken[:100]), 2),
            "after_a_thousand_median_ms": round(statistics.median(taken[-100:]), 2),
        }

    def scan(self, queries: Words) -> None:
        """Look at every entry."""
        for segment in self.segments:
            hamming.scan(segment.entries, queries, 1)

    def close(self) -> None:
        """Remove the files."""
        self._place.cleanup()


def times(find: Find, queries: Words) -> dict[str, float]:
    """Time each query by itself, in microseconds: of the clock, and of the processor, which others cannot take."""
    taken, worked = [], []
    for number in range(len(queries)):
        began, work_began = time.perf_counter(), time.thread_time()
        find(queries[number : number + 1])
        worked.append((time.thread_time() - work_began) * 1e6)
        taken.append((time.perf_counter() - began) * 1e6)
    return {
        "median_us": round(statistics.median(taken), 1),
        "p99_us": round(float(np.percentile(taken, 99)), 1),
        "processor_median_us": round(statistics.median(worked), 1),
        "processor_p99_us": round(float(np.percentile(worked, 99)), 1),
    }


def found(built: Built, queries: Words) -> set[tuple[int, bytes, int]]:
    """Search; give query, id and distance of each hit."""
    return {(near.query, near.signal.value.bytes, near.distance) for near in built.known.near(queries)}


def looked_up(built: Built, queries: Words) -> set[tuple[int, bytes, int]]:
    """Give the same by looking at every entry."""
    hits: set[tuple[int, bytes, int]] = set()
    for segment in built.segments:
        told = hamming.scan(segment.entries, queries, MOST_NEAR)
        for query, row, distance in zip(*(array.tolist() for array in told), strict=True):
            hits.add((query, segment.signals.ids[row].tobytes(), distance))
    return hits


def as_bytes(values: Words) -> NDArray[np.uint8]:
    """Give values as FAISS takes them, (n, 32)."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, 32)


def peers(values: Words, near: Words, random: Words) -> dict[str, Any]:
    """Ask FAISS the same; nothing where it is not installed."""
    try:
        import faiss
    except ImportError:
        return {}
    faiss.omp_set_num_threads(1)
    multi_hash = faiss.IndexBinaryMultiHash(256, 16, 16)
    multi_hash.nflip = 1
    told = {}
    for name, index in (("faiss_flat", faiss.IndexBinaryFlat(256)), ("faiss_multi_hash", multi_hash)):
        began = time.perf_counter()
        index.add(as_bytes(values))
        seconds = time.perf_counter() - began

        def find(queries: Words, index: Any = index) -> Any:  # noqa: ANN401 - FAISS says no types
            # Strictly below the radius, as FAISS means it.
            return index.range_search(as_bytes(queries), RADIUS + 1)

        hits = sum(len(find(near[number : number + 1])[1]) > 0 for number in range(len(near)))
        told[name] = {
            "build_seconds": round(seconds, 2),
            "recall_of_queries": hits / len(near),
            "near": times(find, near),
            "random": times(find, random),
        }
        del index
        gc.collect()
    return told


def measure_main(
    generator: np.random.Generator, entries: int, near_count: int = NEAR_QUERIES, *, with_peers: bool
) -> dict[str, Any]:
    """Measure random entries: recall, times, sizes, batches, a change, and the peers."""
    values = random_values(generator, entries)
    near, random = near_queries(generator, values, near_count), random_values(generator, RANDOM_QUERIES)
    work_began = time.process_time()
    built = Built(values)
    worked = time.process_time() - work_began
    expected, ours = looked_up(built, near), found(built, near)
    told: dict[str, Any] = {
        "entries": entries,
        "segments": len(built.segments),
        "build_seconds": round(built.build_seconds, 2),
        "build_processor_seconds": round(worked, 2),
        "open_seconds": round(built.open_seconds, 3),
        "bytes_an_entry": round(built.bytes_an_entry, 1),
        "recall": len(ours & expected) / len(expected),
        "recall_queries": len(near),
        "false_matches": len(ours - expected),
        "near": times(built.known.near, near),
        "random": times(built.known.near, random),
        "scan": times(built.scan, random[:20]),
        "batches": batches(built, random),
        "change": change(built, values),
        "from_disk": built.open_from_disk(random),
    }
    built.close()
    if with_peers:
        told |= peers(values, near[:PEER_QUERIES], random[:PEER_QUERIES])
        for name in ("faiss_flat", "faiss_multi_hash"):
            if name in told:
                told[name]["times_slower"] = round(both(told[name]) / both(told), 1)
    return told


def both(told: dict[str, Any]) -> float:
    """Give the mean of the medians of near and of random queries, in microseconds of the processor."""
    return statistics.mean(float(told[of]["processor_median_us"]) for of in ("near", "random"))


def batches(built: Built, random: Words) -> dict[str, float]:
    """Time what one query costs when it comes with others: a picture's rotations, a video's frames."""
    told = {}
    for name, size in (("eight rotations", 8), ("frames of a video", FRAMES)):
        taken = []
        for start in range(0, len(random) - size + 1, size):
            began = time.perf_counter()
            built.known.near(random[start : start + size])
            taken.append((time.perf_counter() - began) * 1e6 / size)
        told[name] = round(statistics.median(taken), 1)
    return told


def change(built: Built, values: Words) -> dict[str, float]:
    """Time from a withdrawal that PostgreSQL told of until the value matches nothing, and the same of an addition.

    Reading the one row from PostgreSQL, by an index on its position, is not in it.
    """
    value = values[0].astype(">u8").tobytes()
    (first,) = [near for near in built.known.near(values[:1]) if near.distance == 0]
    signal = replace(confirmed_signal(len(values) + 1, FingerprintKind.PDQ, value), id=first.signal, number=1)
    taken = []
    for standing, matched in ((Standing.WITHDRAWN, False), (Standing.CONFIRMED, True)):
        began = time.perf_counter()
        built.known.bring_forward([replace(signal, standing=standing)])
        seen: set[SignalId] = {near.signal for near in built.known.near(values[:1])}
        taken.append((time.perf_counter() - began) * 1e3)
        assert (signal.id in seen) is matched
    return {"withdrawn_ms": round(taken[0], 3), "confirmed_ms": round(taken[1], 3)}


# --- crowded entries ---


def crowded(generator: np.random.Generator, entries: int) -> Words:
    """Put 1 % of the entries into one bucket of each chunk."""
    values = random_values(generator, entries)
    for chunk in range(16):
        rows = generator.choice(entries, entries // 100, replace=False)
        shift = np.uint64(48 - 16 * (chunk & 3))
        word = values[rows, chunk >> 2]
        values[rows, chunk >> 2] = (word & ~(np.uint64(0xFFFF) << shift)) | (np.uint64(0x1234) << shift)
    return values


def shaped(generator: np.random.Generator, entries: int) -> Words:
    """Make hashes as pictures have them: half of the bits set, low waves strong, and kinds of pictures that recur."""
    kinds = generator.normal(size=(500, 256))
    out = np.empty((entries, hamming.WORDS), dtype=np.uint64)
    for start in range(0, entries, 50_000):
        count = min(50_000, entries - start)
        waves = kinds[generator.integers(0, len(kinds), count)] + generator.normal(size=(count, 256), scale=0.8)
        bits = np.packbits(waves > np.median(waves, axis=1, keepdims=True), axis=1)
        out[start : start + count] = hamming.from_bytes(bits.tobytes())
    return out


def all_equal(generator: np.random.Generator, entries: int) -> Words:
    """Make every entry the same value."""
    return np.repeat(random_values(generator, 1), entries, axis=0)


def measure_skewed(generator: np.random.Generator, entries: int) -> dict[str, Any]:
    """Measure what crowds do: near queries of each set by themselves, and random ones."""
    sets = {
        "one bucket a chunk with 1 % of the entries": (crowded, entries),
        "hashes as pictures have them": (shaped, min(entries, SHAPED_ENTRIES)),
        "all equal": (all_equal, entries),
    }
    told = {}
    for name, (make, count) in sets.items():
        values = make(generator, count)
        near = near_queries(generator, values, SKEWED_QUERIES if make is not all_equal else 100)
        built = Built(values)
        sample = near[:64]
        of_set: dict[str, Any] = {
            "entries": count,
            "near": times(built.known.near, near),
            "random": times(built.known.near, random_values(generator, SKEWED_QUERIES)),
            "scan": times(built.scan, near[:10]),
            # Where every entry is a hit, which hundred are given is of no consequence.
            "same_as_scan": found(built, sample) == looked_up(built, sample) if make is not all_equal else None,
        }
        of_set["p99_to_median"] = {
            of: round(of_set[of]["processor_p99_us"] / of_set[of]["processor_median_us"], 1)
            for of in ("near", "random")
        }
        told[name] = of_set
        built.close()
    return told


def measure(entries: int, *, scale: bool) -> dict[str, Any]:
    """Measure everything asked for."""
    hamming.warm()
    generator = np.random.default_rng(1)
    told: dict[str, Any] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, one thread",
        "radius": RADIUS,
    }
    if scale:
        sizes = {
            str(size): measure_main(generator, size, SCALE_QUERIES, with_peers=False)
            for size in (1_000_000, 30_000_000)
        }
        small, large = sizes.values()
        ratio = round(both(large) / both(small), 2)
        return told | {"scale": sizes, "times_from_1_to_30_million": ratio}
    return told | measure_main(generator, entries, with_peers=True) | {"skewed": measure_skewed(generator, entries)}


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The Hamming index beside FAISS.")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--scale", action="store_true", help="1 and 30 million entries, without the peers")
    parser.add_argument("--json", action="store_true", help="one JSON object, in one line")
    given = parser.parse_args(arguments)
    told = measure(given.entries, scale=given.scale)
    print(json.dumps(told, indent=None if given.json else 2))


if __name__ == "__main__":
    main(sys.argv[1:])
