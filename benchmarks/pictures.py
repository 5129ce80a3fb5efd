"""Pictures: how fast, how true when decoded smaller, and what the second hash is worth.

    python -m benchmarks.pictures --json
    python -m benchmarks.pictures --dir DIR --json

With ``--dir``, drift and recall are measured over the pictures in that folder and its folders, else over drawn ones.
Beside our way stands that of python-threatexchange: Pillow decodes, ``pdqhash`` hashes, one rotation. Ours gives eight
rotations, the second hash and looks for a border in the same time. Leaves out: the jail and the way into it
(``benchmarks/upload.py`` has both), and pictures that are no JPEG, which are always decoded at full size.
"""

import argparse
import io
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.made_pictures import EDITS, TEMPLATES, Picture, cropped, encoded, of_template, photograph, written_on
from tidegate.content.model import Look
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.picture import decoder, second
from tidegate.fingerprint.picture.reading import FULL_SIZE, PictureFingerprint
from tidegate.match.model import PDQ_DRIFT, PDQ_RADIUS, QUALITY_FLOOR

QUALITIES = (60, 80, 92)
#: The short side that a picture is brought to where it has less: shorter ones are never decoded smaller.
_LARGE = 1100


def fingerprint(data: bytes, *, full_size: bool = False) -> PictureFingerprint:
    """Fingerprint as the jail's child does."""
    return PictureFingerprint.unpack(decoder.fingerprint(data, FULL_SIZE if full_size else b""))


def apart(one: Look, other: Look) -> int:
    """Count the bits between two looks."""
    return (int.from_bytes(one.pdq[0]) ^ int.from_bytes(other.pdq[0])).bit_count()


def sources(folder: Path | None) -> Iterator[Picture]:
    """Give the pictures to measure over."""
    if folder is None:
        for seed, (width, height) in enumerate(((1600, 1100), (2400, 1800), (1200, 2100), (3264, 2448)) * 6):
            yield photograph(width, height, seed)
        return
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}:
            try:
                with Image.open(path) as image:
                    if min(image.size) >= _LARGE // 4:
                        yield image.convert("RGB")
            except OSError:
                continue


def large(picture: Picture) -> Picture:
    """Bring a picture to a size that is decoded smaller."""
    factor = _LARGE / min(picture.size)
    if factor <= 1:
        return picture
    return picture.resize((int(picture.width * factor), int(picture.height * factor)), Image.Resampling.LANCZOS)


def drift(pictures: Sequence[Picture]) -> dict[str, Any]:
    """Measure how far values of smaller decodings are from those of the full size."""
    bits: dict[int, list[int]] = {quality: [] for quality in QUALITIES}
    qualities = []
    for picture in pictures:
        for quality in QUALITIES:
            data = encoded(large(picture), quality)
            small, full = fingerprint(data), fingerprint(data, full_size=True)
            if small.reduced:
                bits[quality].append(apart(small.looks[0], full.looks[0]))
                qualities.append(abs(small.quality - full.quality))
    every = [value for values in bits.values() for value in values]
    at_least_80 = bits[80] + bits[92]
    return {
        "pictures": len(every),
        "median": statistics.median(every),
        "p99": float(np.percentile(every, 99)),
        "most": max(every),
        "at_jpeg_quality_80_or_more": {
            "median": statistics.median(at_least_80),
            "p99": float(np.percentile(at_least_80, 99)),
        },
        "by_jpeg_quality": {
            quality: {"median": statistics.median(values), "p99": float(np.percentile(values, 99))}
            for quality, values in bits.items()
        },
        "detail_most": max(qualities),
        "bars": {"median": 4, "p99": 10},
    }


def recall(pictures: Sequence[Picture]) -> dict[str, Any]:
    """Measure what smaller decodings lose of what the full size finds at 25 to 31 bits."""
    pairs, widened, plain = 0, 0, 0
    random = np.random.default_rng(7)
    for picture in pictures:
        original = large(picture)
        known = fingerprint(encoded(original, 92), full_size=True).looks[0]
        for part in random.uniform(0.008, 0.03, 8).tolist():
            edited = cropped(original, part)
            data = encoded(written_on(edited) if part > 0.02 else edited, int(random.integers(60, 93)))
            full, small = fingerprint(data, full_size=True).looks[0], fingerprint(data)
            if small.reduced and 25 <= apart(known, full) <= PDQ_RADIUS:
                pairs += 1
                distance = apart(known, small.looks[0])
                widened += distance > PDQ_RADIUS + PDQ_DRIFT
                plain += distance > PDQ_RADIUS
    return {
        "pairs_at_25_to_31": pairs,
        "lost": widened,
        "searched_wider_by": PDQ_DRIFT,
        "lost_where_the_bytes_are_not_at_hand": plain,
    }


