"""The supervisor: starts in order, restarts what is killed, and leaves nothing behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tidegate.db.embedded import attach, forget
from tidegate.kernel.errors import ConfigurationError, Unavailable
from tidegate.kernel.process import ProcessSpecification
from tidegate.supervisor import Status, Supervisor, read_status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

HEAD = """
import sys
from pathlib import Path
from tidegate.db.embedded import prepare
from tidegate.kernel.errors import TidegateError
from tidegate.kernel.process import ProcessSpecification
from tidegate.supervisor import Supervisor
data = Path(sys.argv[1])
def report(line): print(line, flush=True)
SLEEP = "\\n".join([
    "import os, signal, sys",
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))",
    "open(f'{sys.argv[2]}/{sys.argv[1]}-is-up', 'w').write(str(os.getpid()))",
    "signal.pause()",
])
STUBBORN = 'trap "" TERM; : > "$0/trapped"; while :; do sleep 0.1; done'
def run(name, *argv, **more): return ProcessSpecification(name=name, argv=(*argv, str(data)), **more)
def shell(name, code, **more): return run(name, "/bin/sh", "-c", code, **more)
def sleeper(name, **more): return run(name, sys.executable, "-c", SLEEP, name, **more)
def stubborn(within): return shell("web", STUBBORN, ready=(data / "trapped").exists, stop_within=within)
"""
TAIL = """
try:
    sys.exit(Supervisor(processes, data_directory=data, report=report).run())
except TidegateError as error:
    print(type(error).__name__, error.message, flush=True)
    sys.exit(9)
"""
NODE = """
after = {"needs": ("postgres",)}
processes = [prepare(data).command(report), sleeper("web", **after), sleeper("worker", **after)]
"""


class Running:
    """A supervisor in a process of its own, and what it says."""

    def __init__(self, processes: str, data_directory: Path) -> None:
        self.data_directory = data_directory
        self.output = data_directory.parent / f"said-{time.monotonic_ns()}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", HEAD + processes + TAIL, str(data_directory)],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def status(self) -> Status:
        found = read_status(self.data_directory)
        assert found is not None
        return found

    def pid(self, name: str) -> int:
        pid = self.status()["processes"][name]["pid"]
        assert pid is not None
        return pid

    def until_ready(self, *names: str) -> None:
        eventually(lambda: self.process.poll() is not None or self._ready(names), self.said)
        assert self.process.poll() is None, self.said()

    def _ready(self, names: tuple[str, ...]) -> bool:
        found = read_status(self.data_directory)
        if found is None or found["supervisor"] != self.process.pid:
            return False
        wanted = names or tuple(found["processes"])
        return all(found["processes"][name]["state"] == "ready" for name in wanted)

    def is_up(self, name: str) -> bool:
        """Whether a sleeper has come so far that it ends in order."""
        written = self.data_directory / f"{name}-is-up"
        return written.exists() and written.read_text() == str(self.pid(name))

    def restarted(self, name: str) -> bool:
        return self.status()["processes"][name]["restarts"] == 1

    def ctrl_c(self) -> None:
        """To the whole foreground group, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)


