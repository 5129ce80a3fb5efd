"""The staff's first page: what waits for this person, by their roles, and first steps on an empty node.

May decide: nothing. One counting query a stage; nothing here counts what people did.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from tidegate.alarms.measures import measure
from tidegate.alarms.rules import pressing
from tidegate.appeal import store as appeals
from tidegate.case import store as cases
from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.db.transaction import Transaction
from tidegate.decision import queue
from tidegate.enforcement import store as enforcement
from tidegate.enforcement.model import State
from tidegate.kernel.ids import StaffId
from tidegate.people import sign_in_store
from tidegate.people import store as people
from tidegate.people.model import PROPOSAL_NEEDS, Permission, Proposal, Role, Session, StaffStanding
from tidegate.verdict import store as verdicts
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

#: A hold or a complaint that is due within this time is said apart.
SOON = timedelta(hours=1)
SOON_DUE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A first step on an empty node: its word, where it is done, and whether it was."""

    word: str
    path: str
    done: bool


@door.get("/", needs=Permission.SEE_OWN_ACCOUNT)
async def staff_home(request: Request) -> Response:
    """Say what waits for this person."""
    present, node = session_of(request), node_of(request)
    may = present.permissions

    async def read(tx: Transaction) -> dict[str, Any]:
        senior = Role.SENIOR_REVIEWER in present.roles
        return {
            "name": await people.name_of(tx, present.staff),
            "now": tx.now,
            "waiting": await queue.waiting_for(tx, present.staff, senior=senior) if Permission.VOTE in may else None,
            "claimed": await cases.claimed_by(tx, present.staff) if Permission.VOTE in may else [],
            "complaints": await appeals.not_judged_by(tx, present.staff) if Permission.JUDGE_APPEAL in may else None,
            "dead": await enforcement.in_state(tx, State.UNDELIVERED) if Permission.MANAGE_KEYS in may else None,
            "proposals": await proposals_for(tx, present),
            "alarms_now": pressing(await measure(tx, node)) if Permission.SEE_ALARMS in may else None,
            "steps": await first_steps(tx, present.staff) if Permission.MANAGE_PEOPLE in may else [],
        }

    shown = await node.run(staff(request), read)
    # The number beside the navigation is not older than the page it stands on.
    request.state.alarms = shown["alarms_now"] or request.state.alarms
    return render(request, "staff/home.html", soon=SOON, soon_due=SOON_DUE, **shown)


async def proposals_for(tx: Transaction, reader: Session) -> list[Proposal]:
    """List the proposals this person may approve: not their own, nor about themselves."""
    return [
        proposal
        for proposal in await people.open_proposals(tx)
        if PROPOSAL_NEEDS[proposal.kind].approve in reader.permissions
        and reader.staff not in {proposal.proposed_by, proposal.staff}
    ]


async def first_steps(tx: Transaction, reader: StaffId) -> list[Step]:
    """List what a new node needs before it can decide anything; nothing once all of it is there."""
    active = [person for person in await people.all_staff(tx) if person.standing is StaffStanding.ACTIVE]

    def held(*roles: Role) -> int:
        return sum(bool(person.roles & set(roles)) for person in active)

    services = await people.all_services(tx)
    keys = [key for service in services for key in await people.keys_of(tx, service)]
    steps = [
        Step("second_administrator", "/people", held(Role.ADMINISTRATOR) > 1),
        Step("passkey", "/account", bool(await sign_in_store.passkeys_of(tx, reader))),
        Step("reviewers", "/people", held(Role.REVIEWER, Role.SENIOR_REVIEWER) > 1),
        Step("appeal_reviewers", "/people", held(Role.APPEAL_REVIEWER) > 1),
        Step("key", "/keys", any(not key.revoked and key.expires_at > tx.now for key in keys)),
        Step("content", "/keys", await verdicts.answered_anything(tx)),
    ]
    return [] if all(step.done for step in steps) else steps
