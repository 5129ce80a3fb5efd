"""How a process of ours is started so that it never outlives the one that started it.

May decide: nothing. A specification says what to run, as whom, and with which signals it stops; ``start``
runs it. The parent-death signal (prctl(2), PR_SET_PDEATHSIG) is what keeps a ``kill -9`` of the supervisor
from leaving orphans. It has three traps, and each is answered here: it belongs to the parent *thread*
(start from the main thread), a change of user clears it (it is set after that), and a parent may be dead
before it is set (the child looks at its parent's id and leaves).
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.kernel.errors import ConfigurationError, Conflict

#: Asked again and again until it says yes. May be a plain function (run in a thread) or a coroutine function.
Check = Callable[[], bool | Awaitable[bool]]

_PR_SET_PDEATHSIG = 1
# Looked up now: between fork and exec nothing may be loaded. Systems without prctl have no such signal.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a process runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpecification:
    """What to run, as whom, what must be true before and after its start, and how it is stopped."""

    name: str
    argv: tuple[str, ...]
    #: The whole environment; ``None`` hands down ours. Not shown: it may carry passwords.
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    folder: Path | None = None
    #: ``None`` stays who we are.
    account: Account | None = None
    #: Where its output is appended; ``None`` shares ours.
    log: Path | None = None
    #: Names of processes that must have been ready once before this one starts, and stop only after it.
    needs: tuple[str, ...] = ()
    before_start: Check | None = None
    ready: Check | None = None
    ready_within: float = 60.0
    parent_death_signal: signal.Signals = signal.SIGKILL
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: float = 10.0
    #: The hard way: when ``stop_within`` has passed, or a second Ctrl-C came.
    kill_signal: signal.Signals = signal.SIGKILL


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Give what a child runs between fork and exec, to get this signal when its parent thread ends."""
    parent = os.getpid()
    number = int(death_signal)

    def in_child() -> None:
        if _prctl is not None and _prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
            os._exit(126)
        if os.getppid() != parent:
            os._exit(126)

    return in_child


def start(specification: ProcessSpecification) -> subprocess.Popen[bytes]:
    """Start the process in a session of its own, so that Ctrl-C reaches only the one who supervises."""
    account = specification.account
    output = None if specification.log is None else _appended(specification.log)
    try:
        return subprocess.Popen(  # noqa: S603 -- our own commands, never through a shell
            specification.argv,
            env=specification.environment,
            cwd=specification.folder,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(specification.parent_death_signal),  # noqa: PLW1509 -- see the module
        )
    except (OSError, subprocess.SubprocessError) as error:
        program = specification.argv[0]
        message = f'"{specification.name}" could not be started ({error}): see that {program} can be run.'
        raise ConfigurationError(message) from error
    finally:
        if output is not None:
            os.close(output)


def _appended(log: Path) -> int:
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def unusable(data_directory: Path, error: OSError) -> ConfigurationError:
    """Say what to do when the data directory cannot be read or written."""
    return ConfigurationError(
        f"The data directory {data_directory} cannot be used ({error.strerror or error}): "
        "choose another one, or give the account that runs Tidegate the right to write there."
    )


@contextmanager
def hold(data_directory: Path) -> Iterator[None]:
    """Be the only one who runs this data directory. The lock is let go however the process ends."""
    try:
        data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data_directory / "tidegate.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(data_directory, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            message = (
                f"{data_directory} is already in use by process {holder or 'unknown'}: stop that one first, "
                "or choose another data directory."
            )
            raise Conflict(message) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def stop(process: subprocess.Popen[bytes], specification: ProcessSpecification) -> int:
    """Stop a process in order, then the hard way with all it started; give its exit status."""
    for number, seconds in (
        (specification.stop_signal, specification.stop_within),
        (specification.kill_signal, 10.0),
    ):
        if process.poll() is None:
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
    if process.poll() is None:
        kill_session(process.pid)
    return process.wait()


def kill_session(leader: int) -> None:
    """End whatever is left of a process and of what it started. Call it before the leader is reaped."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
