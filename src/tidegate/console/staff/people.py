"""Staff and what needs a second person. May decide: nothing; ``people.rules`` says what takes two."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import needed_choice, text_in
from tidegate.console.pages import render
from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Forbidden, Malformed, NotFound
from tidegate.kernel.ids import ProposalId, StaffId
from tidegate.people import passkeys, sign_in, sign_in_store, steps, store
from tidegate.people.model import (
    INCOMPATIBLE,
    PROPOSAL_NEEDS,
    Permission,
    Proposal,
    ProposalKind,
    Role,
    Staff,
)
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

_OF_ROLE = {"grant": ProposalKind.ROLE_GRANT, "revoke": ProposalKind.ROLE_REVOKE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposal with names."""

    proposal: Proposal
    by: str | None
    about: str | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A role someone does not hold; ``clash`` is one they hold that it may not be together with."""

    role: Role
    clash: Role | None


@door.get("/people", needs=Permission.MANAGE_PEOPLE)
async def people_page(request: Request) -> Response:
    """List the staff, and what waits for a second person."""
    reader = session_of(request).staff

    async def read(tx: Transaction) -> dict[str, Any]:
        everyone = await store.all_staff(tx)
        names = {person.id: await store.name_of(tx, person.id) for person in everyone}
        return {
            "everyone": [(person, names[person.id]) for person in everyone],
            "ways_in": await sign_in_store.ways_in(tx),
            "proposals": _proposed(await store.newest_proposals(tx, 50), names),
            "alone": await _alone(tx, reader),
            "now": tx.now,
        }

    return render(request, "staff/people.html", **await node_of(request).run(staff(request), read))


@door.get("/people/{person}", needs=Permission.MANAGE_PEOPLE)
async def person_page(request: Request, person: str) -> Response:
    """Show someone: roles and what they allow, how they come in, what was proposed about them."""
    identity, reader = StaffId.parse(person), session_of(request).staff

    async def read(tx: Transaction) -> dict[str, Any]:
        found = await steps.staff_of(tx, identity)
        about = await store.proposals_about(tx, identity)
        named = {proposal.proposed_by for proposal in about} | {one.decided_by for one in about if one.decided_by}
        names = {who: await store.name_of(tx, who) for who in named | {identity}}
        return {
            "person": found,
            "name": names[identity],
            "sessions": await sign_in.sessions_of(tx, identity),
            "passkeys": [passkey for passkey, _ in await passkeys.passkeys_of(tx, identity)],
            "proposals": _proposed(about, names),
            "offers": offers(found.roles),
            "alone": await _alone(tx, reader),
            "now": tx.now,
        }

    shown = await node_of(request).run(staff(request), read)
    return render(request, "staff/person.html", **shown)


def _proposed(proposals: list[Proposal], names: Mapping[StaffId, str | None]) -> list[Proposed]:
    return [
        Proposed(
            proposal=proposal,
            by=names.get(proposal.proposed_by),
            about=names.get(proposal.staff) if proposal.staff else None,
            decided_by=names.get(proposal.decided_by) if proposal.decided_by else None,
        )
        for proposal in proposals
    ]


def offers(held: AbstractSet[Role]) -> list[Offer]:
    """List the roles someone could still be given, and say which of them their present ones exclude."""
    return [Offer(role, _clash(role, held)) for role in Role if role not in held]


def _clash(role: Role, held: AbstractSet[Role]) -> Role | None:
    for other in sorted(held):
        if other in INCOMPATIBLE.get(role, frozenset()) or role in INCOMPATIBLE.get(other, frozenset()):
            return other
    return None


async def _alone(tx: Transaction, reader: StaffId) -> bool:
    """Say whether the reader is the first administrator and may still name the second alone."""
    _, bootstrapped = await store.count_staff(tx)
    return bootstrapped == 1 and await store.administrators(tx) == {reader}


@door.post("/people", needs=Permission.MANAGE_PEOPLE)
async def add_person(request: Request) -> Response:
    """Add someone, without any role."""
    name = text_in(await request.form(), "name")
    added = await node_of(request).run(staff(request), lambda tx: steps.add_staff(tx, name))
    return RedirectResponse(f"/people/{added}", 303)


@door.post("/people/{person}/roles", needs=Permission.MANAGE_PEOPLE)
async def propose_role(request: Request, person: str) -> Response:
    """Propose to give someone a role or to take it away."""
    identity, form = StaffId.parse(person), await request.form()
    role, change = needed_choice(form, "role", Role), text_in(form, "change")
    if change not in _OF_ROLE:
        raise Malformed('change is "grant" or "revoke".', reference="change")
    await node_of(request).run(staff(request), lambda tx: steps.propose_role(tx, identity, role, _OF_ROLE[change]))
    return RedirectResponse(f"/people/{identity}", 303)


@door.post("/people/{person}/suspend", needs=Permission.MANAGE_PEOPLE)
async def suspend(request: Request, person: str) -> Response:
    """Stop someone from signing in, at once."""
    identity = StaffId.parse(person)
    await node_of(request).run(staff(request), lambda tx: steps.suspend_staff(tx, identity))
    return RedirectResponse(f"/people/{identity}", 303)


@door.post("/people/{person}/sessions/end", needs=Permission.MANAGE_PEOPLE)
async def end_sessions(request: Request, person: str) -> Response:
    """End every session of someone, at once; they may sign in again."""
    identity = StaffId.parse(person)
    await node_of(request).run(staff(request), lambda tx: steps.end_sessions(tx, identity))
    return RedirectResponse(f"/people/{identity}", 303)


@door.post("/people/{person}/restore", needs=Permission.MANAGE_PEOPLE)
async def propose_restore(request: Request, person: str) -> Response:
    """Propose to let someone suspended in again."""
    return await _propose(request, person, ProposalKind.STAFF_RESTORE)


@door.post("/people/{person}/passkey-reset", needs=Permission.MANAGE_PEOPLE)
async def propose_passkey_reset(request: Request, person: str) -> Response:
    """Propose to forget someone's passkeys, so that a link lets them in again."""
    return await _propose(request, person, ProposalKind.PASSKEY_RESET)


