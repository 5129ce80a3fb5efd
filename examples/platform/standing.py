"""Where a post stands, and what an instruction changes about it: the whole contract, as one pure function.

May decide: whether an instruction is carried out. Four things here must be in every platform beside Tidegate:

- an instruction whose ``sequence`` is not above the last one about that post is ignored: it was overtaken;
- a hold ends at its ``expires_at`` by this clock, whether or not the node still lives;
- a hold without an end, or longer than a day, is not believed;
- an action nobody here knows changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What visitors see of a post. ``checking`` lasts from receiving it until the node's verdict is in."""

    CHECKING = "checking"
    PUBLISHED = "published"
    HELD = "held"
    REMOVED = "removed"
    DELETED = "deleted"


#: action -> where the post stands afterwards. A measure against an account takes the post with it.
AFTERWARDS = {
    "hold": State.HELD,
    "release": State.PUBLISHED,
    "remove": State.REMOVED,
    "restore": State.PUBLISHED,
    "suspend_account": State.REMOVED,
    "terminate_account": State.REMOVED,
    "reinstate_account": State.PUBLISHED,
}
ON_ACCOUNTS = frozenset({"suspend_account", "terminate_account", "reinstate_account"})
LONGEST_HOLD = timedelta(hours=24)


class NotAnInstructionError(ValueError):
    """Something signed that does not have the form of an instruction."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the node asks."""

    id: str
    sequence: int
    content: str
    action: str
    platform_id: str | None = None
    expires_at: datetime | None = None
    notice_url: str | None = None
    position: int = 0

    @classmethod
    def read(cls, data: Any) -> "Instruction":  # noqa: ANN401 - JSON
        """Read one from the stream or from a webhook.

        Raises:
            NotAnInstructionError: it has another form.
        """
        if not isinstance(data, dict):
            raise NotAnInstructionError("not an instruction: no object")
        try:
            ends = data.get("expires_at")
            expires_at = None if ends is None else datetime.fromisoformat(ends)
            if expires_at is not None and expires_at.tzinfo is None:
                raise NotAnInstructionError("expires_at has no time zone")
            return cls(
                id=_text(data["instruction"]),
                sequence=_number(data["sequence"]),
                content=_text(data["content"]),
                action=_text(data["action"]),
                platform_id=None if data.get("platform_id") is None else _text(data["platform_id"]),
                expires_at=expires_at,
                notice_url=None if data.get("notice_url") is None else _text(data["notice_url"]),
                position=_number(data.get("position") or 0),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NotAnInstructionError(f"not an instruction: {error}") from error


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a post stands."""

    state: State
    held_until: datetime | None = None
    last_sequence: int = 0

    def at(self, now: datetime) -> "Standing":
        """Give where it stands now: a hold whose time has passed is none."""
        if self.state is State.HELD and (self.held_until is None or self.held_until <= now):
            return replace(self, state=State.PUBLISHED, held_until=None)
        return self


def carry_out(standing: Standing, instruction: Instruction, now: datetime) -> tuple[Standing, bool]:
    """Say where the post stands after an instruction, and whether it changed anything ("applied")."""
    before = standing.at(now)
    if instruction.sequence <= before.last_sequence or instruction.action not in AFTERWARDS:
        return before, False
    seen = replace(before, last_sequence=instruction.sequence)
    if before.state is State.DELETED:
        return seen, instruction.action in ON_ACCOUNTS
    held_until = None
    if instruction.action == "hold":
        if instruction.expires_at is None or instruction.expires_at <= now:
            return seen, False
        held_until = min(instruction.expires_at, now + LONGEST_HOLD)
    return replace(seen, state=AFTERWARDS[instruction.action], held_until=held_until), True


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(value, str) or not value:
        raise TypeError("text was expected")
    return value


def _number(value: Any) -> int:  # noqa: ANN401 - JSON
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a number was expected")
    return value
