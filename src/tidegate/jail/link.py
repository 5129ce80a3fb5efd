"""The parent's end of the forkserver: starts it, asks for children, and hears how they ended.

May decide: nothing. The forkserver gets a bare environment (its children inherit its memory, so no password
may be in there) and dies with this process, by a signal of the kernel and by the end of its socket.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import tidegate
from tidegate.jail.model import LARGEST_MESSAGE, Start
from tidegate.jail.worker import Broken, Worker, pipe_pair
from tidegate.kernel.errors import ConfigurationError
from tidegate.kernel.process import die_with_parent

_LOCKED_WITHIN = 10.0
_STOPPED_WITHIN = 5.0


class Link:
    """One forkserver while it lives."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._workers: dict[int, Worker] = {}
        self._numbers = 0
        self._listener: asyncio.Task[None] | None = None
        #: Locks its children are without.
        self.missing: tuple[str, ...] = ()
        self.closed = asyncio.Event()

    @classmethod
    async def open(
        cls, start: Start, *, cache_directory: Path | None, sys_path: Sequence[Path], within: float
    ) -> "Link":
        """Start a forkserver and wait until it can fork. From the main thread, for it dies with its thread.

        Raises:
            ConfigurationError: it cannot, and why.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220, S603 -- takes milliseconds; our own command
                [sys.executable, "-s", "-P", "-m", "tidegate.jail.forkserver", str(theirs.fileno())],
                env=_environment(cache_directory, sys_path),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 -- see kernel/process.py
            )
        link = cls(process, ours)
        try:
            async with asyncio.timeout(within):
                await link._started(start)
        except TimeoutError as error:
            await link.close()
            raise ConfigurationError("The jail did not start in time: see what holds this machine up.") from error
        except BaseException:
            await link.close()
            raise
        link._listener = asyncio.create_task(link._listen())
        return link

    async def fork(self) -> Worker:
        """Get a locked child.

        Raises:
            Broken: there is none to be had.
        """
        ours, theirs = pipe_pair()
        self._numbers += 1
        worker = Worker(self._numbers, ours)
        try:
            with theirs:
                message = json.dumps({"fork": worker.number}).encode()
                socket.send_fds(self._control, [message], [theirs.fileno()])
            self._workers[worker.number] = worker
            async with asyncio.timeout(_LOCKED_WITHIN):
                await worker.ready()
        except (OSError, TimeoutError) as error:
            self.kill(worker)
            raise Broken from error
        except BaseException:
            self.kill(worker)
            raise
        return worker

    def kill(self, worker: Worker) -> None:
        """End a child, whatever it is doing. By number: its process id may be someone else's by now."""
        worker.close()
        # Numbers start anew with each forkserver: a child of an earlier one is dead, its number another's.
        if self._workers.get(worker.number) is worker:
            with suppress(OSError):
                self._control.send(json.dumps({"kill": worker.number}).encode())

    async def close(self) -> None:
        """End the forkserver and its children."""
        self._control.close()
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        self._all_ended()
        await asyncio.to_thread(_end, self._process)

    async def _started(self, start: Start) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._control, json.dumps(start).encode())
            said = await loop.sock_recv(self._control, LARGEST_MESSAGE)
        except OSError:
            said = b""
        answer = json.loads(said) if said else {"error": "it ended by itself"}
        if "error" in answer:
            raise ConfigurationError(f"The jail cannot start: {answer['error']}.")
        self.missing = tuple(answer["ready"])

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while message := await loop.sock_recv(self._control, LARGEST_MESSAGE):
                said = json.loads(message)
                worker = self._workers.pop(said["ended"], None)
                if worker is not None and not worker.ended.done():
                    worker.ended.set_result(said["status"])
        except OSError:
            pass
        self._all_ended()

    def _all_ended(self) -> None:
        for worker in self._workers.values():
            if not worker.ended.done():
                worker.ended.set_result(None)
        self._workers.clear()
        self.closed.set()


def _environment(cache_directory: Path | None, sys_path: Sequence[Path]) -> dict[str, str]:
    ours = Path(tidegate.__file__).parents[1]
    environment = {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(str(path) for path in (*sys_path, ours)),
        # Libraries would start threads at import, and a fork copies only one.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }
    if cache_directory is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache_directory)
    return environment


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOPPED_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
