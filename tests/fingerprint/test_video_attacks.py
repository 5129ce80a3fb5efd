"""Damaged, cut and mixed videos in the jail: each is read or refused with one reason, none hangs or harms the next."""

import asyncio
import random
import time
from pathlib import Path

from benchmarks.scenes import encoded, scene
from tidegate.fingerprint.video import samples as video_samples
from tidegate.fingerprint.video.frames import Density, Part, SheetArguments, read_part, sheet_in
from tidegate.fingerprint.video.jail import VideoJail
from tidegate.jail import Jail, JailError, Reason

_FILES = 150
_LONGEST_SECONDS = 20


def damaged(good: list[bytes], chance: random.Random) -> bytes:
    """Damage a good file in one of five ways."""
    data = bytearray(chance.choice(good))
    at, other = chance.randrange(len(data)), chance.choice(good)
    match chance.randrange(5):
        case 0:
            for _ in range(chance.randrange(1, 20)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case 1:
            del data[at:]
        case 2:
            data[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\0\0\0\1"])
        case 3:
            data[at : at + chance.randrange(64)] = chance.randbytes(chance.randrange(64))
        case _:
            data[at:] = other[chance.randrange(len(other)) :]
    return bytes(data)


async def attempt(jail: Jail, data: bytes, chance: random.Random) -> Reason | None:
    try:
        if chance.randrange(4):
            await read_part(jail, data, Part(density=chance.choice(list(Density)), start=chance.choice([0, 0, 500])))
        else:
            await sheet_in(jail, data, SheetArguments())
    except JailError as error:
        return error.reason
    return None


async def attack(jail: Jail) -> tuple[set[Reason | None], float]:
    chance = random.Random(7)
    good = [*video_samples.every(), encoded(scene(1, 2)), encoded(scene(1, 2), container="matroska")]
    ends, longest = set(), 0.0
    for _ in range(_FILES):
        began = time.monotonic()
        ends.add(await attempt(jail, damaged(good, chance), chance))
        longest = max(longest, time.monotonic() - began)
    # The next good one is read as if nothing had been.
    assert len((await read_part(jail, good[-1], Part())).frames) > 0
    return ends, longest


def test_damaged_videos_are_read_or_refused_and_harm_nothing(kernels: Path) -> None:
    async def run() -> tuple[set[Reason | None], float]:
        videos = VideoJail(kernels)
        try:
            return await attack(await videos.open())
        finally:
            await videos.close()

    ends, longest = asyncio.run(run())
    assert ends <= {None, Reason.UNDECODABLE, Reason.TOO_LARGE}
    assert {None, Reason.UNDECODABLE} <= ends
    assert longest < _LONGEST_SECONDS
