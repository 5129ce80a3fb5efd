"""Kills a random process of the node at random moments of the demonstration: nothing acknowledged may be lost.

``python tests/crash.py --kills 50``. Each run is the whole demonstration on a database of its own, with a kill -9 of
the supervisor, PostgreSQL, the web process or the worker every few seconds. A run is good when the demonstration
reaches its end (every step happened, every acknowledged upload is still there, a hold lapsed on the platform), the
ledger verifies and recounts equal, every view rebuilds equal from the events, and no process is left behind.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tidegate.db.embedded import forget, running
from tidegate.db.pool import open_pool
from tidegate.db.rebuild import rebuild
from tidegate.db.transaction import Database
from tidegate.flow import STORY, VIEWS
from tidegate.kernel.clock import system_clock
from tidegate.kernel.keys import Keyring
from tidegate.supervisor import read_status

TARGETS = ("supervisor", "postgres", "web", "worker")
LONGEST_RUN_SECONDS = 900


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    chosen = options.parse_args()
    print(f"{chosen.kills} kills, seed {chosen.seed}", flush=True)
    chance = random.Random(chosen.seed)
    kept = os.environ.get("KERNELS_FOR_TESTS")
    kernels = Path(kept) if kept and Path(kept).is_dir() else None
    done = runs = failed = 0
    while done < chosen.kills:
        runs += 1
        # The first run compiles for itself, and is killed while it does; the others find it done.
        killed, problem = one_run(chance, chosen.kills - done, kernels if runs > 1 else None)
        done += killed
        failed += problem is not None
        print(f"run {runs}: {killed} kills, {problem or 'good'}; {done} of {chosen.kills}", flush=True)
        if problem is not None or killed == 0:
            break
    print(f"{runs - failed} passed, {failed} failed")
    sys.exit(1 if failed or done < chosen.kills else 0)


def one_run(chance: random.Random, most: int, kernels: Path | None = None) -> tuple[int, str | None]:
    """Play the demonstration once, killing as it goes; give the number of kills and what went wrong.

    Args:
        chance: decides who is killed, and when.
        most: kills.
        kernels: what was compiled before, if the node is to find it.
    """
    # Outside any home folder, so that a database account that is not ours can reach it.
    with tempfile.TemporaryDirectory(prefix="tidegate-crash-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "demo"
        if kernels is not None:
            shutil.copytree(kernels, data / "node" / "cache")
        command = [sys.executable, "-m", "tidegate", "demo", "--once", "--json", "--data", str(data)]
        with (Path(folder) / "said").open("wb") as said:
            demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
            killed = kill_at_random(demo, data / "node", chance, most)
            try:
                out, _ = demo.communicate(timeout=LONGEST_RUN_SECONDS)
            except subprocess.TimeoutExpired:
                demo.kill()
                out = b""
        words = (Path(folder) / "said").read_text(errors="replace")
        try:
            return killed, judge(demo.returncode, out, words, data)
        finally:
            forget(data / "node")


def kill_at_random(demo: "subprocess.Popen[bytes]", node: Path, chance: random.Random, most: int) -> int:
    """Kill -9 a random process of the node every few seconds while the demonstration runs."""
    killed = 0
    while demo.poll() is None and not (node / "keys").exists():
        time.sleep(0.05)
    while demo.poll() is None and killed < most:
        with suppress(subprocess.TimeoutExpired):
            demo.wait(chance.uniform(0.5, 6.0))
            break
        status = read_status(node)
        if status is None:
            continue
        target = chance.choice(TARGETS)
        process = status["processes"].get(target)
        pid = status["supervisor"] if target == "supervisor" else process and process["pid"]
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
                print(f"  killed {target}", flush=True)
    return killed


def judge(status: int, out: bytes, words: str, data: Path) -> str | None:
    """Say what is wrong with a finished run, if anything."""
    if status != 0:
        logs = [f"{path.name}:\n{path.read_text(errors='replace')[-4000:]}" for path in sorted(data.glob("*.log"))]
        return "\n".join([f"the demonstration ended with {status}: {words[-800:]}", *logs])
    report = json.loads(out)
    if not report["ledger"]["verified"] or not report["ledger"]["recount_equal"]:
        return f"the ledger: {report['ledger']}"
    if report["lapsed"] < 1 or report["restored"] < 1:
        return f"the story is not whole: {report}"
    left = left_behind(data)
    if left:
        return f"left behind: {left}"
    differing = asyncio.run(rebuilt(data / "node"))
    return f"views differ from the events: {differing}" if differing else None


async def rebuilt(node: Path) -> dict[str, int]:
    """Fold the events of a finished demonstration again; give the views that differ."""
    with running(node) as postgres:
        async with open_pool(postgres.owner_url, size=4) as pool:
            database = Database(pool, system_clock, secrets.token_bytes, Keyring.open(node / "keys"), STORY)
            return {view: count for view, count in (await rebuild(database, VIEWS)).items() if count}


def left_behind(data: Path) -> list[str]:
    """Find processes that still carry the demonstration's folder in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                line = (folder / "cmdline").read_bytes()
                if os.fsencode(data) in line:
                    found.append(line.replace(b"\0", b" ").decode(errors="replace")[:120])
    return found


if __name__ == "__main__":
    main()
