"""The staff's first page, and the queue of cases. May decide: nothing; ``case.rules`` orders the queue."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from tidegate.case import rules, store
from tidegate.case.model import Case
from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.content import store as contents
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.kernel.ids import StaffId
from tidegate.people.model import Permission
from tidegate.people.store import name_of
from tidegate.verdict import store as verdicts
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A row of the queue: nothing of what others think, so that the second stays blind."""

    case: Case
    held_until: datetime | None
    reach: int
    votes: int
    voted: bool


@door.get("/", needs=Permission.SEE_OWN_ACCOUNT)
async def staff_home(request: Request) -> Response:
    """Show where one's roles lead."""
    present = session_of(request)
    name = await node_of(request).run(staff(request), lambda tx: name_of(tx, present.staff))
    return render(request, "staff/home.html", name=name)


@door.get("/queue", needs=Permission.SEE_CASE)
async def queue_page(request: Request) -> Response:
    """List the cases people must look at, the most urgent first."""
    reader = session_of(request).staff
    rows = await node_of(request).run(staff(request), lambda tx: waiting(tx, reader))
    return render(request, "staff/queue.html", rows=rows)


async def waiting(tx: Transaction, reader: StaffId) -> list[Waiting]:
    """Give the queue as one person may see it."""
    rows: dict[Case, Waiting] = {}
    for case in await store.not_closed(tx):
        members = await contents.load_many(tx, case.members)
        ends = await verdicts.holds_until(tx, case.members)
        votes = await decisions.votes_on(tx, case.id)
        rows[case] = Waiting(
            case=case,
            held_until=min(ends.values(), default=None),
            reach=max((member.reach for member in members), default=0),
            votes=len(votes),
            voted=any(vote.voter == reader for vote in votes),
        )
    ordered = rules.by_urgency([(row.case, row.held_until, row.reach) for row in rows.values()])
    return [rows[case] for case in ordered]
