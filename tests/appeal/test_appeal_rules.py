"""How complaints are decided: by other people, and as many as decided."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW, person
from tidegate.appeal import rules
from tidegate.appeal.model import Appeal, Outcome, State
from tidegate.kernel.errors import RuleBroken, WrongState
from tidegate.kernel.ids import AppealId, ContentId, NoticeId


def appeal(*found: Outcome, state: State = State.OPEN) -> Appeal:
    return Appeal(
        id=made.number(AppealId, 1),
        notice=made.number(NoticeId, 1),
        content=made.number(ContentId, 1),
        state=state,
        outcome=None,
        opened_at=NOW,
        due_at=NOW + rules.DUE_IN,
        evidence=0,
        votes=tuple((person(10 + place), each) for place, each in enumerate(found)),
    )


votes = st.lists(st.sampled_from(Outcome), max_size=5)
people = st.integers(0, 3)


@given(votes, people)
def test_rule_6_as_many_as_decided_must_agree(found: list[Outcome], needed: int) -> None:
    agreed = rules.outcome(appeal(*found), needed)
    count = Counter(found)
    for_person = count[Outcome.NOT_TERRORIST] + count[Outcome.USE_ALLOWED]
    if agreed is Outcome.UPHELD:
        assert count[Outcome.UPHELD] >= max(needed, 1)
    elif agreed is Outcome.NOT_TERRORIST:
        assert count[Outcome.NOT_TERRORIST] >= max(needed, 1)
    elif agreed is Outcome.USE_ALLOWED:
        assert for_person >= max(needed, 1)


@given(votes, people)
def test_rule_6_one_judge_never_overrules_another(found: list[Outcome], needed: int) -> None:
    agreed = rules.outcome(appeal(*found), needed)
    upheld = Counter(found)[Outcome.UPHELD]
    for_person = len(found) - upheld
    if agreed is Outcome.UPHELD and for_person:
        assert upheld >= 2
    if agreed in {Outcome.USE_ALLOWED, Outcome.NOT_TERRORIST} and upheld:
        assert for_person >= 2


@given(st.lists(st.sampled_from(Outcome), max_size=3), people)
def test_who_judged_first_does_not_matter(found: list[Outcome], needed: int) -> None:
    assert len({rules.outcome(appeal(*order), needed) for order in permutations(found)}) == 1


def test_the_narrower_of_two_ways_to_be_right_stands() -> None:
    both = appeal(Outcome.NOT_TERRORIST, Outcome.USE_ALLOWED)
    assert rules.outcome(both, 2) is Outcome.USE_ALLOWED
    assert rules.outcome(appeal(Outcome.NOT_TERRORIST, Outcome.NOT_TERRORIST), 2) is Outcome.NOT_TERRORIST
    assert rules.outcome(appeal(Outcome.NOT_TERRORIST), 2) is None


@given(st.integers(1, 4), st.text(max_size=8))
def test_rule_6_nobody_judges_what_they_decided_and_everyone_gives_reasons(judge: int, words: str) -> None:
    decision = made.decision(voters=(1, 2))
    fine = judge not in {1, 2} and bool(words.strip())
    if fine:
        rules.check_judge(appeal(), [decision], person(judge), words)
    else:
        with pytest.raises(RuleBroken) as refusal:
            rules.check_judge(appeal(), [decision], person(judge), words)
        assert refusal.value.reference == "rule 6"


def test_rule_6_nobody_judges_twice() -> None:
    with pytest.raises(RuleBroken, match="already"):
        rules.check_judge(appeal(Outcome.UPHELD), [], person(10), "reasons")
    rules.check_judge(appeal(Outcome.UPHELD), [], person(11), "reasons")


def test_a_decided_complaint_takes_no_judgement() -> None:
    with pytest.raises(WrongState):
        rules.check_judge(appeal(state=State.DECIDED), [], person(5), "reasons")


@given(st.booleans(), st.booleans(), st.integers(-3, 3))
def test_a_complaint_is_taken_once_and_in_time(open_already: bool, decided_already: bool, days: int) -> None:
    now = NOW + timedelta(days=days)

    def file() -> None:
        rules.check_filing(complaint_until=NOW, open_already=open_already, decided_already=decided_already, now=now)

    if open_already or decided_already or days > 0:
        with pytest.raises(WrongState):
            file()
    else:
        file()


@given(made.times)
def test_a_complaint_is_late_after_two_weeks(opened: datetime) -> None:
    filed = replace(appeal(), opened_at=opened, due_at=opened + rules.DUE_IN)
    assert not rules.late(filed, opened + timedelta(weeks=2))
    assert rules.late(filed, opened + timedelta(weeks=2, microseconds=1))
    assert not rules.late(replace(filed, state=State.DECIDED), opened + timedelta(weeks=9))
