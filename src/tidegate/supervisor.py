"""Runs a node's processes: starts them in the order of their needs, restarts what dies, stops all in order.

May decide: when a process is started, started again, and stopped. May not: decide anything about what they
do, keep one alive after itself (see ``kernel/process.py``), or run beside another supervisor of the same
data directory.

When PostgreSQL dies, the web process and the worker stay up, answer "unavailable" and connect again. The
first Ctrl-C (or SIGTERM, SIGHUP) stops in order; the second ends everything at once. A stop never loses
what was acknowledged: that was committed.
"""

import asyncio
import inspect
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TypedDict

from tidegate.kernel.errors import ConfigurationError, TidegateError, Unavailable
from tidegate.kernel.process import Check, ProcessSpecification, hold, kill_session, start

Report = Callable[[str], None]

STATUS = "supervisor.json"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
#: A process that ran this long did start well: its next death is answered quickly again.
_STEADY = 30.0
_TICK = 0.05
_PROGRESS = 10.0
_LAST_WORD = 10.0
#: Look whether a child has ended, without waiting and without reaping it.
_PEEK = os.WEXITED | os.WNOHANG | os.WNOWAIT


class State(StrEnum):
    """What one process is doing."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    STOPPED = "stopped"


class ProcessStatus(TypedDict):
    """One process in the status file."""

    pid: int | None
    state: str
    restarts: int


class Status(TypedDict):
    """The status file."""

    supervisor: int
    processes: dict[str, ProcessStatus]


def read_status(data_directory: Path) -> Status | None:
    """Read which processes a supervisor runs here. After its ``kill -9`` the file stays, out of date."""
    try:
        found: Status = json.loads((data_directory / STATUS).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found


class _Supervised:
    """One process: its specification, and what it is doing now."""

    def __init__(self, specification: ProcessSpecification) -> None:
        self.specification = specification
        self.name = specification.name
        self.state = State.WAITING
        self.process: subprocess.Popen[bytes] | None = None
        self.keeper: asyncio.Task[None] | None = None
        self.restarts = 0
        self.was_ready = asyncio.Event()

    def gone(self) -> bool:
        """See whether it is not there (any more). What it started ends with it, while its number is taken."""
        process = self.process
        if process is None or process.returncode is not None:
            return True
        if os.waitid(os.P_PID, process.pid, _PEEK) is None:
            return False
        kill_session(process.pid)
        process.wait()
        return True

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is anyone to get it."""
        if self.process is not None and not self.gone():
            self.process.send_signal(number)

    def last_words(self) -> str:
        """Say how it ended."""
        status = None if self.process is None else self.process.returncode
        if status is None:
            return "was not started"
        return f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"


