"""Making the embedded cluster: where it goes, who owns it, its passwords, its roles.

May decide: the place (inside the data directory, or under ``/var/lib/tidegate`` where the unprivileged
account cannot reach that) and the account. May not: overwrite a cluster, or make a new one where one was
made before and is gone.

A cluster is made whole under a passing name and renamed: there is never half of one. As root nothing is
written into the account's folders by us, only by children that run as the account: a planted link leads
nowhere. Why built-in C.UTF-8: its order does not change when the system's library is updated, so no index
goes wrong.
"""

import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tidegate.db.binaries import Binaries, can_enter, state_folder
from tidegate.kernel.errors import ConfigurationError, IntegrityError
from tidegate.kernel.process import Account, die_with_parent

SUPERUSER, OWNER, APPLICATION = "postgres", "tidegate_owner", "tidegate_app"
DATABASE = "tidegate"
LOCATION, PASSWORDS = "postgresql.location", "postgresql.passwords"
USUAL_PLACE = "postgresql"
_PRIVATE = 0o700
_LONGEST_SOCKET = 107  # bytes: sun_path holds 108 with its closing zero, see unix(7)

#: Written into postgresql.conf when the cluster is made; an operator may change them there.
_TUNABLE = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "jit": "off",
}
#: Given on the command line at each start, where no file can overrule them.
FIXED = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    # Anonymous memory and files of the cluster: containers often give /dev/shm 64 MB or nothing.
    "shared_memory_type": "mmap",
    "dynamic_shared_memory_type": "mmap",
    # Errors are logged without the statement, its values or the row: those may be content, hashes or secrets.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_WHO_MAY_CONNECT = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords of the three roles, and the identity that tells this cluster from any other."""

    identity: str
    superuser: str = field(repr=False)
    owner: str = field(repr=False)
    application: str = field(repr=False)

    def of(self, role: str) -> str:
        """Give the password of one role."""
        return {SUPERUSER: self.superuser, OWNER: self.owner, APPLICATION: self.application}[role]


@dataclass(frozen=True, slots=True)
class Location:
    """Where the cluster is; ``made`` once it was, so that its absence is a loss and not a first start."""

    place: str
    socket_directory: str
    made: bool


def read_location(data_directory: Path) -> Location | None:
    """Read where the cluster of this data directory is."""
    found = _read(data_directory / LOCATION)
    return None if found is None else Location(**found)


def write_location(data_directory: Path, location: Location) -> None:
    """Record where the cluster is, before anything is put there."""
    _write(data_directory / LOCATION, asdict(location))


def read_passwords(data_directory: Path) -> Passwords | None:
    """Read the passwords; only the owner of the data directory can."""
    found = _read(data_directory / PASSWORDS)
    return None if found is None else Passwords(**found)


def new_passwords(data_directory: Path) -> Passwords:
    """Draw passwords once, for a cluster that is not yet made."""
    passwords = Passwords(*(secrets.token_hex(24) for _ in range(4)))
    _write(data_directory / PASSWORDS, asdict(passwords))
    return passwords


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        message = f"{path} is damaged: put it back from a backup."
        raise IntegrityError(message) from error
    return found