def eventually(condition: Callable[[], object], said: Callable[[], str] = str, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"did not come true in time: {said()}"
        time.sleep(0.02)


def left_behind(data_directory: Path, *more: str) -> list[str]:
    """Processes that name the data directory (or what else is given) in their command line."""
    wanted = [os.fsencode(data_directory), *(each.encode() for each in more)]
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if any(each in words for each in wanted):
            found.append(f"{path.parent.name}: {words!r}")
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    data_directory = tmp_path / "data"
    started: list[Running] = []

    def begin(processes: str) -> Running:
        started.append(Running(processes, data_directory))
        return started[-1]

    yield begin
    for each in started:
        each.process.kill()
        each.process.wait()
    eventually(lambda: not left_behind(data_directory))
    forget(data_directory)


def tell(url: str, sql: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchone() if cursor.description else None


def test_a_node_survives_every_kill(start: Callable[[str], Running], tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = start(NODE)
    first.until_ready()
    postgres = attach(data)
    tell(postgres.owner_url, "CREATE TABLE kept (a int)")
    tell(postgres.owner_url, "INSERT INTO kept VALUES (1)")

    for name in ("web", "worker", "postgres"):
        before = {each: first.pid(each) for each in ("postgres", "web", "worker")}
        os.kill(before[name], signal.SIGKILL)
        eventually(partial(first.restarted, name), first.said)
        first.until_ready()
        after = {each: first.pid(each) for each in before}
        assert {each for each in before if before[each] != after[each]} == {name}
        assert tell(postgres.owner_url, "SELECT a FROM kept") == (1,)

    first.process.kill()
    first.process.wait()
    eventually(lambda: not left_behind(data, postgres.mark))
    second = start(NODE)
    second.until_ready()
    assert tell(attach(data).owner_url, "SELECT a FROM kept") == (1,)

    eventually(lambda: second.is_up("web") and second.is_up("worker"))
    second.ctrl_c()
    assert second.process.wait(30) == 0, second.said()
    assert not left_behind(data, postgres.mark)
    assert read_status(data) is None
    said = second.said()
    assert said.index("worker ended with status 0") < said.index("postgres ended with status 0")
    assert said.index("web ended with status 0") < said.index("postgres ended with status 0")
    assert "database system is shut down" in postgres.log.read_text().splitlines()[-1]


def test_supervisor_killed_again_and_again_while_starting(start: Callable[[str], Running], tmp_path: Path) -> None:
    data = tmp_path / "data"
    for pause in (0.2, 0.4, 0.6, 0.8):
        attempt = start(NODE)
        with pytest.raises(subprocess.TimeoutExpired):
            attempt.process.wait(pause)  # not waiting for anything: any moment will do
        attempt.process.kill()
        attempt.process.wait()
    last = start(NODE)
    last.until_ready()
    assert tell(attach(data).app_url, "SELECT 1") == (1,)


def test_second_supervisor_refuses(start: Callable[[str], Running]) -> None:
    first = start('processes = [sleeper("web")]')
    first.until_ready()
    second = start('processes = [sleeper("web")]')
    assert second.process.wait(20) == 9
    assert second.said().startswith("Conflict")
    assert str(first.process.pid) in second.said()
    assert first.process.poll() is None
    first.process.kill()
    first.process.wait()
    third = start('processes = [sleeper("web")]')
    third.until_ready()


def test_second_ctrl_c_ends_at_once(start: Callable[[str], Running], tmp_path: Path) -> None:
    node = start("processes = [stubborn(60)]")
    node.until_ready()
    node.ctrl_c()
    eventually(lambda: "Stopping in order" in node.said())
    node.ctrl_c()
    assert node.process.wait(10) == 130
    assert not left_behind(tmp_path / "data")


def test_stubborn_process_is_killed_after_its_grace(start: Callable[[str], Running], tmp_path: Path) -> None:
    node = start("processes = [stubborn(0.5)]")
    node.until_ready()
    node.process.terminate()
    assert node.process.wait(10) == 0
    assert "web is stopped the hard way" in node.said()
    assert not left_behind(tmp_path / "data")


def test_what_a_process_started_ends_with_it(start: Callable[[str], Running]) -> None:
    mark = f"8640{os.getpid()}"
    node = start(f"""processes = [shell("web", "sleep {mark} & wait")]""")
    node.until_ready()
    eventually(lambda: len(sleeping(mark)) == 1)
    (grandchild,) = sleeping(mark)
    os.kill(node.pid("web"), signal.SIGKILL)
    eventually(lambda: sleeping(mark) and grandchild not in sleeping(mark))
    node.process.terminate()
    node.process.wait(10)
    eventually(lambda: not sleeping(mark))


def sleeping(mark: str) -> list[str]:
    return left_behind(Path("/no-such-folder"), f"sleep\0{mark}")


def test_pauses_grow_while_a_process_keeps_dying(start: Callable[[str], Running]) -> None:
    node = start("""processes = [sleeper("web"), shell("worker", "exit 3")]""")
    eventually(lambda: "started again in 0.8 s" in node.said())
    said = node.said()
    pauses = ["worker ended with status 3: it is started again in 0.2 s", "in 0.4 s", "in 0.8 s"]
    assert [said.index(each) for each in pauses] == sorted(said.index(each) for each in pauses)
    status = node.status()["processes"]
    assert (status["web"]["restarts"], status["web"]["state"]) == (0, "ready")
    node.process.terminate()  # during a pause
    assert node.process.wait(10) == 0


def test_stopped_while_still_waiting_for_what_it_needs(start: Callable[[str], Running], tmp_path: Path) -> None:
    node = start("""processes = [sleeper("postgres", ready=lambda: False), sleeper("web", needs=("postgres",))]""")
    eventually(lambda: (tmp_path / "data/supervisor.json").exists() and node.status()["processes"]["postgres"]["pid"])
    assert node.status()["processes"]["web"] == {"pid": None, "state": "waiting", "restarts": 0}
    node.process.terminate()
    assert node.process.wait(10) == 0
    assert not left_behind(tmp_path / "data")


def in_order(*processes: ProcessSpecification, data_directory: Path) -> Supervisor:
    return Supervisor(processes, data_directory=data_directory, report=lambda _line: None)


def test_never_ready_is_a_failure_that_stops_all(tmp_path: Path) -> None:
    web = ProcessSpecification(name="web", argv=("/bin/sleep", "864001"), ready=lambda: False, ready_within=0.3)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(Unavailable, match="not ready after"):
        in_order(web, data_directory=tmp_path).run()
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert not left_behind(Path("/no-such-folder"), "sleep\x00864001")


def test_failing_check_is_not_swallowed(tmp_path: Path) -> None:
    async def broken() -> bool:
        raise ZeroDivisionError

    web = ProcessSpecification(name="web", argv=("/bin/sleep", "864002"), ready=broken)
    with pytest.raises(ZeroDivisionError):
        in_order(web, data_directory=tmp_path).run()
    assert not left_behind(Path("/no-such-folder"), "sleep\x00864002")


def test_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='"web" could not be started'):
        in_order(ProcessSpecification(name="web", argv=("/no/such/program",)), data_directory=tmp_path).run()


def test_order_must_be_possible(tmp_path: Path) -> None:
    web = ProcessSpecification(name="web", argv=("/bin/true",), needs=("postgres",))
    with pytest.raises(ConfigurationError, match="come after all that it needs"):
        in_order(web, data_directory=tmp_path)


def test_data_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="choose another one"):
        in_order(data_directory=tmp_path / "file" / "data").run()


def test_status_that_is_damaged_is_no_status(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None
    (tmp_path / "supervisor.json").write_text('{"super')
    assert read_status(tmp_path) is None
    (tmp_path / "supervisor.json").write_text(json.dumps({"supervisor": 1, "processes": {}}))
    assert read_status(tmp_path) == {"supervisor": 1, "processes": {}}
