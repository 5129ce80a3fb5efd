"""A PostgreSQL of our own, for a node that was given no other: one cluster for one data directory.

May decide: when the server is ready, and when a server left behind by a killed supervisor must go. May not:
listen on a network, let anyone in without a password, widen the permissions of a folder it did not make,
add an account, or run a second server on the same cluster. Only the programs of the installed wheel are
used, never its life-cycle code: that leaves orphans after a ``kill -9``, adds an account, and opens every
folder above it to all.

Why passwords and not ``peer``: supervisor, web process and server may run as different users (PostgreSQL
refuses to run as root), and ``peer`` would let in whatever else runs as one of them. The passwords are
random, in one file that only the owner of the data directory can read. As root the server runs as
``tidegate``, or else ``nobody``.

Sources: PostgreSQL 18 documentation 19.5 (shutdown modes), 20.1 (pg_hba.conf); prctl(2).
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import psycopg

from tidegate.db import cluster as making
from tidegate.db.binaries import STATE_FOLDERS, Binaries, find, reachable
from tidegate.db.cluster import APPLICATION, DATABASE, OWNER, SUPERUSER, Location, Passwords
from tidegate.kernel.errors import ConfigurationError, Conflict, IntegrityError, Unavailable
from tidegate.kernel.process import Account, ProcessSpecification, hold, start, stop, unusable

Report = Callable[[str], None]

READY_WITHIN = 300.0
LOG = "postgresql.log"
_LARGEST_LOG = 10 * 1024 * 1024
_PAUSE = 0.02
_PATIENCE = 2.0


def silent(_line: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPostgres:
    """A prepared cluster, and how to run and reach it. Its representation shows no password."""

    data_directory: Path
    place: Path
    socket_directory: Path
    binaries: Binaries
    account: Account | None
    passwords: Passwords = field(repr=False)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.place / "cluster"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data_directory / LOG

    @property
    def owner_url(self) -> str:
        """For migrations: the role that owns the database."""
        return self.url(OWNER)

    @property
    def app_url(self) -> str:
        """For the node: the role that owns nothing."""
        return self.url(APPLICATION)

    @property
    def superuser_url(self) -> str:
        """For tests and repair only."""
        return self.url(SUPERUSER, "postgres")

    def url(self, role: str, database: str = DATABASE) -> str:
        """Give the connection URL of one of the three roles for one database."""
        host = quote(str(self.socket_directory), safe="")
        return f"postgresql://{role}:{self.passwords.of(role)}@/{quote(database, safe='')}?host={host}"

    @property
    def mark(self) -> str:
        """The name every process of this server carries, so that those left behind are found."""
        seen = os.fsencode(self.place) + b"\0" + self.passwords.identity.encode()
        return f"tidegate-{hashlib.sha256(seen).hexdigest()[:16]}"

    @property
    def uid(self) -> int:
        """The user the server runs as."""
        return os.geteuid() if self.account is None else self.account.uid

    def pids(self) -> list[int]:
        """Find the processes of this server, whoever started it."""
        first, others = _server_processes(self.mark, self.uid)
        return first + others

    def command(self, report: Report = silent) -> ProcessSpecification:
        """Say how the server is run as a direct child: when its parent dies, it shuts down fast."""
        settings = {
            **making.FIXED,
            "cluster_name": self.mark,
            "unix_socket_directories": str(self.socket_directory),
        }
        return ProcessSpecification(
            name="postgres",
            argv=(self.binaries.program("postgres"), "-D", str(self.cluster), *making.as_arguments(settings)),
            environment=making.environment(),
            folder=Path("/"),
            account=self.account,
            log=self.log,
            before_start=_Predecessor(self, report).is_gone,
            ready=_Probe(self, report).answers,
            ready_within=READY_WITHIN,
            parent_death_signal=signal.SIGINT,
            stop_signal=signal.SIGINT,
            stop_within=60.0,
            # Immediate shutdown: the server ends its children itself, and recovers at the next start.
            kill_signal=signal.SIGQUIT,
        )


def prepare(data_directory: Path, report: Report = silent) -> EmbeddedPostgres:
    """Make the cluster if there is none; say how to run and reach it. Safe to repeat, and to interrupt."""
    data_directory = Path(os.path.realpath(data_directory))
    try:
        data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(data_directory):
            return _prepare(data_directory, report)
    except OSError as error:
        raise unusable(data_directory, error) from error


@contextmanager
def _alone(data_directory: Path) -> Iterator[None]:
    """Wait for another process that is preparing the same folder."""
    descriptor = os.open(data_directory / "postgresql.prepare.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _prepare(data_directory: Path, report: Report) -> EmbeddedPostgres:
    passwords, location = _identified(data_directory)
    usual = data_directory / making.USUAL_PLACE
    place = usual if location is None else data_directory / location.place
    account = making.account_for(place / "cluster")
    if location is None:
        place = making.choose_place(data_directory, passwords.identity, account)
        # Relative when it is inside, so that the data directory can be moved.
        name = making.USUAL_PLACE if place == usual else str(place)
        location = Location(name, "", made=(place / "cluster").exists())
        making.write_location(data_directory, location)  # first: a crash now leaves nothing unknown
        if place != usual:
            report(f"The database is kept in {place}, where the account that runs it can reach it. Back up both.")
    making.own_folder(place, account)
    making.see_entered(place, account)
    made = (place / "cluster").exists()
    if location.made and not made:
        message = f"{place / 'cluster'} is gone: put it back from a backup, or choose another data directory."
        raise IntegrityError(message)
    binaries = reachable(find(_major(place) if made else None), account)
    if not made:
        report(f"Making the database with PostgreSQL {binaries.version} in {place}.")
        making.make(place, binaries, account, passwords)
    sockets = making.socket_directory(place, location.socket_directory, account)
    settled = replace(location, socket_directory=str(sockets), made=True)
    if settled != location:
        making.write_location(data_directory, settled)
    _turn_over(data_directory / LOG)
    return _postgres(data_directory, settled, passwords, binaries, account)


def _major(place: Path) -> int:
    return int((place / "cluster" / "PG_VERSION").read_text(encoding="ascii"))


def _identified(data_directory: Path) -> tuple[Passwords, Location | None]:
    """Read the passwords, or draw them for a first start; never for a cluster that is there already."""
    location = making.read_location(data_directory)
    passwords = making.read_passwords(data_directory)
    if passwords is None:
        if (location is not None and location.made) or (data_directory / making.USUAL_PLACE / "cluster").exists():
            message = f"{data_directory / making.PASSWORDS} is gone: put it back from a backup, the data is there."
            raise IntegrityError(message)
        passwords = making.new_passwords(data_directory)
    return passwords, location


def _postgres(
    data_directory: Path,
    location: Location,
    passwords: Passwords,
    binaries: Binaries,
    account: Account | None,
) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        data_directory=data_directory,
        place=data_directory / location.place,
        socket_directory=Path(location.socket_directory),
        binaries=binaries,
        account=account,
        passwords=passwords,
    )


@contextmanager
def running(data_directory: Path, report: Report = silent, *, keep: bool = True) -> Iterator[EmbeddedPostgres]:
    """Run the server while the block runs; forget it all afterwards if it is not to be kept.

    Use the main thread: the server ends with the thread that started it.
    """
    data_directory = Path(os.path.realpath(data_directory))
    postgres = prepare(data_directory, report)
    with hold(data_directory):
        specification = postgres.command(report)
        _wait_for_predecessor(postgres, report)
        process = start(specification)
        try:
            _wait_until_ready(postgres, process, report)
            yield postgres
        finally:
            stop(process, specification)
    if not keep:
        forget(data_directory)


def _wait_for_predecessor(postgres: EmbeddedPostgres, report: Report) -> None:
    predecessor = _Predecessor(postgres, report)
    while not predecessor.is_gone():
        time.sleep(_PAUSE)


def _wait_until_ready(postgres: EmbeddedPostgres, process: subprocess.Popen[bytes], report: Report) -> None:
    probe, deadline = _Probe(postgres, report), time.monotonic() + READY_WITHIN
    while not probe.answers():
        status = process.poll()
        if status is not None:
            message = f"PostgreSQL ended while starting (status {status}): {postgres.log} says why."
            raise Unavailable(message)
        if time.monotonic() > deadline:
            message = f"PostgreSQL was not ready after {READY_WITHIN:.0f} s: {postgres.log} says why."
            raise Unavailable(message)
        time.sleep(_PAUSE)


def _turn_over(log: Path) -> None:
    """Keep the log from growing for ever: one earlier one is kept."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))


