"""Which content is looked at together, and in which order."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW
from tidegate.case import rules
from tidegate.case.model import Case, Reason
from tidegate.content.model import AccountClass
from tidegate.kernel.ids import CaseId
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


entries = st.lists(
    st.tuples(
        st.none() | st.integers(0, 5).map(lambda hours: NOW + timedelta(hours=hours)),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=8,
)


@given(entries)
def test_what_lapses_soonest_comes_first_then_reach_then_age(
    given_: list[tuple[datetime | None, int, int]],
) -> None:
    cases: list[tuple[Case, datetime | None, int]] = [
        (
            replace(made.case(1), id=made.number(CaseId, place), opened_at=NOW - timedelta(hours=age)),
            until,
            reach,
        )
        for place, (until, reach, age) in enumerate(given_)
    ]
    ordered = rules.by_urgency(cases)
    assert sorted(case.id for case in ordered) == sorted(case.id for case, _, _ in cases), "none is lost"
    facts = {case.id: (until, reach, case.opened_at) for case, until, reach in cases}
    for before, after in pairwise(ordered):
        (until, reach, opened), (later, less, newer) = facts[before.id], facts[after.id]
        if (until, later) == (None, None) or until == later:
            assert (-reach, opened) <= (-less, newer)
        else:
            assert until is not None, "a hold is never behind what holds nobody"
            assert later is None or until < later
