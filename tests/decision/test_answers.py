"""What follows from a form's answers, and what never does (floor rule 3)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from tidegate.decision.answers import Answers, Question, ballot_of, fill_in, unanswered
from tidegate.decision.model import LABELS, Exempt, Ground, Measure, Provision, Shown
from tidegate.decision.rules import check_reasons
from tidegate.kernel.errors import Malformed, TidegateError
from tidegate.kernel.ids import ContentId
from tidegate.signal.model import Label

SHOWN = (Shown(made.number(ContentId, 1), 1),)


@st.composite
def answers(draw: st.DrawFn) -> Answers:
    provision = draw(st.none() | st.sampled_from(Provision))
    return Answers(
        measure=draw(st.none() | st.sampled_from(Measure)),
        exempt=draw(st.none() | st.sampled_from(Exempt)),
        ground=draw(st.none() | st.sampled_from(Ground)),
        provision=provision,
        none_broken=provision is None and draw(st.booleans()),
        label=draw(st.none() | st.sampled_from(Label)),
        shown=draw(st.sampled_from([(), SHOWN])),
        words=draw(st.sampled_from(["", "Because."])),
    )


@given(answers())
def test_rule_3_what_was_answered_is_never_changed(given_: Answers) -> None:
    filled = fill_in(given_)
    for name in ("measure", "exempt", "ground", "provision", "label"):
        assert getattr(given_, name) in {None, getattr(filled, name)}
    assert (filled.shown, filled.words) == (given_.shown, given_.words)
    assert fill_in(filled) == filled


@given(answers())
def test_rule_3_nothing_is_restricted_unless_a_person_says_so(given_: Answers) -> None:
    filled = fill_in(given_)
    if given_.measure is None:
        assert filled.measure in {None, Measure.KEEP}
    assert filled.exempt is given_.exempt, "the exception question is answered by people"
    assert filled.label is given_.label
    if given_.ground is None and filled.ground is not None:
        assert given_.provision is not None
        assert filled.ground is given_.provision.ground


@given(answers())
def test_a_form_without_an_open_question_is_a_whole_vote_and_no_other_is(given_: Answers) -> None:
    question = unanswered(given_)
    try:
        ballot = ballot_of(given_)
        check_reasons(ballot)
    except TidegateError:
        assert question is not None
        return
    assert question in {None, Question.SHOWN}
    assert (question is None) is bool(ballot.shown)


@given(answers())
def test_questions_are_asked_in_the_order_of_the_form(given_: Answers) -> None:
    question = unanswered(given_)
    if question is Question.EXEMPT:
        assert given_.exempt is None
        assert given_.provision or given_.none_broken or given_.measure is Measure.KEEP
    if question is Question.LABEL:
        assert given_.label is None
        assert given_.exempt is Exempt.NONE


def test_breaking_no_rule_keeps_it_up() -> None:
    empty = Answers(
        measure=None, exempt=None, ground=None, provision=None, none_broken=False, label=None, shown=SHOWN, words=""
    )
    assert unanswered(empty) is Question.PROVISION
    with pytest.raises(Malformed, match="Choose measure"):
        ballot_of(empty)
    none_broken = replace(empty, none_broken=True, exempt=Exempt.NONE)
    assert unanswered(none_broken) is None
    assert ballot_of(none_broken).measure is Measure.KEEP


def test_every_provision_has_labels_that_are_of_the_closed_list() -> None:
    assert set(LABELS) == set(Provision)
    assert all(labels and set(labels) <= set(Label) for labels in LABELS.values())
    assert {label for labels in LABELS.values() for label in labels} == set(Label)
