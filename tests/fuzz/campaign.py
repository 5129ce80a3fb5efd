"""Shows the jail broken files of every format: each must end as an answer or a reason, and leave nothing behind.

``PYTHONPATH=tests python -m fuzz.campaign --files 20000 --seed 7``. The parent is the real one: ``Jail`` and the
functions the node calls. For every file: the parent is alive, and an answer or exactly one reason came within the
limit. At the end: no child is left beside those that wait, no dead one, no descriptor more than before, and the parent
has not grown. A file is made of the seed and its number alone: ``--only 1234`` shows that one again.
"""

import argparse
import asyncio
import gc
import json
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from pathlib import Path
from random import Random

from fuzz.bombs import bombs
from fuzz.mutate import mutate
from fuzz.seeds import Seed, seeds
from tidegate.content.model import ContentKind
from tidegate.fingerprint.compiled import keep_compiled
from tidegate.fingerprint.picture import reading as picture
from tidegate.fingerprint.video.frames import Part, read_part
from tidegate.fingerprint.words import link, text
from tidegate.jail import Jail, JailError, Limits, Reason

#: Seconds a picture, a text or a link may take; the jail's own limit for a request.
LIMIT = 5.0
#: Milliseconds of processor time for a video's first part, and the seconds that come of it (see ``read_part``).
BUDGET = 300
VIDEO_LIMIT = 10.0 + 4 * BUDGET / 1000
#: Seconds by which a busy machine may be late, and how often a file may be asked of another child.
SLACK, TRIES = 3.0, 2
#: Bytes the parent may have grown by, from when everything was used once.
GROWTH = 12 << 20
AT_ONCE = 2
ENGINES = (
    "tidegate.fingerprint.picture.decoder",
    "tidegate.fingerprint.words.text_engine",
    "tidegate.fingerprint.words.link_engine",
)
VIDEO_ENGINE = "tidegate.fingerprint.video.decoder"


@dataclass(slots=True)
class Outcome:
    """What came of all the files."""

    endings: Counter[str] = field(default_factory=Counter)
    by_format: dict[str, Counter[str]] = field(default_factory=dict)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def took(self, seconds: float, what: str) -> None:
        """Remember the ten that took longest."""
        self.slowest = sorted([*self.slowest, (round(seconds, 2), what)], reverse=True)[:10]


class Files:
    """The files of a campaign, by number: first the bombs, then mutants."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seeds = seeds()
        self._bombs = bombs()
        self._others = [other.data for other in self._seeds]

    def __getitem__(self, number: int) -> tuple[str, Seed]:
        """Make the file of a number, and say how it came about."""
        if number < len(self._bombs):
            bomb = self._bombs[number]
            return bomb.format, bomb
        chance = Random(f"{self._seed}/{number}")
        whole = chance.choice(self._seeds)
        how, data = mutate(whole.data, whole.format, self._others, chance)
        return f"{whole.format}: {how}", Seed(whole.kind, whole.format, data)


_made: dict[int, Files] = {}


def make(seed: int, number: int) -> tuple[str, Seed]:
    """Make a file in a process of its own, so that the memory it takes is not counted as the parent's."""
    if seed not in _made:
        _made[seed] = Files(seed)
    return _made[seed][number]


