"""What a machine may answer: no combination of facts lets it do more than the floor allows."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW
from tidegate.content.model import AccountClass, Surface
from tidegate.kernel.ids import ContentId
from tidegate.match.model import QUALITY_FLOOR
from tidegate.signal.model import FingerprintKind, Label, Signal, Standing
from tidegate.signal.rules import may_hold, proposes
from tidegate.verdict import rules
from tidegate.verdict.model import HOLDS, Hold, HoldState, Reason, Verdict, VerdictKind
from tidegate.verdict.rules import LONGEST_HOLD, Facts, judge

DAY = timedelta(hours=24)
minutes = st.integers(1, 2000).map(lambda count: timedelta(minutes=count))


def held(facts: Facts) -> bool:
    return judge(facts, NOW).kind is VerdictKind.HOLD


@given(made.facts())
def test_rule_1_a_hold_ends_within_a_day(facts: Facts) -> None:
    verdict = judge(facts, NOW)
    assert (verdict.kind is VerdictKind.HOLD) == (verdict.held_until is not None)
    if verdict.held_until is not None:
        assert NOW < verdict.held_until <= NOW + min(facts.hold_for, DAY)


@given(made.facts(), st.sampled_from([account for account in AccountClass if account.protected]))
def test_rule_1_a_protected_account_is_never_held(facts: Facts, account: AccountClass) -> None:
    assert not held(replace(facts, account_class=account))


@given(made.facts())
def test_rule_13_a_closed_group_is_never_held(facts: Facts) -> None:
    assert not held(replace(facts, surface=Surface.CLOSED_GROUP))


@pytest.mark.parametrize("kind", [FingerprintKind.TEXT, FingerprintKind.URL, FingerprintKind.DOMAIN])
@given(facts=made.facts(), known=made.signals(1))
def test_rule_1_words_and_links_are_never_held_for_what_they_are_like(
    kind: FingerprintKind, facts: Facts, known: Signal
) -> None:
    # Whatever else is true: two of our people stand behind it, look-alikes may be held, and there is detail enough.
    signal = replace(
        known,
        kind=kind,
        labels=frozenset({Label.INCITES}),
        standing=Standing.CONFIRMED,
        own_people=True,
        disputed=False,
    )
    alike = replace(
        facts,
        matches=(made.match_with(signal),),
        signals=(signal,),
        fingerprints=replace(facts.fingerprints, quality=100),
        removed_as=frozenset(),
        look_alike_holds=True,
    )
    assert judge(alike, NOW).kind is VerdictKind.REVIEW


@given(made.facts())
def test_rule_1_nothing_but_exact_bytes_is_held_while_look_alikes_are_off(facts: Facts) -> None:
    alike = tuple(match for match in facts.matches if not match.exact)
    assert not held(replace(facts, matches=alike, removed_as=frozenset(), look_alike_holds=False))


@given(made.facts())
def test_rule_1_a_hold_says_what_it_rests_on_and_that_is_solid(facts: Facts) -> None:
    verdict = judge(facts, NOW)
    if verdict.kind is not VerdictKind.HOLD:
        return
    standing = {signal.id: signal for signal in facts.signals}
    solid = [match for match in verdict.matches if may_hold(standing[match.signal])]
    if verdict.reason is Reason.DECIDED_BEFORE:
        assert facts.removed_as - {Label.GLORIFIES}
    elif verdict.reason is Reason.EXACT_MATCH:
        assert any(match.exact for match in solid)
    else:
        assert verdict.reason is Reason.LOOK_ALIKE
        assert facts.look_alike_holds
        assert solid
        assert facts.fingerprints.quality >= QUALITY_FLOOR


@given(made.facts())
def test_rule_1_what_is_disputed_is_not_held(facts: Facts) -> None:
    exact = tuple(match for match in facts.matches if match.exact)
    disputed = [replace(signal, disputed=True) for signal in facts.signals]
    known = {signal.id for signal in disputed}
    if any(match.signal in known for match in exact):
        assert not held(replace(facts, signals=disputed, matches=exact))
    assert not held(replace(facts, signals=disputed, removed_as=frozenset()))


@given(made.facts())
def test_rule_1_glorification_alone_is_not_held(facts: Facts) -> None:
    only = [replace(signal, labels=frozenset({Label.GLORIFIES})) for signal in facts.signals]
    assert not held(replace(facts, signals=only, removed_as=frozenset({Label.GLORIFIES})))
    assert not held(replace(facts, signals=only, removed_as=frozenset()))


@given(made.facts())
def test_rule_15_what_nobody_confirmed_is_not_held(facts: Facts) -> None:
    for standing in (Standing.UNCONFIRMED, Standing.WITHDRAWN):
        signals = [replace(signal, standing=standing) for signal in facts.signals]
        assert not held(replace(facts, signals=signals, removed_as=frozenset()))
    alone = [replace(signal, own_people=False, members=min(signal.members, 1)) for signal in facts.signals]
    assert not held(replace(facts, signals=alone, removed_as=frozenset()))


@given(made.facts())
def test_rule_1_what_lapsed_or_was_released_a_machine_never_holds_again(facts: Facts) -> None:
    for state in (HoldState.LAPSED, HoldState.RELEASED):
        ended = Hold(
            content=made.number(ContentId, 1),
            revision=1,
            started_at=NOW - DAY,
            expires_at=NOW,
            ended_at=NOW - DAY,
            state=state,
        )
        assert not held(replace(facts, holds=(*facts.holds, ended)))


@given(made.facts())
def test_rule_2_what_could_not_be_checked_is_never_clear(facts: Facts) -> None:
    verdict = judge(facts, NOW)
    if facts.unchecked is not None:
        assert verdict.kind is not VerdictKind.CLEAR
    if verdict.kind is VerdictKind.UNCHECKED:
        assert facts.unchecked is not None
        assert verdict.reason == facts.unchecked.value
    if verdict.kind is VerdictKind.CLEAR:
        assert facts.unchecked is None
        assert verdict.reason is None


@given(made.facts())
def test_rule_2_exact_bytes_are_matched_whether_or_not_they_could_be_decoded(facts: Facts) -> None:
    readable = judge(replace(facts, unchecked=None), NOW)
    if readable.kind is not VerdictKind.CLEAR:
        assert judge(facts, NOW) == readable


@given(made.facts())
def test_a_clear_answer_means_that_nothing_that_stands_was_met(facts: Facts) -> None:
    standing = {signal.id for signal in facts.signals if proposes(signal)}
    met = bool(facts.removed_as) or any(match.signal in standing for match in facts.matches)
    verdict = judge(facts, NOW)
    assert (verdict.kind in {VerdictKind.REVIEW, VerdictKind.HOLD}) == met
    assert all(match.signal in standing for match in verdict.matches)
    assert verdict.position == facts.position


@given(made.facts())
def test_taking_power_away_never_makes_a_hold(facts: Facts) -> None:
    """Whatever is taken from a machine's grounds, what was not held before is not held then."""
    if held(facts):
        return
    weaker = [
        replace(facts, look_alike_holds=False),
        replace(facts, removed_as=frozenset()),
        replace(facts, fingerprints=replace(facts.fingerprints, quality=0)),
        replace(facts, hold_for=facts.hold_for / 2),
        replace(facts, signals=[replace(signal, disputed=True) for signal in facts.signals]),
    ]
    assert not any(held(weak) for weak in weaker)


