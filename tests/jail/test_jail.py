"""The jail from outside: one bad request is one failure, whatever it does, and nothing outlives the node."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jail.held_jail import HERE, HeldJail, MakeJail
from tidegate.jail import Jail, JailError, Limits, Reason
from tidegate.jail.model import REQUIRED, Lock, Start
from tidegate.kernel.errors import ConfigurationError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the jail needs Linux")


@pytest.fixture(scope="module")
def shared() -> Iterator[HeldJail]:
    held = HeldJail(size=1)
    yield held
    held.stop()


@pytest.fixture
def make_jail() -> Iterator[MakeJail]:
    made: list[HeldJail] = []

    def make(**settings: Any) -> HeldJail:
        made.append(HeldJail(**settings))
        return made[-1]

    yield make
    for held in made:
        held.stop()


def eventually(condition: Callable[[], object], within: float = 15.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def started_by(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]


def children_of(process: int) -> dict[int, int]:
    """Find a forkserver's children: by the number each has for itself, the number it has for us."""
    children = {}
    for child in started_by(process):
        status = Path(f"/proc/{child}/status").read_text(encoding="ascii")
        own = next(line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:"))
        children[int(own)] = child
    # The first process of a namespace only holds it open.
    children.pop(1, None)
    return children


def child_of(held: HeldJail) -> int:
    """Find the child that answers next, by the number it has for us."""
    return children_of(forkserver_of(held))[int(held.run("process"))]


def forkserver_of(held: HeldJail) -> int:
    link = held.jail._link
    assert link is not None
    return link._process.pid


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def fails(held: HeldJail, function: str, *arguments: bytes, timeout: float = 5.0) -> Reason:
    with pytest.raises(JailError) as caught:
        held.run(function, b"", *arguments, timeout=timeout)
    return caught.value.reason


@pytest.mark.parametrize("size", [0, 1, 65536, 30_000_000])
def test_bytes_of_any_size_go_in_whole(shared: HeldJail, size: int) -> None:
    data = os.urandom(size)
    assert shared.run("digest", data, b"and arguments") == hashlib.sha256(data).digest() + b"and arguments"


def test_large_answers_come_back_whole_up_to_the_limit(shared: HeldJail) -> None:
    assert shared.run("babble", b"", b"3000000", answer_limit=3_000_000) == bytes(3_000_000)
    with pytest.raises(JailError) as caught:
        shared.run("babble", b"", b"3000001", answer_limit=3_000_000)
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        ("crash", b"", Reason.UNDECODABLE),
        ("leave", b"0", Reason.UNDECODABLE),
        ("leave", b"7", Reason.UNDECODABLE),
        ("stumble", b"", Reason.UNDECODABLE),
        ("refuse", b"", Reason.TOO_LARGE),
        ("hog", b"", Reason.TOO_LARGE),
        ("absent", b"", Reason.UNDECODABLE),
        ("_private", b"", Reason.UNDECODABLE),
        # Answers that no honest child gives: an unknown status, a length beyond the limit, a refusal with words,
        # another request's tag, no end.
        ("lie", b"\x55\0\0\0\0", Reason.UNDECODABLE),
        ("lie", b"\x01\xff\xff\xff\xff", Reason.UNDECODABLE),
        ("lie", b"\x02\0\0\0\x01x", Reason.UNDECODABLE),
        ("guess", bytes(8) + b"\x01\0\0\0\0", Reason.UNDECODABLE),
        ("pour", b"", Reason.UNDECODABLE),
    ],
)
def test_a_bad_request_is_one_failure(shared: HeldJail, function: str, arguments: bytes, reason: Reason) -> None:
    assert fails(shared, function, arguments) is reason
    assert shared.run("digest", b"next") == hashlib.sha256(b"next").digest()


@pytest.mark.parametrize("function", ["stumble", "refuse", "hog", "crash", "absent"])
def test_after_a_file_it_could_not_read_a_child_reads_no_other(make_jail: MakeJail, function: str) -> None:
    held = make_jail(size=1)
    child = held.run("process")
    assert held.run("process") == child
    fails(held, function)
    assert held.run("process") != child