def attach(data_directory: Path) -> EmbeddedPostgres:
    """Reach a server that another process runs, having seen that it answers."""
    data_directory = Path(os.path.realpath(data_directory))
    try:
        location, passwords = making.read_location(data_directory), making.read_passwords(data_directory)
    except PermissionError as error:
        message = f"{data_directory} belongs to another account: run this as the account that runs Tidegate."
        raise ConfigurationError(message) from error
    if location is None or passwords is None or not location.made:
        message = (
            f"There is no embedded database in {data_directory} yet: start the node there first, or name the folder of "
            "one that was with TIDEGATE_DATA_DIRECTORY."
        )
        raise Unavailable(message)
    place = data_directory / location.place
    postgres = _postgres(
        data_directory, location, passwords, find(_major(place)), making.account_for(place / "cluster")
    )
    if not _Probe(postgres, silent).answers():
        message = f"The database of {data_directory} does not answer: start the node there, or wait a little."
        raise Unavailable(message)
    return postgres


def forget(data_directory: Path) -> None:
    """Remove the cluster, its socket folder, log and passwords. Refused while it is in use."""
    data_directory = Path(os.path.realpath(data_directory))
    if not data_directory.is_dir():
        return
    with hold(data_directory), _alone(data_directory):
        location, passwords = making.read_location(data_directory), making.read_passwords(data_directory)
        if location is not None:
            _remove(data_directory, location, passwords)
        for name in (making.PASSWORDS, LOG, f"{LOG}.1", making.LOCATION):
            (data_directory / name).unlink(missing_ok=True)


