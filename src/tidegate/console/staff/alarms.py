"""Alarms: what waits too long or stands still, how bad it is, and what to do.

May decide: nothing; ``alarms.rules`` says what is an alarm. Numbers and times only: no content, no caption, no hash.
"""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from starlette.responses import Response

from tidegate.alarms.measures import measure
from tidegate.alarms.model import Alarm, Measured, Raised
from tidegate.alarms.rules import THRESHOLDS, pressing, raised
from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.people.model import Permission, Session
from tidegate.verdict.model import RETRIED
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

_QUEUE = (("/queue?held=yes&waits=anyone", Permission.SEE_CASE),)
_APPEALS = (("/appeals", Permission.SEE_APPEAL),)
_LEDGER = (("/alarms#ledger", Permission.SEE_ALARMS),)
_JAIL = (("/alarms#jail", Permission.SEE_ALARMS),)

#: Where something can be done about it, and who may go there.
LINKS: dict[Alarm, tuple[tuple[str, Permission], ...]] = {
    Alarm.UNCHECKED_RETRIED: (("/alarms#unchecked", Permission.SEE_ALARMS),),
    Alarm.UNCHECKED_SAMPLED: (("/queue?reason=unchecked&waits=anyone", Permission.SEE_CASE),),
    Alarm.APPEALS_LATE: _APPEALS,
    Alarm.APPEALS_DUE: _APPEALS,
    Alarm.HOLDS_UNVOTED: _QUEUE,
    Alarm.HOLDS_OVERDUE: _QUEUE,
    Alarm.DECISIONS_OVERDUE: (("/queue?state=decided&waits=anyone", Permission.SEE_CASE),),
    Alarm.JOBS_FAILED: (),
    Alarm.JOBS_WAITING: (),
    Alarm.UNDELIVERED: (("/instructions?state=undelivered", Permission.SEE_INSTRUCTIONS),),
    Alarm.UNACKNOWLEDGED: (("/instructions?state=waiting", Permission.SEE_INSTRUCTIONS),),
    Alarm.LEDGER_LATE: _LEDGER,
    Alarm.LEDGER_REFUSED: _LEDGER,
    Alarm.JAIL_DOWN: _JAIL,
    Alarm.JAIL_LOCKS_MISSING: _JAIL,
    Alarm.PROPOSALS_WAITING: (("/people", Permission.MANAGE_PEOPLE), ("/signals", Permission.APPROVE_POLICY)),
    Alarm.SIGNALS_DISPUTED: (("/signals?disputed=yes", Permission.SEE_SIGNALS),),
    Alarm.KEYS_EXPIRING: (("/keys", Permission.MANAGE_KEYS),),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An alarm with where this reader can do something about it."""

    raised: Raised
    link: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """A row of all that is looked at."""

    alarm: Alarm
    count: int
    warning: timedelta | None
    danger: timedelta | None
    noted: bool


@door.get("/alarms", needs=Permission.SEE_ALARMS)
async def alarms_page(request: Request) -> Response:
    """Say what waits too long or stands still, the worst first."""
    node, reader = node_of(request), session_of(request)
    measured = await node.run(staff(request), lambda tx: measure(tx, node))
    # The number beside the navigation is not older than the page it stands on.
    request.state.alarms = pressing(measured)
    looked = [
        Looked(alarm, measured.backlogs[alarm].count, threshold.warning, threshold.danger, threshold.noted)
        for alarm, threshold in THRESHOLDS.items()
    ]
    return render(
        request,
        "staff/alarms.html",
        measured=measured,
        shown=_shown(measured, reader),
        looked=looked,
        retried=RETRIED,
        share=node.settings.unchecked_share,
        window=timedelta(seconds=node.settings.publish_window_seconds),
    )


@door.get("/alarms/list", needs=Permission.SEE_ALARMS, quiet=True)
async def alarms_list(request: Request) -> Response:
    """Give the list alone, for a page left open on a wall."""
    node, reader = node_of(request), session_of(request)
    measured = await node.run(staff(request), lambda tx: measure(tx, node))
    return render(request, "staff/alarms_list.html", measured=measured, shown=_shown(measured, reader))


def _shown(measured: Measured, reader: Session) -> list[Shown]:
    return [Shown(one, link_for(one.alarm, reader)) for one in raised(measured)]


def link_for(alarm: Alarm, reader: Session) -> str | None:
    """Give where this reader can do something about an alarm, if anywhere."""
    return next((path for path, needs in LINKS[alarm] if needs in reader.permissions), None)
