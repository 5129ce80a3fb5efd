"""Every life is a table: each state can be reached, and only the ones meant to be final are ends."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from tidegate.appeal.model import APPEALS
from tidegate.case.model import CASES
from tidegate.content.model import STANDINGS as CONTENT_STANDINGS
from tidegate.decision.model import DECISIONS
from tidegate.enforcement.model import INSTRUCTIONS, RESTRICTIONS, Action, Restriction
from tidegate.enforcement.rules import lift, next_restriction
from tidegate.flag.model import FLAGS
from tidegate.flow import STORY  # imports every stage, so that every event is known
from tidegate.kernel.errors import WrongState
from tidegate.kernel.event import EVENTS
from tidegate.kernel.states import follow
from tidegate.notice.model import NOTICES
from tidegate.people.model import PROPOSAL_STANDINGS, STAFF_STANDINGS
from tidegate.signal.model import STANDINGS as SIGNAL_STANDINGS
from tidegate.verdict.model import HOLDS

Table = Mapping[Any, Mapping[str, Any]]

#: table -> its first state, and those that are meant to be ends
TABLES: dict[str, tuple[Table, str, set[str]]] = {
    "content": (CONTENT_STANDINGS, "shown", set()),
    "signal": (SIGNAL_STANDINGS, "unconfirmed", set()),
    "hold": (HOLDS, "held", {"lapsed", "released", "confirmed", "replaced"}),
    "flag": (FLAGS, "raised", set()),
    "case": (CASES, "open", {"closed"}),
    "decision": (DECISIONS, "made", {"undone"}),
    "instruction": (INSTRUCTIONS, "waiting", {"acknowledged", "superseded"}),
    "notice": (NOTICES, "standing", {"ended"}),
    "appeal": (APPEALS, "open", {"decided"}),
    "staff": (STAFF_STANDINGS, "active", set()),
    "proposal": (PROPOSAL_STANDINGS, "open", {"approved", "declined"}),
}


def reached(table: Mapping[Any, Mapping[Any, Any]], first: str) -> set[str]:
    found, wave = {first}, {first}
    while wave:
        wave = {str(after) for state in wave for after in table[state].values()} - found
        found |= wave
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_state_is_reached_and_only_declared_ends_are_ends(name: str) -> None:
    table, first, ends = TABLES[name]
    states: type[StrEnum] = type(next(iter(table)))
    assert set(table) == set(states), "a state without a row"
    assert reached(table, first) == {str(state) for state in states}
    assert {str(state) for state, following in table.items() if not following} == ends


@pytest.mark.parametrize("name", TABLES)
def test_what_is_in_no_table_cannot_happen(name: str) -> None:
    table, _, _ = TABLES[name]
    for state, following in table.items():
        assert set(following) <= set(EVENTS), "what happens to it is an event"
        for kind, event in EVENTS.items():
            if kind in following:
                assert follow(table, state, event, name) == following[kind]
            else:
                with pytest.raises(WrongState, match="no longer possible") as refusal:
                    follow(table, state, event, name)
                assert refusal.value.reference == kind


def test_every_restriction_can_be_reached_and_lifted() -> None:
    assert set(RESTRICTIONS) == set(Restriction)
    assert reached(RESTRICTIONS, "none") == {str(state) for state in Restriction}
    assert {action for following in RESTRICTIONS.values() for action in following} == set(Action)
    for restriction in Restriction:
        action = lift(restriction)
        if restriction is Restriction.NONE:
            assert action is None
        else:
            assert action is not None
            assert next_restriction(restriction, action) is Restriction.NONE, "nothing is for ever (floor rule 6)"


def test_nothing_is_lifted_that_was_not_restricted() -> None:
    for action in (Action.RELEASE, Action.RESTORE, Action.REINSTATE_ACCOUNT):
        assert next_restriction(Restriction.NONE, action) is None
    assert next_restriction(Restriction.REMOVED, Action.RELEASE) is None, "the end of a hold restores no removal"
    assert next_restriction(Restriction.ACCOUNT_SUSPENDED, Action.HOLD) is None, "a machine lifts no person's measure"


def test_the_story_follows_known_events() -> None:
    assert set(STORY.with_it) | set(STORY.after_it) <= set(EVENTS.values())
