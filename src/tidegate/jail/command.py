"""``tidegate jail check``: what this machine locks children with, and whether they can get out.

May decide: the exit status (0 when a jail may start here and every escape was denied, 1 otherwise).
"""

import asyncio
from collections.abc import Callable

from tidegate.jail.check import check
from tidegate.jail.probe import try_escapes
from tidegate.kernel.errors import ConfigurationError


def check_jail(stdout_write: Callable[[str], object]) -> int:
    """Write one line for each lock and each attempt to escape."""
    report = check()
    for lock, detail in report.details.items():
        stdout_write(f"{'missing' if lock in report.missing else 'holds':8} {lock}: {detail}\n")
    try:
        outcomes = asyncio.run(try_escapes())
    except ConfigurationError as error:
        stdout_write(f"{error}\n")
        return 1
    for attempt, outcome in outcomes.items():
        stdout_write(f"{outcome:16} {attempt}\n")
    escaped = [attempt for attempt, outcome in outcomes.items() if not outcome.startswith("denied")]
    return 0 if report.sufficient and not escaped else 1