def test_after_an_answer_that_is_not_well_formed_a_child_reads_no_other(make_jail: MakeJail) -> None:
    held = make_jail(size=1)
    child = held.run("process")

    def read(_answer: bytes) -> bytes:
        raise ValueError

    with pytest.raises(JailError) as caught:
        held.do(held.jail.read(read, "misbehaving:babble", b"", b"8"))
    assert caught.value.reason is Reason.UNDECODABLE
    assert held.jail.counts[Reason.UNDECODABLE] == 1
    assert held.run("process") != child


@pytest.mark.parametrize(("function", "wait"), [("twice", 0), ("later", 0.5), ("when_asked", 0)])
def test_an_answer_prepared_for_the_next_request_reaches_nobody(
    make_jail: MakeJail, function: str, wait: float
) -> None:
    held = make_jail(size=1)
    assert held.run(function, b"", b"poison") == b"poison"
    held.do(asyncio.sleep(wait))
    for number in range(3):
        data = bytes([number])
        assert held.run("digest", data) == hashlib.sha256(data).digest()


def test_a_file_is_not_blamed_for_what_an_earlier_one_did(make_jail: MakeJail) -> None:
    held = make_jail(size=1)
    assert held.run("plant") == b"planted"
    assert held.run("digest", b"next") == hashlib.sha256(b"next").digest()
    # The one to blame is the first of its child.
    held.run("process")
    assert fails(held, "crash") is Reason.UNDECODABLE


def test_where_no_fresh_child_stands_ready_one_is_waited_for(make_jail: MakeJail) -> None:
    held = make_jail(size=1, spare=0)
    assert held.run("plant") == b"planted"
    assert held.run("digest", b"next") == hashlib.sha256(b"next").digest()


def test_a_child_that_was_taken_over_reads_no_more_files_than_an_honest_one(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(requests=3))
    assert held.run("usurp", b"", b"poison") == b"poison"
    answers = [held.run("digest", b"next") for _ in range(6)]
    assert answers == 2 * [b"poison"] + 4 * [hashlib.sha256(b"next").digest()]


def test_one_child_for_each_file_where_that_is_asked_for(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(requests=1))
    processes = [held.run("process") for _ in range(5)]
    assert len(set(processes)) == 5


def test_a_replaced_child_has_its_successor_ready(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(requests=1))
    held.do(asyncio.sleep(0.2))
    held.run("process")
    # Nothing but the event loop could have made another one in the meantime, and it has not run.
    assert not held.jail._idle.empty()


def test_the_bytes_are_sent_from_where_they_are(shared: HeldJail) -> None:
    data = bytearray(os.urandom(1_000_000))
    expected = hashlib.sha256(data[1:]).digest()
    assert shared.do(shared.jail.run("misbehaving:digest", memoryview(data)[1:])) == expected
    assert shared.do(shared.jail.run("misbehaving:digest", data)) == hashlib.sha256(data).digest()


def test_sending_takes_no_copy(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(memory=2 << 30))
    data = bytes(300 << 20)
    tracemalloc.start()
    try:
        held.run("digest", data, timeout=60)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1 << 20


def test_the_clock_ends_a_loop(shared: HeldJail) -> None:
    before = time.monotonic()
    assert fails(shared, "loop", timeout=0.3) is Reason.TIMEOUT
    assert time.monotonic() - before < 1.5
    assert shared.run("digest", b"next") == hashlib.sha256(b"next").digest()


@pytest.mark.parametrize("said", [b"", b"\x01\0\0", b"\x01\0\0\0\x02x"])
def test_half_an_answer_is_ended_by_the_clock(shared: HeldJail, said: bytes) -> None:
    assert fails(shared, "lie", said, timeout=0.3) is Reason.TIMEOUT
    assert shared.run("digest", b"next") == hashlib.sha256(b"next").digest()


def test_the_kernel_ends_a_loop_too(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(cpu_seconds=1))
    assert fails(held, "loop", timeout=30) is Reason.TIMEOUT


