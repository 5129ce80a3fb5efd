"""State machines as tables: state -> what may happen -> next state.

May decide: nothing; each stage's ``model.py`` holds its table, the diagrams in ``docs/life.md`` are drawn from the same
tables, and everything that changes a state asks here first. After h11 ``_state.py``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from tidegate.kernel.errors import WrongState
from tidegate.kernel.event import Event

State = TypeVar("State", bound=StrEnum)


def follow(table: Mapping[State, Mapping[str, State]], state: State, event: type[Event], thing: str) -> State:
    """Give the state that follows.

    Raises:
        WrongState: this may not happen to the thing in this state.
    """
    following = table[state].get(event.kind)
    if following is None:
        raise WrongState(
            "This %(thing)s is %(state)s: that is no longer possible. Look at it again.",
            values={"thing": thing, "state": state},
            reference=event.kind,
        )
    return following
