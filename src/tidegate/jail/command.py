"""``tidegate jail check``: what this machine locks children with, and whether they can get out.

May decide: the exit status (0 when a jail may start here and every escape was denied, 1 otherwise).
"""

import asyncio
from collections.abc import Callable, Collection

from tidegate.jail.check import check
from tidegate.jail.model import unmet
from tidegate.jail.probe import try_escapes
from tidegate.kernel.errors import ConfigurationError


def check_jail(stdout_write: Callable[[str], object], *, files: int, accept_missing: Collection[str] = ()) -> int:
    """Write one line for each lock, how long a child is used, and one for each attempt to escape.

    Args:
        stdout_write: takes the text.
        files: those a child reads.
        accept_missing: locks that the settings accept to do without.
    """
    report = check()
    for lock, detail in report.details.items():
        held = "holds" if lock not in report.missing else "accepted" if lock in accept_missing else "missing"
        stdout_write(f"{held:8} {lock}: {detail}\n")
    last = "one file" if files == 1 else f"at most {files} files"
    stdout_write(f"A child reads {last} (jail_files_per_child), and none after one that it could not read.\n")
    try:
        outcomes = asyncio.run(try_escapes(accept_missing=accept_missing))
    except ConfigurationError as error:
        stdout_write(f"{error}\n")
        return 1
    for attempt, outcome in outcomes.items():
        stdout_write(f"{outcome:24} {attempt}\n")
    escaped = [attempt for attempt, outcome in outcomes.items() if not outcome.startswith("denied")]
    return 0 if not unmet(report.missing, accept_missing) and not escaped else 1