def test_a_child_is_replaced_after_its_requests(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(requests=3))
    processes = [held.run("process") for _ in range(7)]
    assert [processes.count(process) for process in dict.fromkeys(processes)] == [3, 3, 1]


def test_a_child_is_replaced_before_its_processor_time_runs_out(make_jail: MakeJail) -> None:
    held = make_jail(size=1, limits=Limits(cpu_seconds=1))
    for _ in range(6):
        held.run("burn", b"", b"0.3")


def test_an_unused_child_that_died_costs_nobody_a_request(make_jail: MakeJail) -> None:
    held = make_jail(size=1)
    child = child_of(held)
    os.kill(child, signal.SIGKILL)
    held.do(asyncio.sleep(0.2))
    assert child_of(held) != child


def test_a_child_that_someone_killed_says_nothing_of_the_bytes(make_jail: MakeJail) -> None:
    held = make_jail(size=1)
    child = child_of(held)

    async def killed() -> Reason:
        running = asyncio.create_task(held.jail.run("misbehaving:nap", b"", b"30", timeout=20))
        await asyncio.sleep(0.1)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(JailError) as caught:
            await running
        return caught.value.reason

    assert held.do(killed()) is Reason.ENGINE_DOWN


def test_a_request_nobody_waits_for_ends(make_jail: MakeJail) -> None:
    held = make_jail(size=1)
    child = child_of(held)

    async def abandoned() -> None:
        running = asyncio.create_task(held.jail.run("misbehaving:loop", b"", timeout=60))
        await asyncio.sleep(0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    held.do(abandoned())
    assert held.run("digest", b"next") == hashlib.sha256(b"next").digest()
    eventually(lambda: not alive(child))


def test_too_many_requests_are_refused_at_once_and_the_others_answered(make_jail: MakeJail) -> None:
    held = make_jail(size=2, queue=3)

    async def crowd() -> tuple[list[float], list[bytes]]:
        start = time.monotonic()
        reasons: set[Reason] = set()
        refused: list[float] = []
        answered: list[bytes] = []

        async def one() -> None:
            try:
                answered.append(await held.jail.run("misbehaving:nap", b"", b"0.5"))
            except JailError as error:
                reasons.add(error.reason)
                refused.append(time.monotonic() - start)

        await asyncio.gather(*(one() for _ in range(12)))
        assert reasons == {Reason.ENGINE_DOWN}
        return refused, answered

    refused, answered = held.do(crowd())
    assert max(refused) < 0.4
    # Those that may wait, at most two more that found a child idle.
    assert 3 <= len(answered) <= 5
    assert len(refused) + len(answered) == 12
    assert held.jail.counts["answered"] == len(answered)
    assert held.jail.counts[Reason.ENGINE_DOWN] == len(refused)


def test_nobody_waits_longer_than_patience(make_jail: MakeJail) -> None:
    held = make_jail(size=1, patience=0.2)

    async def second() -> Reason:
        first = asyncio.create_task(held.jail.run("misbehaving:nap", b"", b"1"))
        await asyncio.sleep(0.05)
        with pytest.raises(JailError) as caught:
            await held.jail.run("misbehaving:process", b"")
        await first
        return caught.value.reason

    assert held.do(second()) is Reason.ENGINE_DOWN


def test_the_forkserver_is_started_again(make_jail: MakeJail) -> None:
    held = make_jail(size=2, spare=0)
    before = forkserver_of(held)
    children = children_of(before)

    async def interrupted() -> Reason:
        running = asyncio.create_task(held.jail.run("misbehaving:nap", b"", b"30", timeout=20))
        await asyncio.sleep(0.1)
        os.kill(before, signal.SIGKILL)
        with pytest.raises(JailError) as caught:
            await running
        return caught.value.reason

    assert held.do(interrupted()) is Reason.ENGINE_DOWN
    assert held.run("digest", b"next") == hashlib.sha256(b"next").digest()
    assert forkserver_of(held) != before
    # Children of the old one are not mistaken for those of the new one.
    eventually(lambda: len(children_of(forkserver_of(held))) == 2)
    now = set(children_of(forkserver_of(held)))
    assert {int(held.run("process")) for _ in range(10)} <= now
    for child in children.values():
        eventually(lambda child=child: not alive(child))  # type: ignore[misc]


def test_when_the_childrens_namespace_ends_there_is_another_one(make_jail: MakeJail) -> None:
    held = make_jail(size=1)
    server = forkserver_of(held)
    holders = set(started_by(server)) - set(children_of(server).values())
    if not holders:
        pytest.skip("this kernel gives no process namespace")
    os.kill(holders.pop(), signal.SIGKILL)
    held.do(asyncio.sleep(0.5))
    assert held.run("digest", b"next") == hashlib.sha256(b"next").digest()
    assert forkserver_of(held) != server


def test_a_forkserver_that_cannot_be_started_again_refuses_at_once(make_jail: MakeJail, tmp_path: Path) -> None:
    engine = tmp_path / "fleeting.py"
    engine.write_text("def ping(data, arguments):\n    return b'pong'\n", encoding="utf-8")
    held = make_jail(size=1, spare=0, engines=["fleeting"], sys_path=[tmp_path], patience=20.0)
    assert held.do(held.jail.run("fleeting:ping", b"")) == b"pong"
    source = engine.read_text(encoding="utf-8")
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    engine.unlink()
    (child,) = children_of(forkserver_of(held)).values()
    os.kill(forkserver_of(held), signal.SIGKILL)
    eventually(lambda: not alive(child))

    async def refused() -> float:
        # The first may still have waited for a child; from then on nobody does.
        start = 0.0
        for _ in range(2):
            start = time.monotonic()
            with pytest.raises(JailError) as caught:
                await held.jail.run("fleeting:ping", b"")
            assert caught.value.reason is Reason.ENGINE_DOWN
        return time.monotonic() - start

    assert held.do(refused()) < 0.5
    engine.write_text(source, encoding="utf-8")

    async def back() -> bytes:
        deadline = time.monotonic() + 15
        while True:
            try:
                return await held.jail.run("fleeting:ping", b"")
            except JailError:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)

    assert held.do(back()) == b"pong"


