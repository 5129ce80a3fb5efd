"""Escape attempts, made by the child itself: each is denied, by more than one lock where there are two."""

import asyncio
import errno
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest

from tidegate.jail import Limits, seccomp
from tidegate.jail.check import check
from tidegate.jail.command import check_jail
from tidegate.jail.lock import lock, open_ground
from tidegate.jail.model import JAIL_ACCOUNT, Lock, unmet
from tidegate.jail.namespaces import NAMESPACES, enter
from tidegate.jail.probe import ATTEMPTS, OFFENCES, try_escapes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the jail needs Linux")

ROOT = os.geteuid() == 0
X86_64, AARCH64 = 0xC000003E, 0xC00000B7


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    return asyncio.run(try_escapes())


#: Refused before the kernel looked at what was asked; an EINVAL or EFAULT would mean that it did.
NOT_LOOKED_AT = {"denied: EPERM", "denied: ENOSYS"}
#: What a limit or the closing of all descriptors refuses.
BY_OTHER_LOCKS = {
    "take 10 GB": "denied: no memory",
    "map 10 GB": "denied: ENOMEM",
    "write to other children's pipes": "denied: EBADF",
}


@pytest.mark.parametrize("name", sorted(ATTEMPTS))
def test_attempt_is_denied(outcomes: dict[str, str], name: str) -> None:
    assert outcomes[name] in NOT_LOOKED_AT or outcomes[name] == BY_OTHER_LOCKS[name]


@pytest.mark.parametrize("name", sorted(OFFENCES))
def test_offence_costs_one_request_and_the_next_is_answered(outcomes: dict[str, str], name: str) -> None:
    assert outcomes[name].startswith("denied: ")


def test_there_are_enough_attempts() -> None:
    assert len(ATTEMPTS) >= 30
    assert not set(ATTEMPTS) & set(OFFENCES)


ALL_NAMESPACES = frozenset(NAMESPACES)


@pytest.mark.parametrize("without", [{Lock.LANDLOCK}, ALL_NAMESPACES], ids=["landlock", "namespaces"])
def test_on_a_kernel_that_lacks_one_wall_every_attempt_is_denied_too(without: set[Lock]) -> None:
    outcomes = asyncio.run(try_escapes(ATTEMPTS, without=without))
    assert [name for name, outcome in outcomes.items() if not outcome.startswith("denied: ")] == []


#: What is out of reach behind the walls alone, should the filter on system calls have a hole.
BEHIND_THE_WALLS = [
    "read the accounts file",
    "list the root folder",
    "read the parent's environment",
    "write a file",
    "open a file by its handle",
    "write the parent's memory",
    "open the machine's memory",
    "make a folder",
    "make a link",
    "connect by TCP",
    "send by UDP",
    "connect by IPv6",
    "connect to a Unix socket",
    "connect to an abstract socket",
    "read the network's packets",
    "write to other children's pipes",
    "run a program",
    "trace the parent",
    "read the parent's memory",
    "hold the parent by a descriptor",
    "signal the parent",
    "mount",
    "change the root folder",
    "make a user namespace",
    "become root",
    "raise its limits",
    "load a kernel module",
    "set the clock",
    "name the machine",
    "take 10 GB",
    "map 10 GB",
]


#: Landlock knows no rules about these, and its older versions none about the network: why the filter is required.
NOT_BEHIND_LANDLOCK = {"send by UDP", "make a user namespace", "hold the parent by a descriptor"}


def test_behind_namespaces_without_the_filter_the_machine_is_out_of_reach() -> None:
    if ALL_NAMESPACES & check().missing:
        pytest.skip("this kernel does not give all namespaces")
    assert behind({Lock.LANDLOCK}, BEHIND_THE_WALLS) == []


def test_behind_landlock_without_the_filter_the_machine_is_out_of_reach() -> None:
    if check().landlock < 4:
        pytest.skip("the Landlock of this kernel knows no network")
    assert behind(ALL_NAMESPACES, [name for name in BEHIND_THE_WALLS if name not in NOT_BEHIND_LANDLOCK]) == []


