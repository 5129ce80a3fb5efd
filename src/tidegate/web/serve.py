"""The web process: three listeners on sockets we bind ourselves.

May decide: nothing. The sockets are made with IPPROTO_TCP so that answers are sent at once (asyncio sets TCP_NODELAY
only on such sockets), and with SO_REUSEPORT so that several processes can share a port.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import uvicorn

from tidegate.node import Node
from tidegate.web.app import make_application
from tidegate.web.door import Door, Listener
from tidegate.web.problems import AsPage

_GRACE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the three listeners answer, as base URLs."""

    public: str
    platform: str
    staff: str


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is one of three in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.bind((host, port))
    opened.set_inheritable(False)
    return opened


@contextlib.asynccontextmanager
async def listening(node: Node, doors: Sequence[Door], as_page: AsPage) -> AsyncIterator[Addresses]:
    """Serve the three listeners until the block ends; requests under way are finished first."""
    settings = node.settings
    ports = {
        Listener.PUBLIC: settings.public_port,
        Listener.PLATFORM: settings.platform_port,
        Listener.STAFF: settings.staff_port,
    }
    servers: list[tuple[_Server, asyncio.Task[None]]] = []
    addresses: dict[Listener, str] = {}
    applications = {listener: make_application(node, listener, doors, as_page) for listener in ports}
    try:
        for listener, port in ports.items():
            opened = bind(settings.host, port)
            addresses[listener] = f"http://{settings.host}:{opened.getsockname()[1]}"
            server = _Server(
                uvicorn.Config(
                    applications[listener],
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    date_header=True,
                    lifespan="off",
                    timeout_graceful_shutdown=_GRACE_SECONDS,
                    h11_max_incomplete_event_size=64 * 1024,
                )
            )
            servers.append((server, asyncio.create_task(server.serve(sockets=[opened]))))
        while not all(server.started for server, _ in servers):
            for _, task in servers:
                if task.done():
                    task.result()
            await asyncio.sleep(0.005)
        yield Addresses(addresses[Listener.PUBLIC], addresses[Listener.PLATFORM], addresses[Listener.STAFF])
    finally:
        for server, _ in servers:
            server.should_exit = True
        for application in applications.values():
            application.state.live.stop()
        await asyncio.gather(*(task for _, task in servers), return_exceptions=True)


def stop_on_signals() -> asyncio.Event:
    """Give an event that is set when the process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
