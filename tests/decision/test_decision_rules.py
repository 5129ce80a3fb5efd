"""How people decide: enough of them, each once, about what they saw."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW, person
from tidegate.case.model import State as CaseState
from tidegate.content.model import AccountClass, Content, Standing
from tidegate.decision import rules
from tidegate.decision.model import (
    Ballot,
    Exempt,
    Ground,
    Measure,
    Provision,
    Shown,
    State,
    Vote,
)
from tidegate.decision.policy import LONGEST_UNDO, MOST_ALONE, WIDEST_ALONE, Policy
from tidegate.kernel.errors import ConfigurationError, Malformed, RuleBroken, WrongState
from tidegate.kernel.ids import ContentId, VoteId
from tidegate.signal.model import Label


def shown(which: int, revision: int = 1) -> Shown:
    return Shown(made.number(ContentId, which), revision)


@st.composite
def matters(draw: st.DrawFn) -> rules.Matter:
    count = draw(st.integers(1, 4))
    contents = [
        made.content(
            which,
            account_class=draw(st.sampled_from([AccountClass.ORDINARY, AccountClass.ORDINARY, AccountClass.PRESS])),
            reach=draw(st.sampled_from([0, 10, 99_999, 100_000, 5_000_000])),
        )
        for which in range(1, count + 1)
    ]
    return rules.Matter(
        case=made.case(*range(1, count + 1)),
        contents=contents,
        signal_confirmed=draw(st.booleans()),
        policy=Policy(wide_reach=draw(st.sampled_from([0, 5, 100, WIDEST_ALONE]))),
    )


@st.composite
def matters_with_votes(draw: st.DrawFn) -> tuple[rules.Matter, list[Vote]]:
    matter = draw(matters())
    every = [shown(which) for which in range(1, len(matter.contents) + 1)]
    votes = [
        Vote(
            id=made.number(VoteId, voter),
            voter=person(voter),
            measure=draw(st.sampled_from(Measure)),
            ground=Ground.LAW,
            provision=Provision.TCO_2_7_A,
            exempt=Exempt.NONE,
            label=Label.INCITES,
            shown=tuple(draw(st.lists(st.sampled_from(every), min_size=1, unique=True))),
        )
        for voter in range(1, 1 + draw(st.integers(0, 4)))
    ]
    return matter, votes


def seen(matter: rules.Matter, vote: Vote) -> list[Content]:
    return [content for content in matter.contents if any(content.id == item.content for item in vote.shown)]


@given(matters_with_votes())
def test_rule_4_a_decision_needs_enough_people_who_agree(given_: tuple[rules.Matter, list[Vote]]) -> None:
    matter, votes = given_
    agreed = rules.outcome(matter, votes)
    if agreed is None:
        return
    voters = {vote.voter for vote in agreed.votes}
    assert len(voters) == len(agreed.votes), "a vote is never counted twice"
    assert all(vote in votes and vote.measure is agreed.measure for vote in agreed.votes)
    needed = max(rules.people_needed(matter, vote.measure, seen(matter, vote)) for vote in votes)
    assert len(voters) >= needed
    assert agreed.people >= needed
    assert len(voters) >= agreed.people


@given(matters_with_votes())
def test_rule_4_one_person_never_overrules_another(given_: tuple[rules.Matter, list[Vote]]) -> None:
    matter, votes = given_
    agreed = rules.outcome(matter, votes)
    if agreed is not None and len(agreed.votes) < len(votes):
        assert len(agreed.votes) >= 2, "two who disagree are joined by a third"


@given(matters_with_votes())
def test_a_decision_covers_what_all_who_made_it_saw(given_: tuple[rules.Matter, list[Vote]]) -> None:
    matter, votes = given_
    agreed = rules.outcome(matter, votes)
    if agreed is not None:
        for vote in agreed.votes:
            assert set(agreed.contents) <= set(vote.shown)
        assert list(agreed.contents) == sorted(set(agreed.contents))


@given(matters_with_votes())
def test_who_came_first_does_not_matter(given_: tuple[rules.Matter, list[Vote]]) -> None:
    matter, votes = given_
    if len(votes) > 3:
        return
    outcomes = {
        (agreed.measure, agreed.people) if (agreed := rules.outcome(matter, order)) else None
        for order in permutations(votes)
    }
    assert len(outcomes) == 1


@given(matters(), st.sampled_from(Measure), st.data())
def test_rule_4_more_at_stake_never_needs_fewer(matter: rules.Matter, measure: Measure, data: st.DataObject) -> None:
    contents = list(matter.contents)
    needed = rules.people_needed(matter, measure, contents)
    part = contents[: data.draw(st.integers(0, len(contents)))]
    assert rules.people_needed(matter, measure, part) <= needed
    wider = [replace(content, reach=content.reach + 1_000_000) for content in contents]
    assert rules.people_needed(matter, measure, wider) >= needed
    protected = [replace(content, account_class=AccountClass.PRESS) for content in contents]
    assert rules.people_needed(matter, measure, protected) == 2
    stricter = replace(matter, policy=Policy(wide_reach=matter.policy.wide_reach // 2))
    assert rules.people_needed(stricter, measure, contents) >= needed
    unknown = replace(matter, signal_confirmed=False)
    assert rules.people_needed(unknown, measure, contents) >= needed
    if measure.on_account or (measure.restricts and not matter.signal_confirmed):
        assert needed == 2


@given(st.integers(0, 120))
def test_rule_4_more_than_fifty_at_once_need_two(count: int) -> None:
    many = [made.content(which) for which in range(count)]
    matter = rules.Matter(case=made.case(), contents=many, signal_confirmed=True, policy=Policy())
    assert rules.people_needed(matter, Measure.REMOVE, many) == (2 if count > MOST_ALONE else 1)


GOOD = Ballot(
    measure=Measure.REMOVE,
    exempt=Exempt.NONE,
    ground=Ground.LAW,
    provision=Provision.TCO_2_7_D,
    label=Label.INSTRUCTS,
    shown=(shown(1),),
    words="",
)


def one_matter(state: CaseState = CaseState.OPEN) -> rules.Matter:
    return rules.Matter(
        case=made.case(1, 2, state=state),
        contents=[made.content(1), made.content(2)],
        signal_confirmed=False,
        policy=Policy(),
    )


def vote_of(voter: int, measure: Measure = Measure.REMOVE) -> Vote:
    return Vote(
        id=made.number(VoteId, voter),
        voter=person(voter),
        measure=measure,
        ground=Ground.LAW,
        provision=Provision.TCO_2_7_D,
        exempt=Exempt.NONE,
        label=Label.INSTRUCTS,
        shown=(shown(1),),
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"exempt": None}, "rule 3"),
        ({"ground": None}, "rule 3"),
        ({"provision": None}, "rule 3"),
        ({"ground": Ground.HOUSE_RULE}, "rule 3"),
        ({"label": None}, "rule 14"),
        *(({"exempt": exempt}, "rule 3") for exempt in Exempt if exempt is not Exempt.NONE),
    ],
)
@pytest.mark.parametrize("measure", [measure for measure in Measure if measure.restricts])
def test_rule_3_a_vote_to_restrict_gives_every_reason(measure: Measure, change: dict[str, object], rule: str) -> None:
    ballot = replace(GOOD, measure=measure, **change)  # type: ignore[arg-type]  # by parameter
    with pytest.raises(RuleBroken) as refusal:
        rules.check_ballot(one_matter(), ballot, [], person(1), senior=True)
    assert refusal.value.reference == rule


def test_rule_3_a_vote_to_keep_still_answers_the_exception_question() -> None:
    keep = replace(GOOD, measure=Measure.KEEP, ground=None, provision=None, label=None)
    rules.check_ballot(one_matter(), keep, [], person(1), senior=False)
    rules.check_ballot(one_matter(), replace(keep, exempt=Exempt.NEWS), [], person(1), senior=False)
    with pytest.raises(RuleBroken, match="exception question"):
        rules.check_ballot(one_matter(), replace(keep, exempt=None), [], person(1), senior=False)


@given(st.integers(1, 3), st.booleans(), st.sampled_from(Measure))
def test_rule_4_nobody_votes_twice(others: int, senior: bool, measure: Measure) -> None:
    votes = [vote_of(voter, Measure.KEEP) for voter in range(1, others + 1)]
    with pytest.raises(RuleBroken, match="voted on this case already"):
        rules.check_ballot(one_matter(), replace(GOOD, measure=measure), votes, person(1), senior=senior)


def test_rule_4_a_third_vote_is_a_senior_reviewers() -> None:
    votes = [vote_of(1), vote_of(2, Measure.KEEP)]
    with pytest.raises(RuleBroken, match="senior reviewer"):
        rules.check_ballot(one_matter(), GOOD, votes, person(3), senior=False)
    rules.check_ballot(one_matter(), GOOD, votes, person(3), senior=True)


@pytest.mark.parametrize("state", [CaseState.DECIDED, CaseState.CLOSED])
def test_a_case_that_is_over_takes_no_vote(state: CaseState) -> None:
    with pytest.raises(WrongState, match="no longer possible"):
        rules.check_ballot(one_matter(state), GOOD, [], person(1), senior=True)


@pytest.mark.parametrize("view", [(), (shown(3),), (shown(1), shown(3)), (shown(1, 2),), (shown(1, 0),)])
def test_nobody_decides_about_what_is_not_in_the_case_now(view: tuple[Shown, ...]) -> None:
    with pytest.raises(Malformed, match="reload the case"):
        rules.check_ballot(one_matter(), replace(GOOD, shown=view), [], person(1), senior=True)


DECISION = made.decision(voters=(1, 2))


@given(st.integers(-120, 120), st.sampled_from(State), st.integers(1, 3))
def test_a_decision_can_be_undone_in_time_by_its_own_people_or_issued_never_both(
    seconds: int, state: State, who: int
) -> None:
    now = NOW + timedelta(seconds=seconds)
    decision = replace(DECISION, state=state)
    try:
        rules.check_undo(decision, person(who), now)
    except (WrongState, RuleBroken):
        undone = False
    else:
        undone = True
    assert undone == (state is State.MADE and who != 3 and seconds < 60)
    assert rules.may_issue(decision, now) == (state is State.MADE and seconds >= 60)
    assert not (undone and rules.may_issue(decision, now))


@st.composite
def later_contents(draw: st.DrawFn) -> list[Content]:
    return [
        made.content(
            which,
            revision=draw(st.integers(1, 2)),
            account_class=draw(st.sampled_from([AccountClass.ORDINARY, AccountClass.PRESS])),
            caption=draw(st.sampled_from([b"words", b"other words"])),
            standing=draw(st.sampled_from(Standing)),
        )
        for which in range(1, 1 + draw(st.integers(0, 4)))
    ]


@given(later_contents(), st.sets(st.integers(1, 4)))
def test_what_changed_before_it_was_issued_is_not_covered(contents: list[Content], members: set[int]) -> None:
    covered = rules.covered_at_issue(made.case(*members), DECISION, contents)
    assert set(covered) <= set(DECISION.contents)
    by_id = {content.id: content for content in contents}
    for item in covered:
        content = by_id[item.content]
        assert content.revision == item.revision
        assert content.caption == b"words"
        assert content.account_class is AccountClass.ORDINARY
        assert content.standing is not Standing.ERASED
        assert content.id in made.case(*members).members


@given(st.integers(-10, 10**9), st.floats(-10, 10**4))
def test_rule_4_a_policy_is_never_laxer_than_the_floor(wide: int, undo: float) -> None:
    good = 0 <= wide <= WIDEST_ALONE and 0 <= undo <= LONGEST_UNDO.total_seconds()
    if good:
        assert Policy(wide_reach=wide, undo_for=timedelta(seconds=undo)).wide_reach <= WIDEST_ALONE
    elif timedelta(seconds=undo) not in (timedelta(), LONGEST_UNDO):
        with pytest.raises(ConfigurationError):
            Policy(wide_reach=wide, undo_for=timedelta(seconds=undo))


def test_each_provision_has_its_ground() -> None:
    assert {provision.ground for provision in Provision} == set(Ground)
    assert all((provision.ground is Ground.LAW) == provision.value.startswith("tco_") for provision in Provision)
