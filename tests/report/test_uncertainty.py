"""The exact interval, against sums over every outcome, and against what it promises."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.report.uncertainty import CONFIDENCE, at_least, at_most, interval

_TAIL = (1 - CONFIDENCE) / 2


def chance(found: int, of: int, p: float) -> float:
    """Give the chance of exactly this many, as the textbook writes it."""
    return math.comb(of, found) * p**found * (1 - p) ** (of - found)


@given(st.integers(0, 60), st.data())
def test_tails_are_the_sums_over_all_outcomes(of: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, of))
    p = data.draw(st.floats(0, 1))
    fewer = math.fsum(chance(number, of, p) for number in range(found + 1))
    more = math.fsum(chance(number, of, p) for number in range(found, of + 1))
    assert at_most(found, of, p) == pytest.approx(fewer, abs=1e-11)
    assert at_least(found, of, p) == pytest.approx(more, abs=1e-11)


@given(st.integers(1, 200), st.data())
def test_each_bound_cuts_off_its_half_of_the_doubt(of: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, of))
    low, high = interval(found, of)
    assert 0 <= low <= found / of <= high <= 1
    if found == 0:
        assert low == 0
    else:
        assert math.fsum(chance(number, of, low) for number in range(found, of + 1)) == pytest.approx(_TAIL, abs=1e-6)
    if found == of:
        assert high == 1
    else:
        assert math.fsum(chance(number, of, high) for number in range(found + 1)) == pytest.approx(_TAIL, abs=1e-6)


@given(st.integers(1, 40), st.floats(0.001, 0.999))
def test_the_true_share_is_inside_at_least_as_often_as_promised(of: int, p: float) -> None:
    inside = [number for number in range(of + 1) if interval(number, of)[0] <= p <= interval(number, of)[1]]
    assert math.fsum(chance(number, of, p) for number in inside) >= CONFIDENCE - 1e-6


@given(st.integers(1, 500), st.data())
def test_both_sides_mirror_each_other(of: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, of))
    low, high = interval(found, of)
    other_low, other_high = interval(of - found, of)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-8)


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [
        # From the function binom.test of R.
        (0, 10, 0.0, 0.3084971),
        (1, 10, 0.002528579, 0.4450161),
        (5, 10, 0.1870860, 0.8129140),
        (2, 3, 0.09429932, 0.9915962),
    ],
)
def test_known_intervals(found: int, of: int, low: float, high: float) -> None:
    assert interval(found, of) == pytest.approx((low, high), abs=1e-6)


def test_nothing_seen_says_nothing() -> None:
    assert interval(0, 0) == (0, 1)


def test_more_cases_narrow_it() -> None:
    widths = [interval(n // 10, n)[1] - interval(n // 10, n)[0] for n in (10, 100, 1000, 10_000, 1_000_000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.0013


@pytest.mark.parametrize(("found", "of"), [(-1, 3), (4, 3), (1, 0)])
def test_no_share_of_less_than_itself(found: int, of: int) -> None:
    with pytest.raises(ValueError, match="cannot be a part"):
        interval(found, of)