def behind(without: Collection[Lock], names: Sequence[str]) -> list[str]:
    """Give what escapes where some locks are off, and the filter on system calls with them."""
    outcomes = asyncio.run(try_escapes(names, without={Lock.SECCOMP, *without}, accept_missing=[Lock.SECCOMP]))
    return [f"{name}: {outcomes[name]}" for name in names if not outcomes[name].startswith("denied: ")]


def test_without_being_root_every_attempt_is_denied_too(tmp_path: Path) -> None:
    if not ROOT:
        pytest.skip("the other tests ran without being root already")
    program = "import asyncio; from tidegate.jail.probe import try_escapes; print(asyncio.run(try_escapes()))"
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "NUMBA_CACHE_DIR": str(tmp_path)}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        if python is None:
            continue
        try:
            ran = subprocess.run(
                [python, "-c", program],
                user=65530,
                group=65530,
                extra_groups=[],
                env=environment,
                cwd="/",
                capture_output=True,
                text=True,
                check=True,
            )
        except (PermissionError, subprocess.CalledProcessError):
            continue
        assert ran.stdout.count("'denied: ") == len(ATTEMPTS) + len(OFFENCES)
        return
    pytest.skip("no Python here that another account can run")


def test_everything_this_machine_gives_is_reported() -> None:
    report = check()
    assert unmet(report.missing) == []
    assert set(report.details) == set(Lock)
    assert (Lock.ACCOUNT in report.missing) is not ROOT
    assert (report.landlock == 0) is (Lock.LANDLOCK in report.missing)


def alone(locks: set[Lock], attempt: Callable[[], object]) -> int:
    """Make an attempt behind some locks only; give the error number, 0 when it succeeded."""
    reader, writer = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        number = 255
        try:
            ground = open_ground()
            enter(locks & set(NAMESPACES), JAIL_ACCOUNT, ground)
            without = set(Lock) - locks
            lock(pipe=writer, parent=parent, account=JAIL_ACCOUNT, limits=Limits(), ground=ground, without=without)
            attempt()
            number = 0
        except OSError as error:
            number = error.errno or 254
        finally:
            os.write(3, bytes([number]))
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        (number,) = answer.read()
    os.waitpid(child, 0)
    return int(number)


@pytest.mark.parametrize(
    ("missing", "accepted", "expected"),
    [
        (set(), [], []),
        ({Lock.LANDLOCK}, [], []),
        (ALL_NAMESPACES, [], []),
        ({Lock.ACCOUNT, Lock.PROCESS_NAMESPACE, Lock.IPC_NAMESPACE, Lock.USER_NAMESPACE, Lock.LANDLOCK}, [], []),
        ({Lock.LANDLOCK, Lock.MOUNT_NAMESPACE}, [], [Lock.LANDLOCK]),
        ({Lock.LANDLOCK, Lock.NETWORK_NAMESPACE}, [], [Lock.LANDLOCK]),
        ({Lock.LANDLOCK, Lock.NETWORK_NAMESPACE}, ["landlock"], []),
        ({Lock.SECCOMP}, ["landlock"], [Lock.SECCOMP]),
        ({Lock.RLIMITS, Lock.SECCOMP}, ["seccomp"], [Lock.RLIMITS]),
    ],
)
def test_limits_a_filter_and_one_wall_are_required(
    missing: set[Lock], accepted: list[str], expected: list[Lock]
) -> None:
    assert unmet(missing, accepted) == expected


def read_accounts() -> None:
    os.close(os.open("/etc/passwd", os.O_RDONLY))


def start_process() -> None:
    if os.fork() == 0:
        os._exit(0)


def test_landlock_alone_keeps_files_closed() -> None:
    if Lock.LANDLOCK in check().missing:
        pytest.skip("this kernel has no Landlock")
    assert alone(set(), read_accounts) == 0
    assert alone({Lock.LANDLOCK}, read_accounts) == errno.EACCES