def _remove(data_directory: Path, location: Location, passwords: Passwords | None) -> None:
    place, sockets = data_directory / location.place, Path(location.socket_directory)
    if place != data_directory / making.USUAL_PLACE and place.parent not in STATE_FOLDERS:
        message = f"{data_directory / making.LOCATION} names {place}, which is not ours: remove it by hand."
        raise Conflict(message)
    if passwords is not None and (place / "cluster").exists():
        left = _postgres(data_directory, location, passwords, find(), making.account_for(place / "cluster"))
        _wait_for_predecessor(left, silent)
    for folder in (sockets, place):
        if folder == place or folder.name.startswith("tidegate-"):  # the usual one lies in the place
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)


class _Probe:
    """Whether the server answers a real connection. Recovery after a crash may take minutes; it says so."""

    def __init__(self, postgres: EmbeddedPostgres, report: Report) -> None:
        self._postgres, self._report = postgres, report
        self._said, self._since = "", time.monotonic()

    def answers(self) -> bool:
        try:
            with psycopg.connect(self._postgres.app_url, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            reason = re.search(r"FATAL: +(.*)", str(error))
            if reason is not None and "password authentication failed" in reason[1]:
                passwords = self._postgres.data_directory / making.PASSWORDS
                message = f"{passwords} does not fit this database: put the right one back from a backup."
                raise IntegrityError(message) from error
            if reason is not None and reason[1] != self._said and time.monotonic() > self._since + _PATIENCE:
                self._said = reason[1]
                self._report(f"PostgreSQL is not ready yet: {self._said}")
            return False
        return True


class _Predecessor:
    """What a killed supervisor left running: it is told to go, then made to. For who holds the lock only."""

    def __init__(self, postgres: EmbeddedPostgres, report: Report) -> None:
        self._postgres, self._report = postgres, report
        self._since: float | None = None
        self._sent: set[signal.Signals] = set()

    def is_gone(self) -> bool:
        first, others = _server_processes(self._postgres.mark, self._postgres.uid)
        if not first and not others:
            self._since, self._sent = None, set()
            return True
        if self._since is None:
            self._since = time.monotonic()
            self._report(f"Waiting for an earlier PostgreSQL (process {(first + others)[0]}) to end.")
        waited = time.monotonic() - self._since
        # A whole server shuts down in order, which may take a while. Processes without their first one only
        # have to go: nothing they hold in memory is used again.
        steps = [(0.0, signal.SIGINT), (60.0, signal.SIGQUIT), (75.0, signal.SIGKILL)]
        for after, number in steps if first else [(0.0, signal.SIGTERM), (5.0, signal.SIGKILL)]:
            if waited >= after and number not in self._sent:
                self._sent.add(number)
                for pid in first or others:
                    with suppress(ProcessLookupError):
                        os.kill(pid, number)
        if waited > READY_WITHIN:
            message = f"An earlier PostgreSQL (process {(first + others)[0]}) does not end: restart the machine."
            raise Unavailable(message)
        return False


def _server_processes(mark: str, uid: int) -> tuple[list[int], list[int]]:
    """Find the first process of a server, and its children, by the name they carry and the user they run as.

    Not by working directory: to read that of another user's process takes a capability containers lack.
    """
    first, others = [], []
    title, argument = f"postgres: {mark}: ".encode(), f"cluster_name={mark}".encode()
    for entry in os.scandir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH112
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                if entry.stat().st_uid == uid:
                    words = Path(entry.path, "cmdline").read_bytes()
                    if words.startswith(title):
                        others.append(int(entry.name))
                    elif argument in words.split(b"\0"):
                        first.append(int(entry.name))
    return sorted(first), sorted(others)