class Campaign:
    """Two jails as a node has them, and what came of the files shown to them."""

    def __init__(self, seed: int, maker: Executor, cache: Path) -> None:
        self.outcome = Outcome()
        self._seed = seed
        self._maker = maker
        self._jail = Jail(size=AT_ONCE, cache_directory=cache, engines=ENGINES)
        limits = Limits(memory=3 << 30, cpu_seconds=120, requests=1)
        self._videos = Jail(size=1, cache_directory=cache, engines=[VIDEO_ENGINE], limits=limits, patience=60.0)

    async def run(self, numbers: Iterator[int], total: int) -> None:
        """Show them all."""
        # A node has compiled what it needs before it takes a text; here no file is to be blamed for it.
        text.read_text("words that are compared " * 20)
        await self._jail.start()
        await self._videos.start()
        try:
            await asyncio.gather(*(self._shower(numbers, total) for _ in range(AT_ONCE)))
            await self._settled()
        finally:
            await self._jail.stop()
            await self._videos.stop()

    async def _shower(self, numbers: Iterator[int], total: int) -> None:
        for number in numbers:
            await self.show(number)
            done = self.outcome.endings.total()
            if done % 500 == 0:
                endings = dict(self.outcome.endings)
                print(f"{done} of {total}: {endings}, {resident() >> 20} MiB", file=sys.stderr, flush=True)

    async def show(self, number: int) -> str:
        """Show one file; give how it ended."""
        how, file = await asyncio.get_running_loop().run_in_executor(self._maker, make, self._seed, number)
        started = time.monotonic()
        try:
            await self._ask(file)
            ending = "answered"
        except JailError as error:
            ending = error.reason.value
        except Exception as error:  # noqa: BLE001 -- whatever it is, no file may cause it
            ending = f"raised {type(error).__name__}"
        seconds = time.monotonic() - started
        limit = VIDEO_LIMIT if file.kind is ContentKind.VIDEO else LIMIT
        # Videos wait for each other here; for how long each may work the jail sees to itself.
        waits = AT_ONCE if file.kind is ContentKind.VIDEO else 1
        if seconds > TRIES * waits * limit + SLACK:
            self.outcome.problems.append(f"file {number} ({how}) took {seconds:.1f} s")
        if ending not in {"answered", *(Reason)} or ending == Reason.ENGINE_DOWN:
            self.outcome.problems.append(f"file {number} ({how}) ended as {ending}")
        self.outcome.endings[ending] += 1
        self.outcome.by_format.setdefault(file.format.partition(":")[0], Counter())[ending] += 1
        self.outcome.took(seconds, f"{number}: {how}: {ending}")
        return ending

    async def _ask(self, file: Seed) -> None:
        if file.kind is ContentKind.VIDEO:
            await read_part(self._videos, file.data, Part(budget=BUDGET))
        elif file.kind is ContentKind.TEXT:
            await text.fingerprint_in(self._jail, file.data)
        elif file.kind is ContentKind.LINK:
            await link.address_in(self._jail, file.data)
        else:
            await picture.fingerprint_in(self._jail, file.data)

    async def _settled(self) -> None:
        """See that only those children are left that wait, and no dead one."""
        deadline = time.monotonic() + 10
        for jail in (self._jail, self._videos):
            # The kernel tells nobody of it but the forkserver.
            while (left := self._left(jail)) and time.monotonic() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            if left:
                self.outcome.problems.append(left)

    @staticmethod
    def _left(jail: Jail) -> str:
        link_ = jail._link
        assert link_ is not None
        states = [
            Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
            for child in Path(f"/proc/{link_._process.pid}/task/{link_._process.pid}/children")
            .read_text(encoding="ascii")
            .split()
        ]
        # One that stands ready, and one that holds the namespace open.
        if len(states) > jail.size + 2:
            return f"{len(states)} children are left"
        return "a dead child is left" if "Z" in states else ""


def resident() -> int:
    """Give the bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def descriptors() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def campaign(seed: int, count: int, cache: Path) -> tuple[Outcome, dict[str, object]]:
    """Show that many files; measure the parent from when each bomb and each format has been shown once."""
    warm_up = min(count, count // 4 + 100)
    # The maker of files comes with one of these, which stays open as long as we run.
    resource_tracker.ensure_running()
    open_before = descriptors()
    marks: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(count):
            if number == warm_up:
                gc.collect()
                marks.append(resident())
            yield number

    started = time.monotonic()
    with ProcessPoolExecutor(1, get_context("spawn")) as maker:
        run = Campaign(seed, maker, cache)
        await run.run(numbers(), count)
    gc.collect()
    grown = resident() - marks[0] if marks else 0
    if grown > GROWTH:
        run.outcome.problems.append(f"the parent grew by {grown >> 20} MiB")
    if descriptors() > open_before:
        run.outcome.problems.append(f"{descriptors() - open_before} descriptors are still open")
    seconds = time.monotonic() - started
    return run.outcome, {"grown_bytes": grown, "resident_bytes": resident(), "seconds": round(seconds, 1)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options.add_argument("--only", type=int, help="show one file, by its number, and write it beside")
    options.add_argument("--cache", type=Path, help="where compiled kernels are kept")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-fuzz-") as folder:
        cache = chosen.cache or Path(folder)
        keep_compiled(cache)
        if chosen.only is not None:
            _one(chosen.seed, chosen.only, cache)
            return
        print(f"{chosen.files} files, seed {chosen.seed}", file=sys.stderr, flush=True)
        outcome, measured = asyncio.run(campaign(chosen.seed, chosen.files, cache))
    said = {
        "files": outcome.endings.total(),
        "seed": chosen.seed,
        "endings": dict(outcome.endings),
        "formats": {name: dict(endings) for name, endings in sorted(outcome.by_format.items())},
        "slowest": outcome.slowest,
        "problems": outcome.problems,
        **measured,
    }
    print(json.dumps(said, indent=1))
    sys.exit(1 if outcome.problems or outcome.endings.total() != chosen.files else 0)


def _one(seed: int, number: int, cache: Path) -> None:
    how, file = Files(seed)[number]
    Path(f"fuzz-{seed}-{number}").write_bytes(file.data)

    async def show() -> Outcome:
        with ThreadPoolExecutor(1) as maker:
            run = Campaign(seed, maker, cache)
            await run.run(iter([number]), 1)
            return run.outcome

    outcome = asyncio.run(show())
    print(f"{how}: {dict(outcome.endings)}, {outcome.problems}")


if __name__ == "__main__":
    main()
