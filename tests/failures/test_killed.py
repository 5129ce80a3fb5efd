"""``kill -9`` in the middle of a long check, of real processes: the verdict comes, from where the check stood, once."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from acts import ask
from benchmarks.scenes import encoded, scene
from benchmarks.served_node import free_ports
from receiving import Receiver, answer
from running import ManualClock, Nodes, Platform, Running
from tidegate.fingerprint.video.frames import unpack_frames
from tidegate.jail import Jail
from tidegate.kernel.clock import system_clock
from tidegate.kernel.ids import ContentId
from tidegate.supervisor import read_status

WITHIN_SECONDS = 150.0


class RealClock(ManualClock):
    """Other processes have no clock of ours."""

    def __call__(self) -> Any:
        return system_clock()


def long_video(hours: float) -> bytes:
    """Make hours of key frames, one a second: some film over and over, so that it is quickly made and slowly read."""
    part, out = encoded(scene(1, 60, size=(320, 240), rate=1), rate=1, keys_every=1), io.BytesIO()
    source: Any
    film: Any
    with av.open(io.BytesIO(part)) as source, av.open(out, "w", format="matroska") as film:
        stream = film.add_stream_from_template(source.streams.video[0])
        packets = [bytes(packet) for packet in source.demux(video=0) if packet.size]
        for second in range(int(hours * 3600)):
            packet = av.Packet(packets[second % len(packets)])
            packet.stream, packet.is_keyframe = stream, True
            packet.pts = packet.dts = int(second / stream.time_base) if stream.time_base else second * 1000
            film.mux(packet)
    return out.getvalue()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.behave = lambda handler, _data: answer(handler, 204, b"")
    yield made
    made.stop()


@pytest.fixture
def node(nodes: Nodes) -> Running:
    """A node whose time is everybody's; it answers uploads, and its jobs are done elsewhere."""
    nodes._clock = RealClock()
    return nodes.start(video_patience_seconds=0.0)


@pytest.fixture
def served(node: Running, jail: Jail, tmp_path: Path) -> Iterator[Path]:
    """``tidegate serve`` beside it, on the same database: a supervisor, a web process and a worker."""
    settings, folder = node.node.settings, tmp_path / "served"
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    assert jail._cache_directory is not None
    folder.mkdir()
    (folder / "cache").symlink_to(jail._cache_directory)
    (folder / "keys").symlink_to(settings.keys_directory)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")} | {
        "TIDEGATE_DATA_DIRECTORY": str(folder),
        "TIDEGATE_DATABASE_URL": settings.database_url.get_secret_value(),
        "TIDEGATE_DATABASE_OWNER_URL": settings.database_owner_url.get_secret_value(),
    }
    ports = zip(("PUBLIC", "PLATFORM", "STAFF"), free_ports(3), strict=True)
    environment |= {f"TIDEGATE_{name}_PORT": str(port) for name, port in ports}
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate", "serve"], env=environment, stdout=said, stderr=said
        )
    try:
        until(lambda: worker_of(folder), (tmp_path / "said").read_text)
        yield folder
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(true: Callable[[], Any], said: Callable[[], str] = str) -> Any:
    """Wait until something is so, and give it."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not (found := true()):
        assert time.monotonic() < deadline, f"it did not come true: {said()[-3000:]}"
        time.sleep(0.02)
    return found


def worker_of(folder: Path) -> int | None:
    """Give the worker's process, once it is up."""
    status = read_status(folder)
    worker = status["processes"].get("worker") if status else None
    return worker["pid"] if worker and worker["state"] == "ready" else None


def busiest_below(process: int) -> int | None:
    """Give the process without children below one that has worked most: what reads the video."""
    parents, worked = dict[int, int](), dict[int, int]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)], worked[int(entry.name)] = int(fields[1]), int(fields[11])
    below = [process]
    for one in below:
        below += [child for child, parent in parents.items() if parent == one]
    leaves = [one for one in below[1:] if one not in parents.values()]
    return max(leaves, key=lambda one: worked[one], default=None)


def seconds_checked(platform: Platform, content: str) -> int | None:
    """Say how far the check is; None once there is a verdict."""
    checking = platform.client.get(f"/v1/content/{content}").json()["checking"]
    return None if checking is None else int(checking["checked_seconds"])


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["the child that reads it", "the worker"])
def test_a_video_is_judged_from_where_its_check_stood(
    node: Running, served: Path, receiver: Receiver, victim: str
) -> None:
    platform = node.platform(webhook_url=receiver.url)
    said = platform.upload(long_video(3), kind="video")
    assert said.status_code == 202, said.text
    content = said.json()["content"]
    reached = until(lambda: seconds_checked(platform, content))
    worker = worker_of(served)
    assert worker is not None
    killed = worker if victim == "the worker" else busiest_below(worker)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert seconds_checked(platform, content) is not None, "it was faster than we were"
    if victim == "the worker":
        assert until(lambda: (again := worker_of(served)) and again != worker and again)
    seen = [reached]

    def judged() -> bool:
        now = seconds_checked(platform, content)
        if now is not None:
            seen.append(now)
        return now is None

    until(judged)
    assert seen == sorted(seen), "it went on, and did not begin again"
    until(lambda: receiver.got)
    assert platform.client.get(f"/v1/content/{content}").json()["verdict"] == "clear"
    (row,) = ask(node, "SELECT frames FROM clear_upload WHERE id = %s", ContentId.parse(content).value)
    at = unpack_frames(bytes(row["frames"]))["at"]
    assert set(np.diff(at.astype(int))) == {1000}, "no part of it is missing"
    assert at[-1] > (3 * 3600 - 10) * 1000
    # Nothing is left to do that could say it once more.
    until(lambda: not ask(node, "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"))
    assert [(told["content"], told["verdict"]) for told in receiver.got] == [(content, "clear")]
