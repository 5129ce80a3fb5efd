"""Policy: the numbers this node has chosen, beside the floor that no setting lowers.

May decide: nothing; it only shows. Numbers are set where the node is run (``tidegate.toml`` or the environment), by
whoever runs it, so that a change stands in their records; look-alike holds are switched by two policy leads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from tidegate.appeal.rules import DUE_IN
from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.decision.policy import LONGEST_UNDO, MOST_ALONE, WIDEST_ALONE
from tidegate.match.model import PDQ_RADIUS, QUALITY_FLOOR
from tidegate.people.model import PROPOSAL_LIFE, SESSION_IDLE, SESSION_LIFE, Permission
from tidegate.settings import Settings
from tidegate.verdict import store as verdicts
from tidegate.verdict.rules import LONGEST_HOLD
from tidegate.web.door import Listener, node_of, staff

door = Pages(Listener.STAFF)


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def _minutes(value: float) -> timedelta:
    return timedelta(minutes=value)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the policy: its word, its setting, how it reads, and the floor beside it."""

    setting: str
    read: Callable[[Any], timedelta | float]
    #: What no choice may pass; None where the setting's own bounds are all there is.
    floor: timedelta | float | None
    rule: str | None


NUMBERS = (
    Number("hold_seconds", _seconds, LONGEST_HOLD, "rule 1"),
    Number("undo_seconds", _seconds, LONGEST_UNDO, None),
    Number("wide_reach", int, WIDEST_ALONE, "rule 4"),
    Number("unchecked_share", float, None, "rule 2"),
    Number("publish_window_seconds", _seconds, timedelta(days=1), None),
    Number("exposure_budget_minutes", _minutes, timedelta(hours=4), None),
    Number("exposure_break_after_minutes", _minutes, timedelta(hours=1), None),
    Number("exposure_break_minutes", _minutes, None, None),
)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A number that stands in the code, for every node."""

    word: str
    value: timedelta | float
    rule: str | None


FIXED = (
    Fixed("most_alone", MOST_ALONE, "rule 4"),
    Fixed("look_alike_radius", PDQ_RADIUS, "rule 1"),
    Fixed("look_alike_quality", QUALITY_FLOOR, "rule 1"),
    Fixed("appeal_due", DUE_IN, "rule 6"),
    Fixed("proposal_life", PROPOSAL_LIFE, "rule 4"),
    Fixed("session_idle", SESSION_IDLE, None),
    Fixed("session_life", SESSION_LIFE, None),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A number as the page shows it."""

    setting: str
    value: timedelta | float
    usual: timedelta | float
    floor: timedelta | float | None
    rule: str | None


@door.get("/policy", needs=Permission.SEE_POLICY)
async def policy_page(request: Request) -> Response:
    """Show the present policy and the floor."""
    node = node_of(request)
    shown = [
        Shown(
            setting=number.setting,
            value=number.read(getattr(node.settings, number.setting)),
            usual=number.read(Settings.model_fields[number.setting].default),
            floor=number.floor,
            rule=number.rule,
        )
        for number in NUMBERS
    ]
    look_alike_holds = await node.run(staff(request), lambda tx: tx.answer(verdicts.look_alike_holds()))
    return render(
        request,
        "staff/policy.html",
        numbers=shown,
        fixed=FIXED,
        look_alike_holds=look_alike_holds,
        match_without_record=node.settings.match_without_record,
    )
