"""What the report adds up: the same numbers as a recount, whatever period and bucket."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.made_counts import FIRST, document, leaf, two_years
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger.entry import LeafKind, Measure, Tallied
from tidegate.report.model import COLUMNS, Counts, Period, read
from tidegate.report.rules import Bucket, RateKind, Strand, bucket_for, strand_of, summarise
from tidegate.report.sheet import HEADER, written

DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))


@pytest.fixture(scope="module")
def big() -> Counts:
    return read(document(two_years(90)))


def test_everything_is_counted_once_whatever_it_is_told_apart_by(big: Counts) -> None:
    summary = summarise(big, Period())
    whole = sum(row.amount for row in big.rows)
    for column in COLUMNS:
        assert sum(count for _, count in summary.by(column)) == whole
    assert summary.of() == whole
    for kind in LeafKind:
        expected = sum(row.amount for row in big.rows if row.what[0] == kind)
        assert summary.of(kind=kind) == expected
    followed = sum(row.amount for row in big.rows if strand_of(row.what[0], row.what[2]))
    assert sum(sum(summary.series(strand)) for strand in Strand) == summary.along(*Strand) == followed
    assert summary.taken == sum(
        summary.of(kind=kind) for kind in (LeafKind.HOLD, LeafKind.REMOVAL, LeafKind.GEO_LIMIT, LeafKind.ACCOUNT_ACTION)
    ) - summary.of(kind=LeafKind.ACCOUNT_ACTION, measure=Measure.REINSTATE_ACCOUNT)


@given(st.integers(-5, 95), st.integers(-5, 95))
def test_a_period_holds_exactly_its_days(big: Counts, one: int, other: int) -> None:
    first, last = sorted((FIRST + timedelta(days=one), FIRST + timedelta(days=other)))
    summary = summarise(big, Period(first, last))
    assert summary.of() == sum(row.amount for row in big.rows if first <= row.day <= last)
    assert summary.first is None or (first <= summary.first and summary.last is not None and summary.last <= last)


def test_periods_that_follow_each_other_add_up(big: Counts) -> None:
    middle = FIRST + timedelta(days=41)
    before = summarise(big, Period(last=middle))
    after = summarise(big, Period(first=middle + timedelta(days=1)))
    assert before.of() + after.of() == summarise(big, Period()).of()


@given(DAYS, st.integers(0, 20_000))
def test_bars_cover_every_day_once_and_are_never_too_many(first: date, days: int) -> None:
    last = date.fromordinal(min(first.toordinal() + days, date.max.toordinal()))
    bucket = bucket_for(first, last)
    start, count = bucket.start(first), 0
    assert start <= first
    while True:
        count += 1
        try:
            following = bucket.after(start)
        except OverflowError:
            break
        assert bucket.start(following) == following
        assert bucket.start(following - timedelta(days=1)) == start
        if following > last:
            break
        start = following
    assert count <= 60


@pytest.mark.parametrize(
    ("days", "bucket"), [(1, Bucket.DAY), (31, Bucket.DAY), (32, Bucket.WEEK), (300, Bucket.MONTH), (2000, Bucket.YEAR)]
)
def test_bucket_follows_the_span(days: int, bucket: Bucket) -> None:
    assert bucket_for(FIRST, FIRST + timedelta(days=days - 1)) is bucket


def test_days_at_the_ends_of_time_make_no_endless_bars() -> None:
    counts = read(document([leaf(1, LeafKind.HOLD, date.min), leaf(2, LeafKind.HOLD, date.max)]))
    summary = summarise(counts, Period())
    assert len(summary.starts) <= 1000
    week = read(document([leaf(1, LeafKind.HOLD, date.max), leaf(2, LeafKind.HOLD, date.max - timedelta(days=40))]))
    assert sum(summarise(week, Period()).series(Strand.HELD)) == 2
    days = read(document([leaf(1, LeafKind.HOLD, date.max)]))
    assert summarise(days, Period()).series(Strand.HELD) == (1,)


def test_rates_are_of_what_their_words_say() -> None:
    kinds = [LeafKind.HOLD] * 8 + [LeafKind.RELEASED] * 2 + [LeafKind.LAPSED] + [LeafKind.REMOVAL] * 5
    leaves = [leaf(number, kind, FIRST) for number, kind in enumerate(kinds)]
    leaves += [leaf(100 + n, LeafKind.APPEAL_DECIDED, FIRST, measure=Measure.UPHOLD) for n in range(3)]
    leaves += [leaf(200, LeafKind.APPEAL_DECIDED, FIRST, measure=Measure.REVERSE)]
    rates = {rate.kind: rate for rate in summarise(read(document(leaves)), Period()).rates()}
    assert [(rates[kind].count, rates[kind].of) for kind in RateKind] == [(1, 4), (2, 8), (1, 8)]
    for rate in rates.values():
        assert rate.share is not None
        assert rate.low < rate.share < rate.high


def test_nothing_to_say_yet_and_more_ended_than_began() -> None:
    nothing = summarise(read(document([])), Period())
    assert all(rate.share is None and rate.comparable for rate in nothing.rates())
    assert (nothing.starts, nothing.answers, nothing.given_back) == ((), 0, 0)
    leaves = [leaf(1, LeafKind.HOLD, FIRST), *(leaf(n, LeafKind.LAPSED, FIRST) for n in (2, 3))]
    lapsed = summarise(read(document(leaves)), Period()).rates()[2]
    assert not lapsed.comparable


def test_given_back_and_answers() -> None:
    leaves = [
        leaf(1, LeafKind.RESTORATION, FIRST),
        leaf(2, LeafKind.LAPSED, FIRST),
        leaf(3, LeafKind.RELEASED, FIRST),
        leaf(4, LeafKind.ACCOUNT_ACTION, FIRST, measure=Measure.REINSTATE_ACCOUNT),
        leaf(5, LeafKind.ACCOUNT_ACTION, FIRST, measure=Measure.SUSPEND_ACCOUNT),
        leaf(6, LeafKind.TALLY, FIRST, tallied=Tallied.CLEAR, count=90),
        leaf(7, LeafKind.TALLY, FIRST, tallied=Tallied.UNCHECKED, count=10),
        leaf(8, LeafKind.TALLY, FIRST, tallied=Tallied.MATCH_WITHOUT_RECORD, count=5),
    ]
    summary = summarise(read(document(leaves)), Period())
    assert summary.given_back == 4
    assert summary.answers == 100, "a match outside due process is no answer about content"


def test_the_sheet_says_what_the_counts_say() -> None:
    data = document(two_years(90))
    text = written(read(data)).decode()
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == HEADER
    assert HEADER[:-2] == COLUMNS
    assert [{**row, "count": int(row["count"])} for row in rows] == json.loads(data)["rows"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"rows": [{"kind": "=cmd()"}]},
        {"rows": [{}]},
        {"rows": 3},
        {"accounts": {"<b>": 1}},
        {"size": None},
        {"rows": [{**json.loads(document([leaf(1, LeafKind.HOLD, FIRST)]))["rows"][0], "count": "=1+1"}]},
        {"rows": [{**json.loads(document([leaf(1, LeafKind.HOLD, FIRST)]))["rows"][0], "day": "x"}]},
    ],
)
def test_what_the_ledger_would_not_write_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        read(json.dumps(json.loads(document([])) | change).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_counts_file_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        read(data)


def test_a_period_is_read_strictly() -> None:
    assert Period.parse("", "") == Period()
    assert Period.parse("2026-01-02", "2026-01-02") == Period(date(2026, 1, 2), date(2026, 1, 2))
    for text in ("20260102", "2026-W01-1", "2026-1-2", "yesterday", "\u0662\u0660\u0662\u0666-01-02", "' OR 1=1", "=1"):
        with pytest.raises(Malformed):
            Period.parse(text, "")
        with pytest.raises(Malformed):
            Period.parse("", text)
    with pytest.raises(Malformed, match="after"):
        Period.parse("2026-01-03", "2026-01-02")
