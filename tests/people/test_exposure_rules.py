"""How much looking is enough: never negative, never less for more looking, and every refusal ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.exposure.rules import (
    REPORT_WITHIN,
    SEVERITIES,
    UNREPORTED,
    ExposurePolicy,
    Look,
    LookRefused,
    Refusal,
    Why,
    believed,
    exposure_of,
    may_look,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = ExposurePolicy(
    budget=timedelta(minutes=60), break_after=timedelta(minutes=20), break_for=timedelta(minutes=10)
)
NOTHING = timedelta(0)

policies = st.builds(
    ExposurePolicy,
    budget=st.integers(5, 240).map(lambda minutes: timedelta(minutes=minutes)),
    break_after=st.integers(5, 60).map(lambda minutes: timedelta(minutes=minutes)),
    break_for=st.integers(5, 60).map(lambda minutes: timedelta(minutes=minutes)),
)


@st.composite
def looks(draw: st.DrawFn) -> Look:
    """A look that is over, or was given out just now."""
    ago = draw(st.timedeltas(NOTHING, timedelta(hours=24)))
    reported = draw(st.none() | st.timedeltas(NOTHING, min(ago, timedelta(hours=1))))
    return Look(at=NOW - ago, severity=draw(st.sampled_from(SEVERITIES)), reported=reported)


def look(minutes_ago: float, *, minutes: float | None = 1, severity: int = 1) -> Look:
    reported = None if minutes is None else timedelta(minutes=minutes)
    return Look(at=NOW - timedelta(minutes=minutes_ago), severity=severity, reported=reported)


def refusal(seen: list[Look], now: datetime = NOW, policy: ExposurePolicy = POLICY) -> Refusal | None:
    try:
        may_look(seen, policy, now)
    except LookRefused as refused:
        return refused.refusal
    return None


# --- examples ---


def test_who_saw_nothing_may_look() -> None:
    assert refusal([]) is None
    assert exposure_of([], POLICY, NOW).until_break == POLICY.break_after


def test_a_second_counts_as_many_times_as_it_is_severe() -> None:
    seen = [look(200, minutes=5, severity=severity) for severity in SEVERITIES]
    exposure = exposure_of(seen, POLICY, NOW)
    assert exposure.spent == timedelta(minutes=5 + 10 + 15)
    assert exposure.today == {severity: timedelta(minutes=5) for severity in SEVERITIES}


def test_the_budget_ends_looking_until_midnight_utc() -> None:
    seen = [look(300 - 30 * number, minutes=10, severity=3) for number in range(2)]
    assert refusal([*seen, look(100, minutes=0)]) == Refusal(why=Why.BUDGET, until=datetime(2026, 11, 24, tzinfo=UTC))
    assert refusal([seen[0], look(200, minutes=9.99, severity=3)]) is None
    assert refusal(seen, datetime(2026, 11, 24, tzinfo=UTC)) is None
    assert refusal(seen, datetime(2026, 11, 24, tzinfo=UTC) - timedelta(microseconds=1)) is not None


def test_looks_of_yesterday_are_not_of_today() -> None:
    assert exposure_of([look(12 * 60 + 1, minutes=30)], POLICY, NOW).spent == NOTHING
    assert exposure_of([look(12 * 60, minutes=30)], POLICY, NOW).spent == timedelta(minutes=30)


def test_a_break_is_due_after_so_much_looking_without_one() -> None:
    seen = [look(45 - 9 * number, minutes=4) for number in range(5)]
    assert refusal(seen) == Refusal(why=Why.BREAK, until=NOW + timedelta(minutes=5))
    assert refusal(seen[1:]) is None
    # A pause in between was a break: what came before it no longer counts.
    assert refusal([look(60, minutes=4), *seen[1:]]) is None


def test_a_break_ends() -> None:
    seen = [look(25, minutes=20)]
    assert refusal(seen) == Refusal(why=Why.BREAK, until=NOW + timedelta(minutes=5))
    assert refusal(seen, NOW + timedelta(minutes=5)) is None
    assert exposure_of(seen, POLICY, NOW + timedelta(minutes=5)).until_break == POLICY.break_after


def test_a_look_without_a_report_counts_ten_seconds() -> None:
    assert exposure_of([look(1, minutes=None)], POLICY, NOW).spent == UNREPORTED
    six_a_minute = [look(25 - number / 6, minutes=None) for number in range(120)]
    found = refusal(six_a_minute)
    assert found is not None
    assert found.why is Why.BREAK
    assert refusal(six_a_minute[1:]) is None


def test_both_refusals_end_at_the_later_one() -> None:
    late = NOW.replace(hour=23, minute=55)
    seen = [Look(at=late - timedelta(minutes=20), severity=3, reported=timedelta(minutes=20))]
    assert refusal(seen, late) == Refusal(why=Why.BREAK, until=late + timedelta(minutes=10))


def test_a_refusal_says_how_long_to_wait() -> None:
    with pytest.raises(LookRefused) as caught:
        may_look([look(25, minutes=20)], POLICY, NOW)
    assert caught.value.retry_after == 300
    assert caught.value.reference == "break"


# --- properties ---


@given(st.lists(looks(), max_size=60), policies)
def test_nothing_is_ever_negative(seen: list[Look], policy: ExposurePolicy) -> None:
    exposure = exposure_of(seen, policy, NOW)
    assert exposure.spent >= NOTHING
    assert exposure.since_break >= NOTHING
    assert exposure.until_break >= NOTHING
    assert all(lasted >= NOTHING for lasted in exposure.today.values())
    assert exposure.midnight > NOW


@given(st.lists(looks(), max_size=60), looks(), policies)
def test_looking_more_never_allows_more(seen: list[Look], more: Look, policy: ExposurePolicy) -> None:
    before, after = refusal(seen, policy=policy), refusal([*seen, more], policy=policy)
    assert exposure_of([*seen, more], policy, NOW).spent >= exposure_of(seen, policy, NOW).spent
    if before is not None:
        assert after is not None
        assert after.until >= before.until


@given(st.lists(looks(), min_size=1, max_size=60), st.timedeltas(NOTHING, timedelta(minutes=5)), policies)
def test_looking_longer_never_allows_more(seen: list[Look], longer: timedelta, policy: ExposurePolicy) -> None:
    first = seen[0]
    stretched = Look(at=first.at, severity=first.severity, reported=first.lasted + longer)
    before, after = refusal(seen, policy=policy), refusal([stretched, *seen[1:]], policy=policy)
    assert before is None or (after is not None and after.until >= before.until)


@given(st.lists(looks(), max_size=60), policies)
def test_every_refusal_ends_when_it_says_and_not_before(seen: list[Look], policy: ExposurePolicy) -> None:
    found = refusal(seen, policy=policy)
    if found is not None:
        assert found.until > NOW
        assert found.until <= NOW + timedelta(hours=24)
        assert refusal(seen, found.until - timedelta(microseconds=1), policy) is not None
        assert refusal(seen, found.until, policy) is None


@given(st.lists(looks(), max_size=60), policies)
def test_the_budget_is_new_at_midnight(seen: list[Look], policy: ExposurePolicy) -> None:
    midnight = exposure_of(seen, policy, NOW).midnight
    assert exposure_of(seen, policy, midnight).spent == NOTHING


@given(st.permutations([look(50), look(30, severity=3), look(20, minutes=None), look(5)]))
def test_the_order_of_the_record_says_nothing(seen: list[Look]) -> None:
    assert exposure_of(seen, POLICY, NOW) == exposure_of(sorted(seen, key=lambda one: one.at), POLICY, NOW)


@given(st.timedeltas(), st.timedeltas(NOTHING, timedelta(days=2)))
def test_a_report_is_believed_between_nothing_and_the_time_that_passed(claimed: timedelta, elapsed: timedelta) -> None:
    counted = believed(claimed, elapsed)
    assert NOTHING <= counted <= elapsed
    if claimed >= elapsed:
        assert counted == elapsed
    if elapsed > REPORT_WITHIN + UNREPORTED:
        # A late report cannot give back what was counted meanwhile.
        assert counted >= UNREPORTED
    if elapsed <= REPORT_WITHIN and NOTHING <= claimed <= elapsed:
        assert counted == claimed


@given(st.timedeltas(NOTHING, timedelta(hours=1)), st.timedeltas(NOTHING, timedelta(hours=1)))
def test_claiming_more_never_counts_less(one: timedelta, other: timedelta) -> None:
    # Only a late report is lifted: then both are, and it still does not fall.
    elapsed = timedelta(seconds=30)
    assert (believed(one, elapsed) <= believed(other, elapsed)) or one > other


def test_a_clock_that_went_back_tells_nothing() -> None:
    assert believed(NOTHING, timedelta(seconds=-1)) == UNREPORTED