def speed(sizes: Sequence[tuple[int, int]] = ((560, 360), (4000, 3000))) -> list[dict[str, Any]]:
    """Measure ours against Pillow and pdqhash, on the same bytes and in turn."""
    try:
        import pdqhash
    except ImportError:
        pdqhash = None
    found = []
    for width, height in sizes:
        count, times = (20, 5) if width < 1000 else (3, 3)
        files = [encoded(photograph(width, height, seed), 85) for seed in range(count)]

        def theirs(data: bytes) -> None:
            pdqhash.compute(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))

        ways: dict[str, Callable[[bytes], object]] = {
            "ours_ms": fingerprint,
            "ours_full_size_ms": lambda data: fingerprint(data, full_size=True),
        }
        if pdqhash is not None:
            ways["pillow_and_pdqhash_ms"] = theirs
        line: dict[str, Any] = dict.fromkeys(ways, 0.0)
        for data in files:
            taken: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(times):
                for name, way in ways.items():
                    start = time.perf_counter()
                    way(data)
                    taken[name].append((time.perf_counter() - start) * 1000)
            for name, each in taken.items():
                line[name] += statistics.median(each) / count
        line = {name: round(value, 2) for name, value in line.items()}
        if pdqhash is not None:
            line["ratio"] = round(line["pillow_and_pdqhash_ms"] / line["ours_ms"], 1)
        size = sum(len(data) for data in files) // count
        found.append({"megapixels": round(width * height / 1e6, 1), "pictures": count, "bytes": size} | line)
    return found


def second_hash(pictures: Sequence[Picture]) -> dict[str, Any]:
    """Measure which look-alikes of templates the second hash takes away, and which edits it doubts."""
    removed: dict[str, list[bool]] = {}
    for name in TEMPLATES:
        for layout in range(8):
            looks = [fingerprint(encoded(of_template(name, layout, content), 90)).looks[0] for content in range(12)]
            for one, other in combinations(looks, 2):
                if min(one.quality, other.quality) >= QUALITY_FLOOR and apart(one, other) <= PDQ_RADIUS:
                    removed.setdefault(name, []).append(doubted(one, other))
    kept: dict[str, list[bool]] = {}
    for original in [*pictures, *(of_template(name, 90, 0) for name in TEMPLATES)]:
        picture = original.copy()
        picture.thumbnail((900, 900))
        known = fingerprint(encoded(picture, 92)).looks[0]
        for name, edit in EDITS.items():
            look = fingerprint(encoded(edit(picture), 92)).looks[0]
            if min(known.quality, look.quality) >= QUALITY_FLOOR and apart(known, look) <= PDQ_RADIUS:
                kept.setdefault(name, []).append(not doubted(look, known))
    every_removed = [one for values in removed.values() for one in values]
    every_kept = [one for values in kept.values() for one in values]
    return {
        "look_alikes_of_templates": len(every_removed),
        "removed": round(float(np.mean(every_removed)), 3),
        "removed_by_template": {name: [len(each), round(float(np.mean(each)), 2)] for name, each in removed.items()},
        "edits": len(every_kept),
        "recall": round(float(np.mean(every_kept)), 3),
        "doubted_most": {
            name: round(1 - float(np.mean(each)), 2)
            for name, each in sorted(kept.items(), key=lambda item: np.mean(item[1]))[:6]
        },
    }


def doubted(query: Look, known: Look) -> bool:
    """Say whether the second hash says that these are two pictures."""
    distance = second.distance(query.second, known.second, Rotation.ORIGINAL)
    return distance is not None and distance > second.SECOND_RADIUS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, help="measure drift and recall over the pictures in this folder")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    chosen = parser.parse_args(arguments)
    decoder.warm()
    pictures = list(sources(chosen.dir))
    report = {
        "pictures": f"{len(pictures)} in {chosen.dir.name}" if chosen.dir else f"{len(pictures)} drawn",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "speed": speed(),
        "drift": drift(pictures),
        "recall": recall(pictures),
        "second_hash": second_hash(pictures),
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n" if chosen.json else _text(report))
    return 0


def _text(report: dict[str, Any]) -> str:
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in report.items())


if __name__ == "__main__":
    sys.exit(main())
