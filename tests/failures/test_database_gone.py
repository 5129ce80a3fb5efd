"""The database goes away under a running node: it says so, recovers by itself, and lost nothing acknowledged."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from acts import picture
from running import Loop, ManualClock, Nodes, Running
from tidegate.db import embedded
from tidegate.db.cluster import APPLICATION
from tidegate.db.migrate import migrate
from tidegate.db.pool import WAIT_SECONDS
from tidegate.jail import Jail
from tidegate.kernel.process import start, stop
from tidegate.settings import read_settings

#: How long it stays away; long enough that every connection fails and every wait runs out.
AWAY_SECONDS = 10.0


class Server:
    """A PostgreSQL of this test's own that can be stopped and started again."""

    def __init__(self, directory: Path) -> None:
        self.postgres = embedded.prepare(directory)
        self._specification = self.postgres.command()
        self._process: Any = None

    def start(self) -> None:
        self._process = start(self._specification)
        eventually(self._answers)

    def _answers(self) -> bool:
        assert self._process.poll() is None, "PostgreSQL ended"
        try:
            psycopg.connect(self.postgres.app_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        stop(self._process, self._specification)


def eventually(condition: Callable[[], object], within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "database"
    made = Server(folder)
    made.start()
    migrate(made.postgres.owner_url, APPLICATION)
    yield made
    made.stop()
    embedded.forget(folder)


@pytest.fixture
def running(serving: Loop, jail: Jail, server: Server, tmp_path: Path, clock: ManualClock) -> Iterator[Running]:
    made = Nodes(
        serving,
        jail,
        read_settings(
            data_directory=tmp_path / "node",
            database_url=SecretStr(server.postgres.app_url),
            database_connections=8,
            public_port=0,
            platform_port=0,
            staff_port=0,
        ),
        clock,
    )
    yield made.start()
    made.stop_all()


@pytest.mark.slow
def test_the_database_is_gone_for_ten_seconds(running: Running, server: Server) -> None:
    platform = running.platform()
    data = [picture(seed) for seed in range(4)]
    acknowledged: list[str] = []
    refused: list[tuple[int, str, float]] = []
    stopping = threading.Event()

    def upload(first: int) -> None:
        count = 0
        while not stopping.is_set():
            count += 1
            began = time.monotonic()
            answer = platform.upload(data[count % 4], platform_id=f"post-{first}-{count}")
            if answer.status_code == 200:
                acknowledged.append(answer.json()["content"])
            else:
                problem = answer.json()
                refused.append((answer.status_code, problem["kind"], time.monotonic() - began))
                assert answer.headers["retry-after"].isdigit()
                assert "try again" in problem["detail"]

    uploaders = [threading.Thread(target=upload, args=(number,)) for number in range(3)]
    for uploader in uploaders:
        uploader.start()
    health = running.client(running.addresses.platform)
    try:
        eventually(lambda: len(acknowledged) > 20)
        server.stop()
        gone = time.monotonic()
        while time.monotonic() - gone < AWAY_SECONDS:
            assert health.get("/health/live").status_code == 200
            ready = health.get("/health/ready")
            assert ready.status_code == 503
            assert ready.headers["retry-after"].isdigit()
            assert ready.json()["parts"]["database"] == "down"
        before = len(acknowledged)
        server.start()
        eventually(lambda: health.get("/health/ready").status_code == 200)
        eventually(lambda: len(acknowledged) > before + 20)
    finally:
        stopping.set()
        for uploader in uploaders:
            uploader.join()
    assert refused
    assert {(status, kind) for status, kind, _ in refused} == {(503, "unavailable")}
    # Key and submission each wait for a connection; the rest is the check itself, on a busy machine.
    assert max(seconds for _, _, seconds in refused) < 2 * WAIT_SECONDS + 4
    lost = [name for name in acknowledged if platform.client.get(f"/v1/content/{name}").status_code != 200]
    assert lost == []
    running.work()


def test_a_node_that_finds_no_database_says_so(running: Running, server: Server) -> None:
    server.stop()
    try:
        answer = running.client(running.addresses.platform).get(
            "/v1/instructions", headers={"authorization": "Bearer tidegate_" + "a" * 43 + "000000"}
        )
        # A key that cannot be one is refused without asking; nothing else is known without the database.
        assert answer.status_code in {401, 503}
        assert "postgres" not in answer.text.lower()
        metrics = running.client(running.addresses.platform).get("/metrics")
        assert metrics.status_code == 503
        assert metrics.headers["content-type"] == "application/problem+json"
    finally:
        server.start()
