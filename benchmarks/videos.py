"""How fast videos are checked, and what is found of them.

``python -m benchmarks.videos --dir DIR --json``. Videos are made from seeds with FFmpeg's own encoders; ``--dir`` adds
real ones with the values of the vPDQ reference beside them (``*.mp4``, ``*.vpdq.txt``).

Speed: processor time of the engine and of searching, on one core, against the length of a video that matches nothing,
480p H.264 with key frames 4 s apart; and apart from that with key frames 10 s apart, of reading every frame as is done
once for what is known, and of the real ones. Recall: excerpts of known scenes, edited and encoded anew, some inside
longer uploads, found by reading key frames first against an oracle that compares every frame with every frame. False
matches: the same over scenes that are not known. It leaves out the database and HTTP, codecs other than H.264, and what
nobody edits by formula: filming a screen, cropping, overlays that move.
"""

import argparse
import asyncio
import json
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.made_signals import confirmed_signal
from benchmarks.scenes import EDITS, Grey, as_it_is, encoded, scene
from tidegate.content.model import Fingerprints
from tidegate.fingerprint.video import decoder as video_decoder
from tidegate.fingerprint.video.frames import END, Density, Frames, Part, PartRead, join_frames
from tidegate.fingerprint.video.jail import VideoJail
from tidegate.fingerprint.video.reading import VideoRead, read_on
from tidegate.fingerprint.video.vpdq_text import read as read_vpdq
from tidegate.jail import Jail
from tidegate.match.video.videos import Videos
from tidegate.signal.model import FingerprintKind, Signal

RATE = 25
_LENGTHS = (5, 20)
_KNOWN_SECONDS = 40
_RECALL_SIZE = (320, 180)
_LONGEST = END - 1
_GOOD = 80


class Tried(NamedTuple):
    """One upload: what was done to it, and which scene is in it, if any is known."""

    name: str
    data: bytes
    scene: int | None


def known(number: int, frames: Frames) -> Signal:
    """Make a signal of frames."""
    return confirmed_signal(number, FingerprintKind.VIDEO, frames.tobytes())


def read_whole(data: bytes, density: Density) -> Frames:
    """Read a whole video in this process."""
    parts, start = [], 0
    while start < END:
        part = Part(density=density, start=start, budget=600_000, longest=_LONGEST)
        read = PartRead.unpack(video_decoder.frames(data, part.pack()), part)
        parts.append(read.frames)
        start = read.next
    return join_frames(parts)


def every_frame(data: bytes) -> Frames:
    """Read every frame, those that hardly differ too: what the oracle compares."""
    return read_whole(data, Density.ALL)


def found_in(index: Videos, frames: Frames) -> set[int]:
    """Give the known scenes that are found."""
    matches = index.search(Fingerprints(sha256=b"", frames=frames.tobytes()), None)
    return {match.signal.value.int for match in matches}


# --- speed ---


def speed(data: bytes, seconds: float, index: Videos) -> dict[str, Any]:
    """Measure the processor time of checking a video by its key frames, and of searching."""
    began = time.process_time()
    frames = read_whole(data, Density.KEY)
    read = time.process_time() - began
    hits = len(index.hits(frames.tobytes()))
    found = len(found_in(index, frames))
    whole = time.process_time() - began
    return {
        "seconds_of_video": round(seconds, 1),
        "frames_hashed": len(frames),
        "hits": hits,
        "matches": found,
        "times_real_time": round(seconds / whole),
        "times_real_time_without_search": round(seconds / read),
    }


def speed_of_every(data: bytes, seconds: float) -> dict[str, Any]:
    """Measure the processor time of reading every frame."""
    began = time.process_time()
    frames = read_whole(data, Density.EVERY)
    spent = time.process_time() - began
    return {
        "frames_kept": len(frames),
        "bytes_a_second_of_video": round(frames.nbytes / seconds),
        "times_real_time": round(seconds / spent),
    }


def measure_speed(seconds: int, index: Videos) -> dict[str, Any]:
    """Measure videos made for it."""
    made = list(scene(900, seconds, size=(854, 480), rate=RATE))
    usual = encoded(made, rate=RATE, keys_every=4)
    return {
        "480p, key frames 4 s apart": speed(usual, seconds, index),
        "480p, key frames 10 s apart": speed(encoded(made, rate=RATE, keys_every=10), seconds, index),
        "480p, every frame, once for what is known": speed_of_every(usual, seconds),
    }


# --- recall ---


def uploads(scenes: Sequence[int], random: np.random.Generator) -> list[Tried]:
    """Make excerpts with every edit, some inside something longer, and the same of what is not known."""
    made: list[Tried] = []
    films = {number: list(scene(number, _KNOWN_SECONDS, size=_RECALL_SIZE, rate=RATE)) for number in scenes}
    around = list(scene(700, 30, size=_RECALL_SIZE, rate=RATE))
    for name, edit in EDITS.items():
        for number, film in films.items():
            for length in _LENGTHS:
                start = int(random.integers(0, (_KNOWN_SECONDS - length) * RATE))
                clip = film[start : start + length * RATE]
                if (number + length) % 2:
                    cut = int(random.integers(5 * RATE, 25 * RATE))
                    clip = around[:cut] + clip + around[cut:]
                made.append(Tried(f"{name}, {length} s", _made(clip, edit), number))
        stranger = list(scene(int(random.integers(10_000, 20_000)), 20, size=_RECALL_SIZE, rate=RATE))
        made.append(Tried(f"{name}, unknown", _made(stranger, edit), None))
    return made


def _made(frames: Sequence[Grey], edit: Any) -> bytes:  # noqa: ANN401 -- of frames
    return encoded((edit(frame) for frame in frames), rate=RATE, crf="30")


