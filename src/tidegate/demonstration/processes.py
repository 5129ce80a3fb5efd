"""The processes of the demonstration: a node and a pretend platform, each started as a user would start it.

May decide: nothing about the story. A node that was killed is started again, as any service manager would; the story
goes on against whatever is there.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tidegate.kernel.errors import ConfigurationError, Unavailable

Say = Callable[[str], None]

#: What the demonstration shortens, so that nobody waits a day for a hold to lapse. Shorter is always allowed.
SHORTENED = {
    "TIDEGATE_HOLD_SECONDS": "30",
    "TIDEGATE_UNDO_SECONDS": "1",
    "TIDEGATE_PUBLISH_WINDOW_SECONDS": "2",
    "TIDEGATE_UNCHECKED_SHARE": "1",
    "TIDEGATE_LOG_LEVEL": "warning",
}
_START_SECONDS = 240.0
_STOP_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything answers on this machine."""

    public: int
    api: int
    staff: int
    platform: int


def ports_for(data: Path, fixed: Ports | None) -> Ports:
    """Give the ports of a demonstration: those of last time, else the usual ones where wanted and free, else others."""
    kept = data / "ports.json"
    if kept.exists():
        return Ports(**json.loads(kept.read_text()))
    if fixed is not None and all(_free(port) for port in (fixed.public, fixed.api, fixed.staff, fixed.platform)):
        chosen = fixed
    else:
        with_sockets = [socket.socket() for _ in range(4)]
        for opened in with_sockets:
            opened.bind(("127.0.0.1", 0))
        chosen = Ports(*(opened.getsockname()[1] for opened in with_sockets))
        for opened in with_sockets:
            opened.close()
    kept.write_text(
        json.dumps({"public": chosen.public, "api": chosen.api, "staff": chosen.staff, "platform": chosen.platform})
    )
    return chosen


def _free(port: int) -> bool:
    with socket.socket() as opened, suppress(OSError):
        opened.bind(("127.0.0.1", port))
        return True
    return False


class Kept:
    """A process that is kept running: started again whenever it ends before it is told to."""

    def __init__(self, name: str, argv: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._argv, self._environment, self._log = argv, dict(environment), log
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start it, and keep it."""
        self._keeper.start()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            with self._log.open("ab") as log:
                # A group of its own: Ctrl-C reaches us alone, and we stop everything in order.
                self._process = subprocess.Popen(  # noqa: S603 - our own commands
                    self._argv, env=self._environment, stdout=log, stderr=log, start_new_session=True
                )
                self._process.wait()
            self._stopping.wait(0.3)

    def stop(self) -> None:
        """Stop it in order."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._keeper.join(5)


class Processes:
    """A node and a pretend platform in one folder."""

    def __init__(self, data: Path, ports: Ports, say: Say) -> None:
        self.data, self.ports, self._say = data, ports, say
        self.public = f"http://127.0.0.1:{ports.public}"
        self.api = f"http://127.0.0.1:{ports.api}"
        # Passkeys need a name, and "localhost" is one; sign-in works at either.
        self.staff = f"http://localhost:{ports.staff}"
        self.platform = f"http://127.0.0.1:{ports.platform}"
        self.node_directory = data / "node"
        self.node_log = data / "node.log"
        self._kept: list[Kept] = []

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command about this node."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        return (
            plain
            | SHORTENED
            | {
                "TIDEGATE_DATA_DIRECTORY": str(self.node_directory),
                "TIDEGATE_PUBLIC_PORT": str(self.ports.public),
                "TIDEGATE_PLATFORM_PORT": str(self.ports.api),
                "TIDEGATE_STAFF_PORT": str(self.ports.staff),
                "TIDEGATE_PUBLIC_URL": self.public,
                "TIDEGATE_STAFF_URL": self.staff,
                "TIDEGATE_LEDGER_ORIGIN": "demonstration.example/ledger",
            }
        )

    def start_node(self) -> None:
        """Start the node and wait until it is ready.

        Raises:
            Unavailable: it did not become ready.
        """
        self.node_directory.mkdir(parents=True, exist_ok=True)
        self._start("node", [sys.executable, "-m", "tidegate", "serve"], self.environment, self.node_log)
        self.wait_for(f"{self.api}/health/ready", "the node", self.node_log)

    def start_platform(self, key: str) -> None:
        """Start the pretend platform with its API key and wait until it is ready.

        Raises:
            Unavailable: it did not become ready.
        """
        folder = self.data / "platform"
        folder.mkdir(exist_ok=True)
        key_file = folder / "api.key"
        key_file.touch(mode=0o600)
        key_file.write_text(key)
        argv = [
            sys.executable,
            str(platform_folder()),
            "--port",
            str(self.ports.platform),
            "--data",
            str(folder),
        ]
        argv += ["--node", self.api, "--key-file", str(key_file)]
        log = self.data / "platform.log"
        self._start("platform", argv, self.environment, log)
        self.wait_for(f"{self.platform}/health", "the pretend platform", log)

    def _start(self, name: str, argv: list[str], environment: Mapping[str, str], log: Path) -> None:
        kept = Kept(name, argv, environment, log)
        self._kept.append(kept)
        kept.start()

    def wait_for(self, url: str, what: str, log: Path) -> None:
        """Wait until an address answers well.

        Raises:
            Unavailable: it did not, in four minutes.
        """
        began = told = time.monotonic()
        with httpx2.Client(timeout=5, trust_env=False) as client:
            while time.monotonic() - began < _START_SECONDS:
                with suppress(httpx2.HTTPError):
                    if client.get(url).status_code == httpx2.codes.OK:
                        return
                if time.monotonic() - told > 10:  # noqa: PLR2004 - seconds between two words of patience
                    told = time.monotonic()
                    self._say(f"still waiting for {what} ({round(told - began)} s) ...")
                time.sleep(0.1)
        raise Unavailable(f"{what} did not become ready. What it said last stands in {log.name} in the data folder.")

    def command(self, *arguments: str) -> str:
        """Run a command at the node's machine and give what it printed.

        Raises:
            Unavailable: it failed, also when tried again for a while.
        """
        argv = [sys.executable, "-m", "tidegate", *arguments]
        done: subprocess.CompletedProcess[str] | None = None
        for _ in range(30):
            done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
            if done.returncode == 0:
                return done.stdout.strip()
            time.sleep(1)
        raise Unavailable(f"tidegate {' '.join(arguments[:2])} failed: {done.stderr.strip()[-300:] if done else ''}")

    def first_link(self) -> str:
        """Find the link for the first administrator in what the node said.

        Raises:
            Unavailable: it said none.
        """
        words = self.node_log.read_text(errors="replace").split()
        links = [word for word in words if word.startswith(f"{self.staff}/sign-in")]
        if not links:
            raise Unavailable("The node printed no link for the first administrator.")
        return links[-1]

    def stop(self) -> None:
        """Stop everything, the platform first."""
        for kept in reversed(self._kept):
            self._say(f"stopping the {kept.name} ...")
            kept.stop()


def platform_folder() -> Path:
    """Find the pretend platform.

    Raises:
        ConfigurationError: it is not where the project keeps it.
    """
    inside = Path(__file__).parent / "platform"
    beside = Path(__file__).parents[3] / "examples" / "platform"
    for folder in (inside, beside):
        if (folder / "__main__.py").exists():
            return folder
    raise ConfigurationError("The pretend platform (examples/platform) is missing: run this from a checkout.")
