"""When something is an alarm, and how bad.

May decide: exactly that. Every threshold stands in one table with its reason. Nothing here changes anything: an alarm
tells people, and people act.
"""

from datetime import datetime, timedelta

from tidegate.alarms.model import Alarm, Level, Measured, Pressing, Raised, Threshold
from tidegate.kernel.backlog import Backlog

#: How far ahead holds, complaints and keys are looked for.
LOOK_AHEAD_HOLDS = timedelta(hours=4)
LOOK_AHEAD_APPEALS = timedelta(days=1)
LOOK_AHEAD_KEYS = timedelta(days=14)

_NOW = timedelta()
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

THRESHOLDS: dict[Alarm, Threshold] = {
    Alarm.UNCHECKED_RETRIED: Threshold(
        "The worker tries again every few seconds: after five minutes the engine is not merely busy.",
        warning=5 * _MINUTE,
        danger=_HOUR,
    ),
    Alarm.UNCHECKED_SAMPLED: Threshold(
        "A sample nobody looks at says nothing about what slips through: one working day is fair, three are not.",
        warning=_DAY,
        danger=3 * _DAY,
    ),
    Alarm.APPEALS_LATE: Threshold("Two weeks are the law's, and floor rule 11 counts from there.", danger=_NOW),
    Alarm.APPEALS_DUE: Threshold("A day is enough to have two people judge it.", warning=-LOOK_AHEAD_APPEALS),
    Alarm.HOLDS_UNVOTED: Threshold(
        "A hold nobody voted on lapses by itself: four hours are half a shift, one is the last chance for two people.",
        warning=-LOOK_AHEAD_HOLDS,
        danger=-_HOUR,
    ),
    Alarm.HOLDS_OVERDUE: Threshold(
        "The worker asks twice a second: two minutes late means it stands still.", danger=2 * _MINUTE
    ),
    Alarm.DECISIONS_OVERDUE: Threshold(
        "The worker asks twice a second: two minutes late means it stands still.", danger=2 * _MINUTE
    ),
    Alarm.JOBS_FAILED: Threshold("A job is left only after twenty surprises: a person must look.", danger=_NOW),
    Alarm.JOBS_WAITING: Threshold(
        "Jobs start within seconds: after five minutes there are too few workers, after thirty there is none.",
        warning=5 * _MINUTE,
        danger=30 * _MINUTE,
    ),
    Alarm.UNDELIVERED: Threshold("Three days of trying are over, and nobody tries any more.", danger=_NOW),
    Alarm.UNACKNOWLEDGED: Threshold(
        "Platforms answer at once or pull every minute: what was lifted stays hidden until they do.",
        warning=10 * _MINUTE,
        danger=6 * _HOUR,
    ),
    Alarm.LEDGER_LATE: Threshold(
        "Counted from when it should have been public: ten minutes allow for a restart.",
        warning=10 * _MINUTE,
        danger=6 * _HOUR,
    ),
    Alarm.LEDGER_REFUSED: Threshold("Nothing is signed until people have looked.", danger=_NOW),
    Alarm.JAIL_DOWN: Threshold("Every upload is answered unchecked.", danger=_NOW),
    Alarm.JAIL_LOCKS_MISSING: Threshold("Accepted in the settings; said so that nobody forgets.", noted=True),
    Alarm.PROPOSALS_WAITING: Threshold(
        "They expire after a day: four hours before, a second person must be asked.", warning=-4 * _HOUR, noted=True
    ),
    Alarm.SIGNALS_DISPUTED: Threshold("No machine holds by them; people should find out why.", noted=True),
    Alarm.KEYS_EXPIRING: Threshold(
        "A platform without a key can show nothing: two weeks are time to change it, two days are the last.",
        warning=-LOOK_AHEAD_KEYS,
        danger=-2 * _DAY,
    ),
}


def raised(measured: Measured) -> list[Raised]:
    """Give the alarms that are on, the worst first and then the longest."""
    found = [
        Raised(alarm, level, waiting.count, waiting.since)
        for alarm, waiting in measured.backlogs.items()
        if (level := level_of(alarm, waiting, measured.at)) is not None
    ]
    return sorted(found, key=lambda one: (-one.level.rank, one.since or measured.at, one.alarm))


def pressing(measured: Measured) -> Pressing:
    """Count the alarms that are worse than a note."""
    found = [one.level for one in raised(measured) if one.level is not Level.NOTE]
    return Pressing(len(found), found[0] if found else None)


def level_of(alarm: Alarm, waiting: Backlog, now: datetime) -> Level | None:
    """Say how bad a backlog is; None when it is no alarm."""
    if waiting.count == 0:
        return None
    threshold = THRESHOLDS[alarm]
    age = now - waiting.since if waiting.since is not None else _NOW
    if threshold.danger is not None and age >= threshold.danger:
        return Level.DANGER
    if threshold.warning is not None and age >= threshold.warning:
        return Level.WARNING
    return Level.NOTE if threshold.noted else None
