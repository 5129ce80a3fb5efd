"""The clock: an argument, never a call deep inside.

May decide: nothing. All times are aware and in UTC; the edge reads the clock once for each transaction.
"""

from collections.abc import Callable
from datetime import UTC, datetime

#: Gives the present time, aware, in UTC.
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)