def test_seccomp_alone_keeps_files_and_sockets_closed() -> None:
    assert alone(set(), lambda: socket.socket().close()) == 0
    assert alone({Lock.SECCOMP}, read_accounts) == errno.EPERM
    assert alone({Lock.SECCOMP}, lambda: socket.socket().close()) == errno.EPERM


@pytest.mark.skipif(not ROOT, reason="only root has rights to lose")
def test_root_that_stays_root_has_no_rights() -> None:
    assert alone(set(), lambda: os.setresuid(1, 1, 1)) == errno.EPERM


@pytest.mark.skipif(not ROOT, reason="limits on processes count an account's, and ours has others")
def test_limits_alone_start_nothing() -> None:
    assert alone({Lock.RLIMITS, Lock.ACCOUNT}, start_process) == errno.EAGAIN


def test_limits_alone_write_nothing(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def write() -> None:
        # The signal that goes with it would end the child; Python ignores it.
        with target.open("wb", buffering=0) as file:
            file.write(b"x")

    assert alone({Lock.RLIMITS}, write) == errno.EFBIG


def judge(filters: bytes, architecture: int, number: int, third: int = 0) -> int:
    """Run a filter the way the kernel does, for one call."""
    call = struct.pack("=IIQ6Q", number, architecture, 0, 0, 0, third, 0, 0, 0)
    steps = [struct.unpack("=HBBI", filters[at : at + 8]) for at in range(0, len(filters), 8)]
    at, value = 0, 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("=I", call, operand)
        elif code == 0x06:
            return int(operand)
        else:
            true = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            at += if_true if true else if_false


ALLOW, KILL, NOT_PERMITTED, NO_SUCH_CALL = 0x7FFF0000, 0x80000000, 0x50001, 0x50026


@pytest.mark.parametrize(
    ("machine", "architecture", "read", "mmap", "socket_", "foreign"),
    [("x86_64", X86_64, 0, 9, 41, AARCH64), ("aarch64", AARCH64, 63, 222, 198, X86_64)],
)
def test_the_filter_says_what_we_mean(
    machine: str, architecture: int, read: int, mmap: int, socket_: int, foreign: int
) -> None:
    filters = seccomp.program(machine)
    assert judge(filters, architecture, read) == ALLOW
    assert judge(filters, architecture, mmap, third=3) == ALLOW
    assert judge(filters, architecture, mmap, third=7) == NOT_PERMITTED
    assert judge(filters, architecture, socket_) == NOT_PERMITTED
    assert judge(filters, architecture, 435) == NO_SUCH_CALL
    assert judge(filters, foreign, read) == KILL
    assert judge(filters, 0x40000003, read) == KILL
    assert judge(filters, architecture, read | 0x40000000) == KILL


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_nothing_but_its_list(machine: str) -> None:
    filters = seccomp.program(machine)
    column = {"x86_64": 0, "aarch64": 1}[machine]
    architecture = {"x86_64": X86_64, "aarch64": AARCH64}[machine]
    allowed = {number for number in range(1024) if judge(filters, architecture, number) == ALLOW}
    named = {**seccomp._ALLOWED, **seccomp._ALLOWED_WITHOUT_EXECUTION}
    assert allowed == {numbers[column] for numbers in named.values()}


def test_a_machine_without_a_list_has_no_filter() -> None:
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program("riscv64")
    assert platform.machine() not in {"x86_64", "aarch64"} or seccomp.program()


def test_the_command_names_every_lock_and_every_attempt() -> None:
    lines: list[str] = []
    assert check_jail(lines.append, files=50) == 0
    assert len(lines) == len(Lock) + 1 + len(ATTEMPTS) + len(OFFENCES)
    assert any(line.startswith("holds") and "seccomp" in line for line in lines)
    assert any("at most 50 files" in line for line in lines)
