"""The process that locked children are forked from: ``python -m tidegate.jail.forkserver DESCRIPTOR``.

May decide: nothing; it does what its parent asks over the control socket. It loads the engines once, with
their kernels compiled, so that a child is ready in milliseconds and needs no file afterwards. It stays
single-threaded, for a fork copies one thread and every lock the others held. Children inherit its memory, so
it holds no secret: it gets no environment of ours but where compiled kernels are kept.

Messages are JSON, one a packet. From the parent: the start (``model.Start``), then ``{"fork": number}`` with
the child's pipe, ``{"kill": number}``. To the parent: ``{"ready": ...}`` or ``{"error": ...}``, then
``{"ended": number, "status": ...}``. When the parent's end closes, children are killed and this process ends.
"""

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from tidegate.jail.check import check
from tidegate.jail.child import serve
from tidegate.jail.lock import PIPE, Ground, die_with, lock, open_ground
from tidegate.jail.model import LARGEST_MESSAGE, NOT_LOCKED, Limits, Lock, Start, unmet
from tidegate.jail.namespaces import NAMESPACES, enter
from tidegate.kernel.process import Account


class Forkserver:
    """Forks, kills and reaps children on request."""

    def __init__(
        self, control: socket.socket, start: Start, missing: frozenset[Lock], ground: Ground, first: int | None
    ) -> None:
        """Take charge.

        Args:
            control: to the parent.
            start: what the parent asked for.
            missing: locks children are without.
            ground: what a child needs to lock itself in.
            first: the process that holds the children's process namespace, if they have one.
        """
        self._control = control
        self._ground = ground
        self._first = first
        # From another namespace a child sees no parent.
        self._seen_as = os.getpid() if first is None else 0
        self._engines = start["engines"]
        self._account = Account(*start["account"])
        self._limits = Limits(**start["limits"])
        self._missing = missing
        #: Process ids of children that were not reaped: until then a number belongs to nobody else.
        self._children: dict[int, int] = {}

    def run(self) -> None:
        """Serve until the parent is gone."""
        woken, waker = socket.socketpair()
        woken.setblocking(False)
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if woken in ready:
                    woken.recv(LARGEST_MESSAGE)
                    if not self._reap():
                        break
                if self._control in ready and not self._obey():
                    break
        # Children end from here on, and nobody reads of it any more.
        signal.set_wakeup_fd(-1)
        for process in self._children.values():
            os.kill(process, signal.SIGKILL)

    def _obey(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 1)
        except ConnectionResetError:
            # The parent went without hearing our last words.
            return False
        if not data:
            return False
        message: dict[str, int] = json.loads(data)
        if "fork" in message:
            (pipe,) = descriptors
            self._fork(message["fork"], pipe)
        elif (process := self._children.get(message["kill"])) is not None:
            os.kill(process, signal.SIGKILL)
        return True

    def _fork(self, number: int, pipe: int) -> None:
        try:
            process = os.fork()
        except OSError:
            # No room for another process just now: the parent tries again.
            tell(self._control, {"ended": number, "status": NOT_LOCKED})
        else:
            if process == 0:
                self._be_child(pipe)
            self._children[number] = process
        finally:
            os.close(pipe)

    def _be_child(self, pipe: int) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            lock(
                pipe=pipe,
                parent=self._seen_as,
                account=self._account,
                limits=self._limits,
                ground=self._ground,
                without=self._missing,
            )
        except BaseException:  # noqa: BLE001 -- a child that is not locked must not go on
            os._exit(NOT_LOCKED)
        try:
            serve(PIPE, self._engines, self._limits)
        except BaseException:  # noqa: BLE001 -- nor may it return into the forkserver's code
            os._exit(1)
        os._exit(0)

    def _reap(self) -> bool:
        """Hear of children that ended; false when no other can be forked."""
        numbers = {process: number for number, process in self._children.items()}
        while numbers or self._first is not None:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return True
            if process == self._first:
                # All others in its namespace end with it. Our parent starts another one of us.
                return False
            number = numbers.pop(process)
            del self._children[number]
            tell(self._control, {"ended": number, "status": os.waitstatus_to_exitcode(status)})
        return True


def tell(control: socket.socket, message: dict[str, Any]) -> None:
    """Send the parent a message; when it is gone we shall see that next."""
    try:
        control.send(json.dumps(message).encode())
    except (BrokenPipeError, ConnectionResetError):
        return


def load(engines: list[str]) -> None:
    """Import the engines and have each get ready for a place where no file can be read."""
    for name in engines:
        engine = importlib.import_module(name)
        if (warm := getattr(engine, "warm", None)) is not None:
            warm()


def prepare(start: Start) -> frozenset[Lock]:
    """Load what children need and see which locks are missing; a required one only by consent.

    Raises:
        RuntimeError: children could not be safe here, and what to do.
    """
    load(start["engines"])
    if threading.active_count() != 1 or _threads() != 1:
        raise RuntimeError("an engine started a thread, and a fork would copy what it had locked")
    report = check(Account(*start["account"]))
    missing = report.missing | {Lock(name) for name in start["without"]}
    if lacking := unmet(missing, start["accept_missing"]):
        names = ", ".join(f"{name} ({report.details[name]})" for name in lacking)
        raise RuntimeError(
            f"this kernel lacks {names}: run on a kernel or in a container that allows it, "
            "or accept to do without by name (jail_accept_missing)"
        )
    return missing


def close_in(start: Start, missing: frozenset[Lock], ground: Ground) -> int | None:
    """Enter the namespaces all children are born in; give the process that holds that of processes.

    Raises:
        OSError: the kernel allowed each alone and refuses them together.
    """
    parent = os.getppid()
    first = enter(set(NAMESPACES) - missing, Account(*start["account"]), ground)
    # A change of rights clears the signal that we asked for at our start.
    die_with(parent)
    return first


def _threads() -> int:
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 1


def main() -> None:
    """Serve the parent at the other end of the descriptor named on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    start: Start = json.loads(control.recv(LARGEST_MESSAGE))
    try:
        missing = prepare(start)
        ground = open_ground()
        first = close_in(start, missing, ground)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the parent must hear of it
        tell(control, {"error": f"{type(error).__name__}: {error}"})
        return
    # What is loaded is not garbage: looking at it would copy its pages into every child.
    gc.collect()
    gc.freeze()
    tell(control, {"ready": sorted(missing)})
    Forkserver(control, start, missing, ground, first).run()


if __name__ == "__main__":
    main()