@given(made.facts(), made.holds())
def test_a_longer_past_never_gives_a_longer_hold(facts: Facts, more: Hold) -> None:
    before = rules.held_until(facts.holds, NOW, facts.hold_for)
    after = rules.held_until((*facts.holds, more), NOW, facts.hold_for)
    assert after is None or (before is not None and after <= before)


@given(st.lists(made.holds(), max_size=5))
def test_time_under_several_holds_at_once_counts_once(holds: list[Hold]) -> None:
    counted = rules.time_held(holds, NOW)
    spans = [(hold.started_at, hold.ended_at or min(hold.expires_at, NOW)) for hold in holds]
    by_hand = sum(
        any(start <= NOW - timedelta(minutes=minute) < end for start, end in spans) for minute in range(1, 3001)
    )
    assert counted == timedelta(minutes=by_hand)


actions = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "send", "sweep", "release", "confirm", "replace", "wait"]),
        minutes,
        st.integers(0, 9),
    ),
    max_size=25,
)


@given(actions, st.integers(1, 1440).map(lambda count: timedelta(minutes=count)))
def test_rule_1_no_sequence_of_anything_holds_longer_than_a_day(
    done: list[tuple[str, timedelta, int]], hold_for: timedelta
) -> None:
    """One uploader sends the same bytes again and again, as other contents, whatever becomes of each."""
    now, holds = NOW, list[Hold]()
    let_go = False
    for action, pause, which in done:
        if action == "wait":
            now += pause
            continue
        if action == "send":
            until = rules.held_until(holds, now, hold_for)
            assert until is None or not let_go, "what people or time let go is not held again"
            if until is not None:
                assert now < until <= now + LONGEST_HOLD
                running = [hold.expires_at for hold in holds if hold.state is HoldState.HELD]
                assert all(until <= other for other in running), "nothing is stretched"
                new = made.number(ContentId, len(holds))
                holds.append(
                    Hold(content=new, revision=1, started_at=now, expires_at=until, ended_at=None, state=HoldState.HELD)
                )
        elif action == "sweep":
            for place, hold in enumerate(holds):
                if rules.due_to_lapse(hold, now):
                    let_go = True
                    holds[place] = replace(hold, state=HoldState.LAPSED, ended_at=now)
        elif holds and (hold := holds[which % len(holds)]).state is HoldState.HELD:
            ends = {"release": HoldState.RELEASED, "confirm": HoldState.CONFIRMED, "replace": HoldState.REPLACED}
            let_go |= action == "release"
            holds[which % len(holds)] = replace(hold, state=ends[action], ended_at=now)
    # What the person felt: the platform ends each by its own clock, however late our sweep is.
    assert _felt([(hold.started_at, min(hold.ended_at or hold.expires_at, hold.expires_at)) for hold in holds]) <= min(
        hold_for, LONGEST_HOLD
    )


