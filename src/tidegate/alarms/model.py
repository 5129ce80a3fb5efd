"""Alarms: what is measured, and what it can mean. May decide: nothing; these are values and closed lists.

An alarm counts things and says since when. It names no content, no hash and no person, so that whoever looks after the
node may see it without seeing what people must look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.kernel.backlog import Backlog
from tidegate.ledger.state import State
from tidegate.verdict.model import Reason


class Alarm(StrEnum):
    """What an alarm can be about."""

    UNCHECKED_RETRIED = "unchecked_retried"
    UNCHECKED_SAMPLED = "unchecked_sampled"
    APPEALS_LATE = "appeals_late"
    APPEALS_DUE = "appeals_due"
    HOLDS_UNVOTED = "holds_unvoted"
    HOLDS_OVERDUE = "holds_overdue"
    DECISIONS_OVERDUE = "decisions_overdue"
    JOBS_FAILED = "jobs_failed"
    JOBS_WAITING = "jobs_waiting"
    UNDELIVERED = "undelivered"
    UNACKNOWLEDGED = "unacknowledged"
    LEDGER_LATE = "ledger_late"
    LEDGER_REFUSED = "ledger_refused"
    JAIL_DOWN = "jail_down"
    JAIL_LOCKS_MISSING = "jail_locks_missing"
    PROPOSALS_WAITING = "proposals_waiting"
    SIGNALS_DISPUTED = "signals_disputed"
    KEYS_EXPIRING = "keys_expiring"


class Level(StrEnum):
    """How bad it is, the worst last."""

    NOTE = "note"
    WARNING = "warning"
    DANGER = "danger"

    @property
    def rank(self) -> int:
        """Rank it, from 1."""
        return list(Level).index(self) + 1


@dataclass(frozen=True, slots=True)
class Threshold:
    """From when on something is how bad.

    Ages are counted from ``Backlog.since``. Where that is a moment still to come (a hold's end, a key's last day), an
    age below nothing means "so long before".
    """

    why: str
    danger: timedelta | None = None
    warning: timedelta | None = None
    #: Said as soon as there is one, however young.
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that is on."""

    alarm: Alarm
    level: Level
    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Pressing:
    """How many alarms are worse than a note, and how bad the worst is."""

    pressing: int
    worst: Level | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JailState:
    """The jail of the process that answers."""

    running: bool
    children: int
    wanted: int
    missing: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was looked at, at one moment."""

    at: datetime
    backlogs: Mapping[Alarm, Backlog]
    #: What could not be checked, by reason: still waiting, or of the last day.
    unchecked: Mapping[Reason, Backlog]
    ledger: State
    jail: JailState