async def _propose(request: Request, person: str, kind: ProposalKind) -> Response:
    identity = StaffId.parse(person)
    await node_of(request).run(staff(request), lambda tx: steps.propose(tx, kind, staff=identity))
    return RedirectResponse(f"/people/{identity}", 303)


@door.post("/people/{person}/administrator", needs=Permission.MANAGE_PEOPLE)
async def second_administrator(request: Request, person: str) -> Response:
    """Make someone the second administrator: by the first alone, and once."""
    identity = StaffId.parse(person)
    await node_of(request).run(staff(request), lambda tx: steps.bootstrap_second(tx, identity))
    return RedirectResponse(f"/people/{identity}", 303)


@door.post("/people/{person}/link", needs=Permission.MANAGE_PEOPLE)
async def make_link(request: Request, person: str) -> Response:
    """Make a one-time sign-in link and show it, this once."""
    identity, node = StaffId.parse(person), node_of(request)

    async def make(tx: Transaction) -> tuple[Staff, str | None, str]:
        token = await sign_in.make_link(tx, identity)
        return await steps.staff_of(tx, identity), await store.name_of(tx, identity), token

    person_, name, token = await node.run(staff(request), make)
    link = f"{str(node.settings.staff_url).rstrip('/')}/sign-in/link?token={token}"
    return render(request, "staff/link.html", person=person_, name=name, link=link)


# --- the second person ---


@door.post("/people/proposals/{proposal}/approve", needs=Permission.APPROVE_PEOPLE)
async def approve(request: Request, proposal: str) -> Response:
    """Approve, as the second person, what concerns people."""
    return await _settle(request, proposal, Permission.APPROVE_PEOPLE, approved=True)


@door.post("/people/proposals/{proposal}/decline", needs=Permission.APPROVE_PEOPLE)
async def decline(request: Request, proposal: str) -> Response:
    """Decline what concerns people, or take one's own proposal back."""
    return await _settle(request, proposal, Permission.APPROVE_PEOPLE, approved=False)


@door.post("/policy/proposals/{proposal}/approve", needs=Permission.APPROVE_POLICY)
async def approve_policy(request: Request, proposal: str) -> Response:
    """Approve, as the second person, what concerns policy."""
    return await _settle(request, proposal, Permission.APPROVE_POLICY, approved=True)


@door.post("/policy/proposals/{proposal}/decline", needs=Permission.APPROVE_POLICY)
async def decline_policy(request: Request, proposal: str) -> Response:
    """Decline what concerns policy, or take one's own proposal back."""
    return await _settle(request, proposal, Permission.APPROVE_POLICY, approved=False)


async def _settle(request: Request, proposal: str, door_: Permission, *, approved: bool) -> Response:
    identity = ProposalId.parse(proposal)

    async def act(tx: Transaction) -> None:
        found = await store.load_proposal(tx, identity)
        if found is None:
            raise NotFound("There is no such proposal.")
        if PROPOSAL_NEEDS[found.kind].approve is not door_:
            raise Forbidden("This proposal is approved or declined on another page.", reference=door_)
        if approved:
            await steps.approve(tx, identity)
        else:
            await steps.decline(tx, identity)

    await node_of(request).run(staff(request), act)
    return RedirectResponse("/people" if door_ is Permission.APPROVE_PEOPLE else "/signals", 303)