def _felt(spans: list[tuple[datetime, datetime]]) -> timedelta:
    total, reached = timedelta(), NOW
    for start, end in sorted(spans):
        total += max(end - max(start, reached), timedelta())
        reached = max(reached, end)
    return total


@given(st.integers(0, 600), st.integers(1, 1439))
def test_a_clock_set_back_stretches_no_hold(back: int, held_for: int) -> None:
    started = NOW
    running = Hold(
        content=made.number(ContentId, 1),
        revision=1,
        started_at=started,
        expires_at=started + DAY,
        ended_at=None,
        state=HoldState.HELD,
    )
    earlier = NOW + timedelta(minutes=held_for) - timedelta(minutes=back)
    until = rules.held_until([running], earlier, DAY)
    assert until is not None
    assert until <= running.expires_at
    assert not rules.due_to_lapse(running, earlier) or earlier >= running.expires_at
    assert rules.time_held([running], earlier) >= timedelta()


@given(made.facts(), st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_whatever_was_found_is_shown_to_people(facts: Facts, sample: float, share: float) -> None:
    verdict = judge(facts, NOW)
    shown = rules.shown_to_people(verdict, sample, share)
    if verdict.kind in {VerdictKind.HOLD, VerdictKind.REVIEW}:
        assert shown
    if verdict.kind is VerdictKind.CLEAR:
        assert not shown
    assert not (shown and rules.retried(verdict)), "what is tried again is not shown as well"


def test_each_unchecked_reason_is_either_retried_or_sampled() -> None:
    for reason in (Reason.UNDECODABLE, Reason.TOO_LARGE, Reason.TIMEOUT, Reason.ENGINE_DOWN):
        verdict = Verdict(kind=VerdictKind.UNCHECKED, reason=reason)
        assert rules.retried(verdict) != rules.shown_to_people(verdict, 0.0, 1.0)
        assert not rules.shown_to_people(verdict, 0.0, 0.0)


def test_a_hold_has_one_end() -> None:
    assert [state for state, following in HOLDS.items() if following] == [HoldState.HELD]
    assert set(HOLDS[HoldState.HELD].values()) == set(HoldState) - {HoldState.HELD}