class Supervisor:
    """Runs processes until it is told to stop."""

    def __init__(self, processes: Sequence[ProcessSpecification], *, data_directory: Path, report: Report) -> None:
        before: set[str] = set()
        for each in processes:
            if each.name in before or not before.issuperset(each.needs):
                message = f'"{each.name}" must have a name of its own, and come after all that it needs.'
                raise ConfigurationError(message)
            before.add(each.name)
        self._specifications = tuple(processes)
        self._data_directory = data_directory
        self._report = report
        self._all: dict[str, _Supervised] = {}
        self._failure: Exception | None = None
        self._signals_seen: list[signal.Signals] = []

    def run(self) -> int:
        """Run until a signal comes. Give the exit status, or raise what kept the node from starting.

        Call it in the main thread: signals arrive there, and children end with the thread that started them.
        """
        with hold(self._data_directory):
            return asyncio.run(self._run())

    async def _run(self) -> int:
        self._stop = asyncio.Event()
        self._all = {each.name: _Supervised(each) for each in self._specifications}
        self._write_status()
        adopted = asyncio.create_task(self._reap_adopted())
        with self._listening():
            for each in self._all.values():
                each.keeper = asyncio.create_task(self._keep(each))
            await self._stop.wait()
            await asyncio.gather(*(self._end(each) for each in self._all.values()))
        adopted.cancel()
        (self._data_directory / STATUS).unlink(missing_ok=True)
        if self._failure is not None:
            raise self._failure
        return 128 + self._signals_seen[-1] if self._forced else 0

    @property
    def _forced(self) -> bool:
        return len(self._signals_seen) > 1

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Take the signals that stop us, and give them back afterwards."""
        loop = asyncio.get_running_loop()
        earlier = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        if earlier[signal.SIGHUP] is signal.SIG_IGN:  # nohup: a closing terminal must not stop us
            del earlier[signal.SIGHUP]
        for number in earlier:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            for number, handler in earlier.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)

    def _on_signal(self, number: signal.Signals) -> None:
        self._signals_seen.append(number)
        if self._forced:
            self._report("Stopping at once.")
        else:
            self._report(f"Stopping in order ({number.name}). Once more stops at once.")
        self._stop.set()

    async def _keep(self, each: _Supervised) -> None:
        """Start it when what it needs is ready, and again whenever it ends."""
        try:
            for need in each.specification.needs:
                await self._all[need].was_ready.wait()
            pause = _FIRST_PAUSE
            while True:
                began = time.monotonic()
                reason = await self._once(each)
                if time.monotonic() - began > _STEADY:
                    pause = _FIRST_PAUSE
                each.restarts += 1
                self._set(each, State.PAUSED)
                self._report(f"{each.name} {reason}: it is started again in {pause:g} s.")
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        except Exception as error:  # noqa: BLE001 -- raised again by run, when all is stopped
            self._failure = self._failure or error
            self._stop.set()

    async def _once(self, each: _Supervised) -> str:
        """Run it from its start to its end. Give why it ended."""
        try:
            self._set(each, State.WAITING)
            await self._until(each, each.specification.before_start, None)
            each.process = start(each.specification)
            self._set(each, State.STARTING)
            if await self._until(each, each.specification.ready, each.specification.ready_within):
                each.was_ready.set()
                self._set(each, State.READY)
                self._report(f"{each.name} is ready (process {each.process.pid}).")
                await _true(each.gone)
        except TidegateError as error:
            if not each.was_ready.is_set():  # it never ran: whoever started us must mend something
                raise
            await self._stop_one(each)
            return f"failed ({error.message})"
        return each.last_words()

    async def _until(self, each: _Supervised, check: Check | None, within: float | None) -> bool:
        """Ask until the answer is yes. No, if the process ends meanwhile."""
        began = reported = time.monotonic()
        started = within is not None
        while check is not None and not await _asked(check):
            if started and each.gone():
                return False
            now = time.monotonic()
            # Only a first start gives up. Later the node is in use: a long recovery is better than a new one.
            if within is not None and now - began > within and not each.was_ready.is_set():
                message = f'"{each.name}" was not ready after {within:g} s: see its log.'
                raise Unavailable(message)
            if now - reported > _PROGRESS:
                reported = now
                self._report(f"Still waiting for {each.name} ({now - began:.0f} s).")
            await asyncio.sleep(_TICK)
        return not (started and each.gone())

    async def _end(self, each: _Supervised) -> None:
        """Stop it for good, after all that need it (unless in a hurry)."""
        dependants = [other for other in self._all.values() if each.name in other.specification.needs]
        await _true(lambda: self._forced or all(other.state is State.STOPPED for other in dependants))
        if each.keeper is not None:
            each.keeper.cancel()
            with suppress(asyncio.CancelledError):
                await each.keeper
        if not each.gone():
            await self._stop_one(each)
            self._report(f"{each.name} {each.last_words()}.")
        self._set(each, State.STOPPED)

    async def _stop_one(self, each: _Supervised) -> None:
        """Stop it in order; then hard; then with the signal nothing survives."""
        specification = each.specification
        if not self._forced:
            each.signal(specification.stop_signal)
            await _true(lambda: self._forced or each.gone(), specification.stop_within)
        if not each.gone():
            self._report(f"{each.name} is stopped the hard way.")
        each.signal(specification.kill_signal)
        await _true(each.gone, _LAST_WORD)
        each.signal(signal.SIGKILL)
        await _true(each.gone)

    def _set(self, each: _Supervised, state: State) -> None:
        each.state = state
        self._write_status()

    def _write_status(self) -> None:
        """Replace the status file in one act; a full disk must not stop the node."""
        status = Status(supervisor=os.getpid(), processes={each.name: _status_of(each) for each in self._all.values()})
        with suppress(OSError):
            descriptor, passing = tempfile.mkstemp(prefix=f"{STATUS}.", dir=self._data_directory)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(status, file, indent=1)
                Path(passing).replace(self._data_directory / STATUS)
            except OSError:
                Path(passing).unlink(missing_ok=True)

    async def _reap_adopted(self) -> None:
        """As the first process of a container, reap the orphans the kernel gives us, not our own children."""
        while os.getpid() == 1:
            with suppress(ChildProcessError):
                ended = os.waitid(os.P_ALL, 0, _PEEK)  # noqa: ASYNC222 -- it does not wait
                ours = {each.process.pid for each in self._all.values() if each.process is not None}
                if ended is not None and ended.si_pid not in ours:
                    os.waitpid(ended.si_pid, os.WNOHANG)  # noqa: ASYNC222 -- nor does this
                    continue
            await asyncio.sleep(1.0)


def _status_of(each: _Supervised) -> ProcessStatus:
    process = each.process
    pid = process.pid if process is not None and process.returncode is None else None
    return ProcessStatus(pid=pid, state=each.state.value, restarts=each.restarts)


async def _asked(check: Check) -> bool:
    if inspect.iscoroutinefunction(check):
        return bool(await check())
    answer = await asyncio.to_thread(check)
    return await answer if inspect.isawaitable(answer) else answer


async def _true(condition: Callable[[], bool], within: float = float("inf")) -> None:
    """Wait until it is true, or for so many seconds. Looking is cheap, and no signal can be missed by it."""
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 -- what is looked at sets no event
        await asyncio.sleep(_TICK)