def _write(path: Path, value: dict[str, Any]) -> None:
    descriptor, passing = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    Path(passing).replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def account_for(cluster: Path) -> Account | None:
    """Say who runs the server: the owner of the cluster if there is one; ``None`` is us, who are not root."""
    ours = os.geteuid()
    owner = cluster.stat() if cluster.exists() else None
    if ours != 0:
        if owner is not None and owner.st_uid != ours:
            message = f"{cluster} belongs to uid {owner.st_uid}: run Tidegate as that account, or as root."
            raise ConfigurationError(message)
        return None
    if owner is not None:
        if owner.st_uid == 0:
            message = f"{cluster} belongs to root, and PostgreSQL refuses to run as root: chown -R nobody {cluster}"
            raise ConfigurationError(message)
        return Account(owner.st_uid, owner.st_gid)
    for name in ("tidegate", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            if entry.pw_uid != 0:
                return Account(entry.pw_uid, entry.pw_gid)
    message = (
        'PostgreSQL refuses to run as root, and there is no account "tidegate" or "nobody" to run it as: '
        "run Tidegate as an ordinary user, or set TIDEGATE_DATABASE_URL."
    )
    raise ConfigurationError(message)


def choose_place(data_directory: Path, identity: str, account: Account | None) -> Path:
    """Choose where the cluster goes. The identity keeps out what a folder of the same name left behind."""
    if account is None or can_enter(data_directory, account):
        return data_directory / USUAL_PLACE
    seen = hashlib.sha256(os.fsencode(data_directory) + b"\0" + identity.encode())
    return state_folder() / f"cluster-{seen.hexdigest()[:16]}"


def see_entered(place: Path, account: Account | None) -> None:
    """See that the account can still reach what was put where it could."""
    if account is not None and not can_enter(place, account):
        message = f"uid {account.uid} cannot enter {place} any more: let it pass through the folders above."
        raise ConfigurationError(message)


def own_folder(folder: Path, account: Account | None) -> None:
    """Make a folder that only the account (and root) can enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def socket_directory(place: Path, recorded: str, account: Account | None) -> Path:
    """Give a private folder with a path short and plain enough for a socket address and a connection URL."""
    usual = place / "socket"
    if _fits(usual):
        own_folder(usual, account)
        return usual
    if recorded and _is_private(Path(recorded), account):
        return Path(recorded)
    run_time = os.environ.get("XDG_RUNTIME_DIR", "") if account is None else ""  # ours: no other account can enter it
    for parent in (run_time, "/tmp", "/var/tmp"):  # noqa: S108 -- a new folder of mode 0700 with a random name
        if parent and _fits(Path(parent) / "tidegate-12345678"):
            with suppress(OSError):
                folder = Path(tempfile.mkdtemp(prefix="tidegate-", dir=parent))
                own_folder(folder, account)
                return folder
    message = (
        "No folder with a short path takes the database socket: "
        "make /tmp writable, or choose a data directory with a shorter path."
    )
    raise ConfigurationError(message)


def _fits(folder: Path) -> bool:
    # A comma separates hosts for libpq; blanks and quotes have a meaning for the server.
    plain = re.fullmatch(r"[A-Za-z0-9/._+-]+", str(folder)) is not None
    return plain and len(os.fsencode(folder / ".s.PGSQL.5432")) <= _LONGEST_SOCKET


def _is_private(folder: Path, account: Account | None) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    owner = os.geteuid() if account is None else account.uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == _PRIVATE


def as_arguments(settings: dict[str, str]) -> list[str]:
    """Write settings for the command line."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def environment() -> dict[str, str]:
    """Nothing of ours: PGHOST and its like, locales and secrets stay outside."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def make(place: Path, binaries: Binaries, account: Account | None, passwords: Passwords) -> None:
    """Make the cluster with its roles and database, and put it in place as the last act."""
    if account is None:
        _see_named()
    for left_over in place.glob("cluster.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    # A name of its own: what an interrupted attempt started may still be writing into the earlier one.
    passing = place / f"cluster.new-{secrets.token_hex(4)}"
    locale = ["--locale=C"]
    if binaries.major >= 17:  # noqa: PLR2004 -- the first version with a provider of its own
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(
        [
            binaries.program("initdb"),
            f"--pgdata={passing}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            *locale,
            "--data-checksums",
            "--auth=reject",  # nobody connects before the roles have their passwords
            "--no-instructions",
            *as_arguments({**_TUNABLE, "dynamic_shared_memory_type": "mmap"}),
        ],
        account,
        place,
    )
    server = [binaries.program("postgres"), "--single", "-D", str(passing)]
    settings = {**FIXED, "exit_on_error": "on"}
    _run([*server, *as_arguments(settings), "postgres"], account, place, _roles(passwords))
    write = 'umask 077 && cat > "$1"'
    _run(["/bin/sh", "-c", write, "sh", str(passing / "pg_hba.conf")], account, place, _WHO_MAY_CONNECT)
    passing.rename(place / "cluster")
    sync_folder(place)


def _roles(passwords: Passwords) -> str:
    # One statement a line, as single-user mode wants it. The passwords are hexadecimal: nothing to escape.
    return "\n".join(
        [
            f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords.superuser}'",
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{passwords.owner}'",
            f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{passwords.application}'",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
            f"REVOKE ALL ON DATABASE {DATABASE}, postgres, template1 FROM PUBLIC",
            f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APPLICATION}",
            "",
        ]
    )


def _see_named() -> None:
    """See that initdb will know its user: it refuses a uid without a name, which some platforms give."""
    with suppress(KeyError):
        pwd.getpwuid(os.geteuid())
        return
    message = (
        f"uid {os.geteuid()} has no entry in /etc/passwd, and PostgreSQL cannot make a database without one: "
        "add an entry, run as a named account, or set TIDEGATE_DATABASE_URL."
    )
    raise ConfigurationError(message)


def _run(argv: list[str], account: Account | None, folder: Path, text: str = "") -> None:
    ended = subprocess.run(  # noqa: S603 -- our own commands
        argv,
        input=text.encode(),
        capture_output=True,
        check=False,
        env=environment(),
        cwd=folder,
        umask=0o077,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        preexec_fn=die_with_parent(signal.SIGKILL),
    )
    if ended.returncode != 0:
        # Only what the program complained of: the rest may repeat what it was given.
        lines = ended.stderr.decode(errors="replace").splitlines()
        said = "; ".join([line for line in lines if re.search("error:|FATAL:|PANIC:", line)][:2])
        message = (
            f"The embedded database could not be made in {folder} ({Path(argv[0]).name}: {said}): "
            "see that the disk has room and allows changing owners, or set TIDEGATE_DATABASE_URL."
        )
        raise ConfigurationError(message)
