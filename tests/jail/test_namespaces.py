"""What holds a jail's namespace open ends with the forkserver, however soon that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidegate.jail.check import check
from tidegate.jail.model import Lock

_TIMES = 10
_WITHIN_SECONDS = 10.0
_ENTER_AND_END = """
import os
from tidegate.jail import lock, namespaces
from tidegate.jail.check import JAIL_ACCOUNT
from tidegate.jail.model import Lock
which = {Lock.PROCESS_NAMESPACE} | (set() if os.geteuid() == 0 else {Lock.USER_NAMESPACE})
print(namespaces.enter(which, JAIL_ACCOUNT, lock.open_ground()), flush=True)
os._exit(0)
"""


def test_the_first_process_of_a_namespace_never_stays_behind() -> None:
    if Lock.PROCESS_NAMESPACE in check().missing:
        pytest.skip("this kernel gives no process namespace")
    ended = [
        subprocess.run([sys.executable, "-c", _ENTER_AND_END], capture_output=True, text=True, check=True)
        for _ in range(_TIMES)
    ]
    first = [int(each.stdout) for each in ended]
    deadline = time.monotonic() + _WITHIN_SECONDS
    while (left := [each for each in first if Path(f"/proc/{each}").exists()]) and time.monotonic() < deadline:
        os.sched_yield()
    for each in left:
        os.kill(each, signal.SIGKILL)
    assert not left
