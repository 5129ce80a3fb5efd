"""Which content is looked at together, and in which order."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW
from tidegate.case import rules
from tidegate.case.model import Case, HeadStart, Reason, State, Urgency
from tidegate.content.model import AccountClass
from tidegate.kernel.errors import WrongState
from tidegate.kernel.ids import CaseId
from tidegate.match.model import PDQ_RADIUS
from tidegate.verdict.model import Reason as VerdictReason
from tidegate.verdict.model import VerdictKind

captions = st.sampled_from([None, b"words", b"other words"])


@given(captions, captions, st.sampled_from(AccountClass), st.sampled_from(AccountClass))
def test_nobody_decides_about_words_or_an_account_they_did_not_see(
    one: bytes | None, other: bytes | None, account: AccountClass, another: AccountClass
) -> None:
    case = made.case(1, account_class=account, caption=one)
    content = replace(made.content(2), account_class=another, caption=other)
    assert rules.belongs(case, content) == (one == other and account == another)


@given(st.sampled_from(VerdictKind), st.none() | st.sampled_from(VerdictReason), st.booleans(), st.booleans())
def test_people_are_told_why_they_look(
    verdict: VerdictKind, reason: VerdictReason | None, exact: bool, matched: bool
) -> None:
    why = rules.reason_of(verdict, reason, exact=exact, matched=matched)
    assert (why is Reason.UNCHECKED) == (verdict is VerdictKind.UNCHECKED)
    if why in {Reason.EXACT_MATCH, Reason.LOOK_ALIKE}:
        assert matched
        assert (why is Reason.EXACT_MATCH) == exact


urgencies = st.builds(
    Urgency,
    reason=st.sampled_from(Reason),
    account_class=st.sampled_from(AccountClass),
    reach=st.integers(0, 10**7),
    distance=st.none() | st.integers(0, PDQ_RADIUS),
    reports=st.integers(0, 30),
    trusted_reports=st.integers(0, 5),
)
moments = st.integers(0, 10**6).map(lambda minutes: NOW - timedelta(minutes=minutes))


@given(moments, urgencies)
def test_the_explanation_adds_up_to_the_place(opened_at: datetime, urgency: Urgency) -> None:
    starts = rules.head_starts(urgency)
    assert all(hours > 0 for _, hours in starts), "what weighs nothing is not named"
    assert len({cause for cause, _ in starts}) == len(starts), "each cause is named once"
    assert rules.place(opened_at, urgency) + sum((timedelta(hours=hours) for _, hours in starts), timedelta()) == (
        opened_at
    )


@given(urgencies)
def test_each_part_of_the_explanation_is_what_it_says(urgency: Urgency) -> None:
    starts = dict(rules.head_starts(urgency))
    assert (starts.get(HeadStart.WIDEST_REACH), starts.get(HeadStart.WIDE_REACH)) == (
        (48, None) if urgency.reach >= 100_000 else (None, 24) if urgency.reach >= 10_000 else (None, None)
    )
    exact = urgency.reason in {Reason.EXACT_MATCH, Reason.DECIDED_BEFORE}
    assert starts.get(HeadStart.EXACT) == (12 if exact else None)
    alike = urgency.reason is Reason.LOOK_ALIKE and urgency.distance is not None
    near = alike and urgency.distance is not None and urgency.distance <= 15
    assert starts.get(HeadStart.NEAR) == (8 if near else None)
    assert starts.get(HeadStart.FAR) == (2 if alike and not near else None)
    assert starts.get(HeadStart.TRUSTED_REPORTS, 0) == min(12 * urgency.trusted_reports, 24)
    assert starts.get(HeadStart.REPORTS, 0) <= 12
    assert (HeadStart.REPORTS in starts) == (urgency.reports > 0)
    assert starts.get(HeadStart.PROTECTED_ACCOUNT) == (24 if urgency.account_class.protected else None)
    assert starts.get(HeadStart.SIGNAL_WITHDRAWN) == (24 if urgency.reason is Reason.SIGNAL_WITHDRAWN else None)
    assert set(starts) <= set(HeadStart)


@given(moments, urgencies, st.data())
def test_more_of_any_cause_never_moves_a_case_back(opened_at: datetime, urgency: Urgency, data: st.DataObject) -> None:
    more = data.draw(
        st.sampled_from(
            [
                replace(urgency, reach=urgency.reach + data.draw(st.integers(1, 10**6))),
                replace(urgency, reports=urgency.reports + 1),
                replace(urgency, trusted_reports=urgency.trusted_reports + 1),
                replace(urgency, account_class=AccountClass.PRESS),
                replace(urgency, distance=max(0, (urgency.distance or 0) - 1)),
            ]
        )
    )
    assert rules.place(opened_at, more) <= rules.place(opened_at, urgency)
    earlier = opened_at - timedelta(minutes=data.draw(st.integers(1, 10**5)))
    assert rules.place(earlier, urgency) < rules.place(opened_at, urgency), "an hour of waiting is an hour"


@given(moments, urgencies, moments, urgencies)
def test_nothing_starves(one: datetime, urgent: Urgency, other: datetime, waiting: Urgency) -> None:
    """However urgent what comes in, a case that waited some days longer is before it."""
    if one - other >= timedelta(days=8):
        assert rules.place(other, waiting) < rules.place(one, urgent)


places = st.tuples(
    st.none() | st.integers(0, 5).map(lambda hours: NOW + timedelta(hours=hours)),
    st.integers(0, 5).map(lambda hours: NOW - timedelta(hours=hours)),
    st.integers(0, 5).map(lambda which: made.number(CaseId, which)),
)


@given(st.lists(places, max_size=12, unique_by=lambda entry: entry[2]), st.randoms())
def test_the_order_is_one_and_holds_come_first(
    entries: list[tuple[datetime | None, datetime, CaseId]], random: Any
) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    ordered = sorted(shuffled, key=lambda entry: rules.turn(*entry))
    assert ordered == sorted(entries, key=lambda entry: rules.turn(*entry)), "no two stand at the same place"
    for (until, place, _), (later, behind, _) in pairwise(ordered):
        if until is None:
            assert later is None, "a hold is never behind what holds nobody"
            assert place <= behind
        elif later is not None:
            assert (until, place) <= (later, behind)


def on(until: datetime | None, *, by: int = 1, state: State = State.OPEN) -> Case:
    return replace(made.case(1, state=state), claimed_by=made.person(by), claimed_until=until)


def test_a_claim_keeps_others_away_while_it_runs() -> None:
    running, over = on(NOW + timedelta(minutes=3)), on(NOW)
    rules.check_free(running, made.person(1), NOW)
    rules.check_free(over, made.person(2), NOW)
    rules.check_free(made.case(1), made.person(2), NOW)
    with pytest.raises(WrongState, match=r"until 12:03 UTC: take the next one"):
        rules.check_free(running, made.person(2), NOW)


def test_who_may_claim() -> None:
    rules.check_claim(made.case(1), made.person(1), NOW, others=4)
    with pytest.raises(WrongState, match="on 5 cases already"):
        rules.check_claim(made.case(1), made.person(1), NOW, others=5)
    for state in (State.DECIDED, State.CLOSED):
        with pytest.raises(WrongState, match="no longer possible"):
            rules.check_claim(on(None, state=state), made.person(1), NOW, others=0)
    with pytest.raises(WrongState, match="Someone is on this case"):
        rules.check_claim(on(NOW + rules.CLAIM_LIFE), made.person(2), NOW, others=0)
    rules.check_claim(on(NOW + rules.CLAIM_LIFE), made.person(1), NOW, others=4)
