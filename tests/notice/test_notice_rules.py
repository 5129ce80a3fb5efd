"""What a statement of reasons holds: every point the law asks for, and the rule's text as it stood then."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from made import NOW
from tidegate.case.model import Reason as CaseReason
from tidegate.decision.model import DecisionIssued, Exempt, Measure, Provision
from tidegate.kernel.canonical import Json, canonical
from tidegate.kernel.ids import CaseId, ContentId, DecisionId
from tidegate.notice import policy_text, rules
from tidegate.signal.model import Label
from tidegate.verdict.model import Reason as VerdictReason
from tidegate.verdict.model import VerdictGiven, VerdictKind

#: Regulation (EU) 2022/2065 Article 17(3): point -> the fields that answer it.
DEMANDED = {
    "a": ("measure", "territory", "from", "until"),
    "b": ("content_kind", "surface", "found_by", "initiative"),
    "c": ("automated_detection", "automated_decision", "people"),
    "d and e": ("ground", "provision", "policy", "exempt"),
    "f": ("redress", "complaint_until"),
}


def issued(
    measure: Measure = Measure.REMOVE,
    provision: Provision = Provision.TCO_2_7_D,
    reason: CaseReason = CaseReason.FLAG,
    people: int = 2,
) -> DecisionIssued:
    return DecisionIssued(
        decision=made.number(DecisionId, 1),
        case=made.number(CaseId, 1),
        reason=reason,
        measure=measure,
        ground=provision.ground,
        provision=provision,
        exempt=Exempt.NONE,
        label=Label.INSTRUCTS,
        people=people,
        new_signal=True,
        contents=(),
    )


def hold(reason: VerdictReason = VerdictReason.EXACT_MATCH) -> VerdictGiven:
    return VerdictGiven(
        content=made.number(ContentId, 1),
        revision=1,
        verdict=VerdictKind.HOLD,
        reason=reason,
        position=1,
        matches=(),
        held_until=NOW + timedelta(hours=24),
        for_people=True,
    )


def complete(statement: dict[str, Json]) -> None:
    """Demand every point of Article 17(3), and nothing that needs more than JSON to be kept."""
    for point, fields in DEMANDED.items():
        for field in fields:
            assert field in statement, (point, field)
    assert statement["redress"] == ["complaint", "out_of_court", "court"]
    assert statement["territory"] == "everywhere"
    policy = statement["policy"]
    assert policy == policy_text.as_it_stands(Provision(str(statement["provision"])))
    canonical(statement)


measures = st.sampled_from([measure for measure in Measure if measure.restricts])


@given(measures, st.sampled_from(Provision), st.sampled_from(CaseReason), st.integers(1, 3))
def test_rule_5_a_decisions_statement_answers_every_point_of_the_law(
    measure: Measure, provision: Provision, reason: CaseReason, people: int
) -> None:
    statement = rules.statement_of_decision(made.content(1), issued(measure, provision, reason, people), NOW)
    complete(statement)
    assert statement["automated_decision"] is False
    assert statement["people"] == people
    assert statement["until"] is None
    assert statement["ground"] == provision.ground
    assert (statement["initiative"] == "report") is (reason is CaseReason.FLAG)
    assert statement["automated_detection"] is (reason not in {CaseReason.FLAG, CaseReason.UNCHECKED})


def test_rule_5_a_holds_statement_answers_every_point_of_the_law() -> None:
    statement = rules.statement_of_hold(made.content(1), hold(), NOW)
    complete(statement)
    assert statement["automated_decision"] is True
    assert statement["people"] == 0
    assert statement["exempt"] is None
    assert statement["until"] == (NOW + timedelta(hours=24)).isoformat()


def test_what_is_shown_before_a_vote_is_what_is_sent_after_it() -> None:
    sent = rules.statement_of_decision(made.content(1), issued(), NOW)
    shown = rules.statement_of_measure(
        made.content(1),
        Measure.REMOVE,
        reason=CaseReason.FLAG,
        provision=Provision.TCO_2_7_D,
        exempt=Exempt.NONE,
        people=2,
        now=NOW,
    )
    assert shown == sent


@pytest.mark.parametrize("provision", Provision)
def test_every_rule_has_its_text_in_both_languages(provision: Provision) -> None:
    text = policy_text.TEXTS[provision]
    for said in (text.en, text.zh):
        assert len(said) > 60
        assert said == said.strip()
    assert "真实目的" in text.zh
    assert "education, journalism, art or research" in text.en
    point = provision.value.removeprefix("tco_2_7_")
    if point in "abcde":
        assert f"2021/784, Article 2(7)({point})" in text.en
        assert f"2021/784 号条例第 2 条第 7 款 ({point})" in text.zh
    else:
        assert text.en.startswith("House rule")
    assert len({each.en for each in policy_text.TEXTS.values()}) == len(Provision)


@given(made.times, st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_days_left_count_the_day_under_way(now: datetime, left: timedelta) -> None:
    days = rules.days_left(now + left, now)
    assert (days == 0) is (left <= timedelta(0))
    if days:
        assert timedelta(days=days - 1) < left <= timedelta(days=days)


def test_the_window_to_complain_is_never_shorter_than_six_months() -> None:
    assert rules.complaint_until(NOW) - NOW >= timedelta(days=184)
    assert rules.days_left(rules.complaint_until(NOW), NOW) == 184
