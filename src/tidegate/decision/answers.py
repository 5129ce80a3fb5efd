"""A vote's form as it was sent, and the vote it makes.

May decide: what follows from an answer where only one is left to follow. Whether the vote counts, ``rules`` say.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from tidegate.decision.model import Ballot, Exempt, Ground, Measure, Provision, Shown
from tidegate.kernel.errors import Malformed
from tidegate.signal.model import Label


class Question(StrEnum):
    """What a vote must answer, in the order it is asked."""

    PROVISION = "provision"
    EXEMPT = "exempt"
    MEASURE = "measure"
    LABEL = "label"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A form as it was sent: what was left empty is None. ``none_broken`` answers that it breaks no rule."""

    measure: Measure | None
    exempt: Exempt | None
    ground: Ground | None
    provision: Provision | None
    none_broken: bool
    label: Label | None
    shown: tuple[Shown, ...]
    words: str


def fill_in(answers: Answers) -> Answers:
    """Fill what was left empty where only one answer is left; an answer that was given is never changed.

    The ground is the provision's. What breaks no rule, or what an exception applies to, stays up. That something is
    to be restricted is never filled in: a person says so.
    """
    ground, measure = answers.ground, answers.measure
    if ground is None and answers.provision is not None:
        ground = answers.provision.ground
    if measure is None and (answers.none_broken or answers.exempt not in {None, Exempt.NONE}):
        measure = Measure.KEEP
    return replace(answers, ground=ground, measure=measure)


def unanswered(answers: Answers) -> Question | None:
    """Say which question comes next before this is a whole vote; None when it is one."""
    filled = fill_in(answers)
    measure, provision = filled.measure, filled.provision
    if provision is None and not filled.none_broken and measure is not Measure.KEEP:
        return Question.PROVISION
    if filled.exempt is None:
        return Question.EXEMPT
    if measure is None:
        return Question.MEASURE
    if measure.restricts:
        if provision is None or filled.exempt is not Exempt.NONE:
            return Question.MEASURE
        if filled.ground is not provision.ground:
            return Question.PROVISION
        if filled.label is None:
            return Question.LABEL
    return None if filled.shown else Question.SHOWN


def ballot_of(answers: Answers) -> Ballot:
    """Make a vote of a form; ``check_ballot`` then accepts or refuses it.

    Raises:
        Malformed: nothing says what is to happen.
    """
    filled = fill_in(answers)
    if filled.measure is None:
        raise Malformed(f"Choose measure: one of {', '.join(Measure)}.", reference="measure")
    return Ballot(
        measure=filled.measure,
        exempt=filled.exempt,
        ground=filled.ground,
        provision=filled.provision,
        label=filled.label,
        shown=filled.shown,
        words=filled.words,
    )