def test_stopping_ends_everything_and_what_is_under_way(make_jail: MakeJail) -> None:
    held = make_jail(size=2, spare=1)
    server = forkserver_of(held)
    children = children_of(server)
    assert len(children) == 3

    async def stopped() -> list[Reason]:
        running = [asyncio.create_task(held.jail.run("misbehaving:nap", b"", b"30", timeout=20)) for _ in range(2)]
        running.append(asyncio.create_task(held.jail.run("misbehaving:process", b"")))
        await asyncio.sleep(0.1)
        await held.jail.stop()
        stopped_at = time.monotonic()
        reasons = []
        for task in running:
            with pytest.raises(JailError) as caught:
                await task
            reasons.append(caught.value.reason)
        assert time.monotonic() - stopped_at < 1
        with pytest.raises(JailError):
            await held.jail.run("misbehaving:process", b"")
        return reasons

    assert held.do(stopped()) == [Reason.ENGINE_DOWN] * 3
    for process in (server, *children.values()):
        assert not alive(process)


@pytest.mark.parametrize("busy", [False, True])
def test_kill_9_of_the_node_leaves_nothing(tmp_path: Path, busy: bool) -> None:
    script = tmp_path / "node.py"
    script.write_text(
        f"""
import asyncio, pathlib
from tidegate.jail import Jail

async def main():
    jail = Jail(engines=["misbehaving"], sys_path=[pathlib.Path({str(HERE)!r})])
    await jail.start()
    print(jail._link._process.pid, flush=True)
    if {busy}:
        for _ in range(2):
            asyncio.create_task(jail.run("misbehaving:loop", b"", timeout=600))
    await asyncio.sleep(600)

asyncio.run(main())
""",
        encoding="utf-8",
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as node:
        assert node.stdout is not None
        server = int(node.stdout.readline())
        try:
            eventually(lambda: len(children_of(server)) == 3)
        finally:
            family = [server, *started_by(server)]
            node.kill()
    for process in family:
        eventually(lambda process=process: not alive(process))  # type: ignore[misc]


def test_our_memory_does_not_grow_over_bad_files(make_jail: MakeJail) -> None:
    held = make_jail(size=2, engines=["misbehaving", "tidegate.fingerprint.picture.decoder"])

    def bad_files(count: int) -> None:
        for number in range(count):
            data = os.urandom(200_000) if number % 3 else b"\xff\xd8\xff\xe0" + os.urandom(200_000)
            with pytest.raises(JailError) as caught:
                held.do(held.jail.run("tidegate.fingerprint.picture.decoder:fingerprint", data))
            assert caught.value.reason is Reason.UNDECODABLE
            if number % 10 == 0:
                fails(held, "crash")

    def resident() -> int:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    bad_files(60)
    memory, files = resident(), descriptors()
    bad_files(300)
    assert resident() - memory < 8 << 20
    assert descriptors() <= files + 2


def test_the_forkserver_gets_none_of_our_secrets(make_jail: MakeJail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_DATABASE_URL", "postgresql://app:sesame@/tidegate")
    held = make_jail(size=1)
    environment = Path(f"/proc/{forkserver_of(held)}/environ").read_bytes()
    assert b"sesame" not in environment
    assert not any(name.encode() + b"=" in environment for name in os.environ if name.startswith("TIDEGATE_"))


def test_a_faster_event_loop_does_too() -> None:
    uvloop = pytest.importorskip("uvloop")
    data = os.urandom(5_000_000)

    async def use() -> bytes:
        jail = Jail(engines=["misbehaving"], sys_path=[HERE], size=2)
        await jail.start()
        try:
            with pytest.raises(JailError):
                await jail.run("misbehaving:loop", b"", timeout=0.2)
            with pytest.raises(JailError):
                await jail.run("misbehaving:crash", b"")
            return await jail.run("misbehaving:digest", data)
        finally:
            await jail.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(use()) == hashlib.sha256(data).digest()


def test_an_engine_that_cannot_be_loaded_is_named(make_jail: MakeJail) -> None:
    with pytest.raises(ConfigurationError, match="nowhere_to_be_found"):
        make_jail(engines=["nowhere_to_be_found"])


def test_an_engine_with_threads_is_refused(make_jail: MakeJail, tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match="thread"):
        make_jail(engines=["threaded"], sys_path=[tmp_path])


def test_only_locks_that_exist_can_be_accepted_as_missing() -> None:
    with pytest.raises(ConfigurationError, match="rlimits, seccomp, landlock, account"):
        Jail(accept_missing=["everything"])


@pytest.mark.parametrize("lock", sorted(REQUIRED))
def test_a_missing_lock_must_be_accepted_by_name(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    from tidegate.jail import forkserver
    from tidegate.jail.check import Report

    report = Report(
        machine="m",
        kernel="k",
        landlock=0,
        details={lock: "switched off"},
        missing=frozenset({lock, Lock.LANDLOCK}),
    )
    monkeypatch.setattr(forkserver, "check", lambda _account: report)
    # This process may run other threads, such as a server other tests talk to; here only the locks are looked at.
    monkeypatch.setattr(forkserver, "_threads", lambda: 1)
    monkeypatch.setattr("threading.active_count", lambda: 1)
    start: Start = {"engines": [], "accept_missing": [], "without": [], "account": (65531, 65531), "limits": {}}
    with pytest.raises(RuntimeError, match=rf"{lock} \(switched off\)"):
        forkserver.prepare(start)
    start["accept_missing"] = [lock]
    assert forkserver.prepare(start) == {lock, Lock.LANDLOCK}


def test_the_cache_folder_is_private(make_jail: MakeJail, tmp_path: Path) -> None:
    cache = tmp_path / "data" / "cache"
    make_jail(size=1, cache_directory=cache)
    assert cache.stat().st_mode & 0o777 == 0o700
    cache.chmod(0o770)
    with pytest.raises(ConfigurationError, match="Others can write"):
        make_jail(size=1, cache_directory=cache)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="file"):
        make_jail(size=1, cache_directory=tmp_path / "file")
