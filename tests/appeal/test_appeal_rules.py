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
from tidegate.decision.model import Measure
from tidegate.kernel.errors import Malformed, RuleBroken, WrongState
from tidegate.kernel.ids import AppealId, ContentId, NoticeId, SignalId


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


# --- what would follow ---

CONTENTS = (made.number(ContentId, 1), made.number(ContentId, 2))


@st.composite
def present(draw: st.DrawFn) -> rules.Restrictions:
    decided = draw(st.booleans())
    measure = draw(st.sampled_from([measure for measure in Measure if measure.restricts]))
    restricted = draw(st.sets(st.sampled_from(CONTENTS)))
    return rules.Restrictions(
        decision=replace(made.decision(voters=(1, 2)), measure=measure) if decided else None,
        restricted=sorted(restricted) if decided else [],
        signals=[made.number(SignalId, which) for which in range(draw(st.integers(0, 2)))] if decided else [],
        held=draw(st.booleans()),
        reports={content: draw(st.integers(0, 3)) for content in CONTENTS},
    )


@given(present())
def test_upheld_changes_nothing(given_: rules.Restrictions) -> None:
    assert rules.consequences(Outcome.UPHELD, appeal(), given_).nothing


@given(present())
def test_an_allowed_use_brings_back_this_content_and_leaves_what_is_known(given_: rules.Restrictions) -> None:
    then = rules.consequences(Outcome.USE_ALLOWED, appeal(), given_)
    assert then.signals_withdrawn == 0
    assert then.shown_again <= 1
    if given_.decision is not None:
        assert then.shown_again == int(appeal().content in given_.restricted)
        assert then.account_back is (given_.decision.measure.on_account and bool(then.shown_again))


@given(present())
def test_not_terrorist_undoes_all_that_rested_on_the_decision(given_: rules.Restrictions) -> None:
    then = rules.consequences(Outcome.NOT_TERRORIST, appeal(), given_)
    if given_.decision is None:
        assert then.hold_ends is given_.held
        return
    assert then.shown_again == len(given_.restricted)
    assert then.signals_withdrawn == len(given_.signals)
    assert then.reports_answered == sum(given_.reports[content] for content in given_.restricted)


@pytest.mark.parametrize(
    ("words", "pictures", "field"),
    [("", 0, "words"), ("x" * (rules.MOST_WORDS + 1), 0, "words"), ("Well.", rules.MOST_EVIDENCE + 1, "files")],
)
def test_a_complaint_says_something_and_brings_few_pictures(words: str, pictures: int, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        rules.check_complaint(words, pictures)
    assert refused.value.reference == field
    rules.check_complaint("x" * rules.MOST_WORDS, rules.MOST_EVIDENCE)
