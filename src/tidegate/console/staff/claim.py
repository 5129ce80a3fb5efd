"""Saying which case one is on, so that two people do not do the same work.

May decide: nothing; ``case.rules`` and ``decision.rules`` say who may claim what.
"""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.case import steps as cases
from tidegate.console.door import Pages
from tidegate.console.forms import text_in
from tidegate.db.transaction import Transaction
from tidegate.decision import steps
from tidegate.kernel.ids import CaseId
from tidegate.people.model import Permission, Role
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)


@door.post("/queue/next", needs=Permission.VOTE)
async def take_next(request: Request) -> Response:
    """Claim the first case that waits for one's vote and that nobody is on, and go there; ``leaving`` is let go."""
    person, text = session_of(request), text_in(await request.form(), "leaving")
    senior, leaving = Role.SENIOR_REVIEWER in person.roles, CaseId.parse(text) if text else None
    case = await node_of(request).run(
        staff(request), lambda tx: steps.claim_next(tx, person.staff, senior=senior, leaving=leaving)
    )
    return RedirectResponse("/queue?nothing=1" if case is None else f"/cases/{case}", 303)


@door.post("/cases/{case}/claim", needs=Permission.VOTE)
async def claim(request: Request, case: str) -> Response:
    """Claim a case, or go on being on it."""
    identity, person = CaseId.parse(case), session_of(request)
    senior = Role.SENIOR_REVIEWER in person.roles
    await node_of(request).run(staff(request), lambda tx: steps.claim(tx, identity, person.staff, senior=senior))
    return RedirectResponse(f"/cases/{identity}", 303)


@door.post("/cases/{case}/let-go", needs=Permission.VOTE)
async def let_go(request: Request, case: str) -> Response:
    """Leave a case to others."""
    identity, person = CaseId.parse(case), session_of(request).staff

    async def act(tx: Transaction) -> None:
        await cases.let_go(tx, await cases.load_locked(tx, identity), person)

    await node_of(request).run(staff(request), act)
    return RedirectResponse("/queue", 303)
