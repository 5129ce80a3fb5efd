"""When something is an alarm: properties of the one table."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tidegate.alarms.model import Alarm, JailState, Level, Measured
from tidegate.alarms.rules import THRESHOLDS, level_of, pressing, raised
from tidegate.kernel.backlog import Backlog
from tidegate.ledger.state import State

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
alarms = st.sampled_from(sorted(Alarm))
ages = st.timedeltas(min_value=timedelta(days=-60), max_value=timedelta(days=60))


def level(level: Level | None) -> int:
    return level.rank if level else 0


def measured(backlogs: dict[Alarm, Backlog]) -> Measured:
    jail = JailState(running=True, children=2, wanted=2, missing=(), counts={})
    ledger = State(waiting=0, oldest_waiting=None, size=0, shown=None, root=None, published_at=None, trouble=None)
    return Measured(at=NOW, backlogs=backlogs, unchecked={}, ledger=ledger, jail=jail)


def test_everything_has_a_threshold_that_gives_its_reason() -> None:
    assert set(THRESHOLDS) == set(Alarm)
    for alarm, threshold in THRESHOLDS.items():
        assert threshold.why.endswith("."), alarm
        assert threshold.danger is not None or threshold.warning is not None or threshold.noted
        if threshold.danger is not None and threshold.warning is not None:
            assert threshold.warning < threshold.danger


@given(alarms, ages, ages, st.integers(1, 10**6))
def test_waiting_longer_never_makes_it_milder(alarm: Alarm, one: timedelta, other: timedelta, count: int) -> None:
    younger, older = sorted([one, other])
    waiting = [Backlog(count, NOW - age) for age in (younger, older)]
    assert level(level_of(alarm, waiting[0], NOW)) <= level(level_of(alarm, waiting[1], NOW))


@given(alarms, ages)
def test_nothing_is_no_alarm(alarm: Alarm, age: timedelta) -> None:
    assert level_of(alarm, Backlog(0, NOW - age), NOW) is None


@given(st.dictionaries(alarms, st.builds(Backlog, st.integers(0, 3), ages.map(lambda age: NOW - age))))
def test_the_worst_comes_first_and_notes_do_not_press(backlogs: dict[Alarm, Backlog]) -> None:
    found = raised(measured(backlogs))
    levels = [one.level.rank for one in found]
    assert levels == sorted(levels, reverse=True)
    counted = pressing(measured(backlogs))
    assert counted.pressing == sum(one.level is not Level.NOTE for one in found)
    assert counted.worst == (found[0].level if counted.pressing else None)


def test_a_complaint_is_late_from_its_very_moment() -> None:
    assert level_of(Alarm.APPEALS_LATE, Backlog(1, NOW), NOW) is Level.DANGER
    assert level_of(Alarm.APPEALS_DUE, Backlog(1, NOW + timedelta(hours=23)), NOW) is Level.WARNING
    assert level_of(Alarm.HOLDS_UNVOTED, Backlog(1, NOW + timedelta(hours=5)), NOW) is None
    assert level_of(Alarm.HOLDS_UNVOTED, Backlog(1, NOW + timedelta(minutes=59)), NOW) is Level.DANGER