async def keys_first(jail: Jail, data: bytes, index: Videos) -> set[int]:
    """Find what is known by reading as an upload is read."""

    async def hits(frames: bytes) -> list[int]:
        return index.hits(frames)

    read = VideoRead()
    while not read.whole:
        read = await read_on(jail, data, read, hits, _LONGEST)
    return {match.signal.value.int for match in index.search(read.fingerprints(b""), None)}


async def measure_recall(jail: Jail, scenes: Sequence[int], index: Videos) -> dict[str, Any]:
    """Compare with an oracle that compares every frame."""
    oracle = Videos()
    for number in scenes:
        film = scene(number, _KNOWN_SECONDS, size=_RECALL_SIZE, rate=RATE)
        oracle.bring_forward([known(number, every_frame(encoded(film, rate=RATE, crf="23", keys_every=10)))])
    table: dict[str, dict[str, int]] = defaultdict(lambda: {"uploads": 0, "oracle": 0, "ours": 0, "false": 0})
    for tried in uploads(scenes, np.random.default_rng(5)):
        row = table[tried.name]
        row["uploads"] += 1
        by_oracle = found_in(oracle, every_frame(tried.data))
        ours = await keys_first(jail, tried.data, index)
        row["oracle"] += tried.scene in by_oracle
        row["ours"] += tried.scene in ours
        row["false"] += len(ours - {tried.scene})
    held = [row for name, row in table.items() if "unknown" not in name]
    total = sum(row["uploads"] for row in held)
    return {
        "uploads": total,
        "recall": round(sum(row["ours"] for row in held) / total, 4),
        "recall_of_oracle": round(sum(row["oracle"] for row in held) / total, 4),
        "false_matches": sum(row["false"] for row in table.values()),
        "by_edit": dict(table),
    }


# --- real videos ---


def measure_real(folder: Path, index: Videos) -> dict[str, Any]:
    """Measure drift from the reference, speed, and what is found of the first in the others."""
    every: dict[str, Any] = {}
    videos = sorted(folder.glob("*.mp4"))
    originals = {path.stem: read_whole(path.read_bytes(), Density.EVERY) for path in videos}
    for path in videos:
        reference = path.with_suffix("").with_suffix(".vpdq.txt")
        read = PartRead.unpack(video_decoder.frames(path.read_bytes(), Part().pack()), Part())
        row: dict[str, Any] = speed(path.read_bytes(), read.duration / 1000, index)
        row["size"] = f"{read.width}x{read.height}"
        if reference.exists():
            row["drift"] = drift(originals[path.stem], read_vpdq(reference.read_text()))
        names = [name for name in originals if name != path.stem]
        others = Videos()
        others.bring_forward([known(number, originals[name]) for number, name in enumerate(names, 1)])
        found = found_in(others, every_frame(path.read_bytes()))
        row["found_in_it"] = [names[number - 1] for number in sorted(found)]
        every[path.stem] = row
    return every


def drift(ours: Frames, reference: Frames) -> dict[str, float]:
    """Give the bits by which our values differ from the reference's at quality 80 and more."""
    apart = []
    times = reference["at"].astype(np.int64)
    for frame in ours[ours["look"] == 0]:
        row = int(np.abs(times - int(frame["at"])).argmin())
        if reference["quality"][row] >= _GOOD:
            apart.append(int(np.bitwise_count(frame["value"] ^ reference["value"][row]).sum()))
    return {"median": float(np.median(apart)), "p99": float(np.percentile(apart, 99)), "most": float(max(apart))}


async def run(folder: Path | None, seconds: int, scenes: int) -> dict[str, Any]:
    """Measure everything."""
    video_decoder.warm()
    numbers, index = range(1, scenes + 1), Videos()
    for number in numbers:
        film = scene(number, _KNOWN_SECONDS, size=_RECALL_SIZE, rate=RATE)
        data = encoded((as_it_is(frame) for frame in film), rate=RATE, crf="23", keys_every=10)
        index.bring_forward([known(number, read_whole(data, Density.EVERY))])
    index.hits(read_whole(encoded(scene(1, 2)), Density.KEY).tobytes())  # compiles the search
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, one core",
        "known_videos": scenes,
        "speed": measure_speed(seconds, index),
    }
    with tempfile.TemporaryDirectory() as cache:
        jail = VideoJail(Path(cache))
        try:
            result["recall"] = await measure_recall(await jail.open(), list(numbers), index)
        finally:
            await jail.close()
    if folder is not None:
        result["real"] = measure_real(folder, index)
    usual = result["speed"]["480p, key frames 4 s apart"]["times_real_time"]
    recall = result["recall"]
    result["bars"] = {
        "at least 100 times real time": usual >= 100,
        "recall at most a point below the oracle": recall["recall"] >= recall["recall_of_oracle"] - 0.01,
        "no match between different scenes": recall["false_matches"] == 0,
    }
    return result


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--dir", type=Path, default=None, help="real videos with the reference's values")
    parser.add_argument("--seconds", type=int, default=120, help="length of the videos whose speed is measured")
    parser.add_argument("--scenes", type=int, default=4, help="how many scenes are known")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    result = asyncio.run(run(chosen.dir, chosen.seconds, chosen.scenes))
    if chosen.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    else:
        for name, row in result["speed"].items():
            sys.stdout.write(f"{name}: {row['times_real_time']} times real time\n")
        recall = result["recall"]
        ours, oracle = f"{recall['recall']:.1%}", f"{recall['recall_of_oracle']:.1%}"
        sys.stdout.write(f"recall {ours} (oracle {oracle}), {recall['false_matches']} false matches\n")
    return 0 if all(result["bars"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
