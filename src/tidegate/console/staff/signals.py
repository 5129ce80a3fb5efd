"""Signals: the list without values, a page for each, and whether look-alikes may be held.

May decide: nothing. The value of a signal is on no page (floor rule 12), but that of a domain while two people put it
in force, and for them alone; cases and decisions are linked for those who may see them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from tidegate.case import store as cases
from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, number_in, text_in
from tidegate.console.pages import render
from tidegate.console.staff.record_store import happened_to
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.fingerprint.words.link import address_in, domain_of
from tidegate.jail import JailError, Reason
from tidegate.kernel.errors import Malformed, NotFound
from tidegate.kernel.ids import SignalId
from tidegate.people import steps as people
from tidegate.people import store as people_store
from tidegate.people.model import Permission, Proposal, ProposalKind
from tidegate.signal import rules, steps, store
from tidegate.signal.model import FingerprintKind, Label, Provenance, Standing
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

PAGE = 100
_NO_HOST = "Write a host and nothing else, such as bridge.example: a page of it is a signal of its own kind."
_FIELDS = ("kind", "standing", "label", "provenance", "disputed")


class Disputed(StrEnum):
    """Whether a member disputes it."""

    YES = "yes"
    NO = "no"


@door.get("/signals", needs=Permission.SEE_SIGNALS)
async def signals_page(request: Request) -> Response:
    """List signals, newest change first, never their values."""
    given = FormData([*request.query_params.multi_items()])
    disputed = choice_in(given, "disputed", Disputed)
    filters = store.Filters(
        kind=choice_in(given, "kind", FingerprintKind),
        standing=choice_in(given, "standing", Standing),
        label=choice_in(given, "label", Label),
        provenance=choice_in(given, "provenance", Provenance),
        disputed=None if disputed is None else disputed is Disputed.YES,
    )
    before = number_in(given, "before")
    decides = bool({Permission.SET_POLICY, Permission.APPROVE_POLICY} & session_of(request).permissions)

    async def read(tx: Transaction) -> dict[str, Any]:
        known = await store.newest(tx, PAGE + 1, filters=filters, before=before)
        return {
            "known": known[:PAGE],
            "next": known[PAGE - 1].position if len(known) > PAGE else None,
            "count": await store.count(tx, filters),
            "position": await tx.answer(store.newest_position()),
            "look_alike_holds": await tx.answer(verdict_store.look_alike_holds()),
            "proposals": await proposals_for(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON, values=False),
            "domain_proposals": await proposals_for(tx, ProposalKind.DOMAIN_SIGNAL, values=decides),
        }

    shown = await node_of(request).run(staff(request), read)
    return render(
        request,
        "staff/signals.html",
        added=number_in(given, "added"),
        left_out=number_in(given, "left_out"),
        filters=filters,
        disputed=disputed,
        before=before,
        query=urlencode({name: text for name in _FIELDS if (text := text_in(given, name))}),
        kinds=list(FingerprintKind),
        standings=list(Standing),
        labels=list(Label),
        provenances=list(Provenance),
        whether=list(Disputed),
        **shown,
    )


async def proposals_for(
    tx: Transaction, kind: ProposalKind, *, values: bool
) -> list[tuple[Proposal, str | None, str | None]]:
    """List what waits for a second person: the proposal, who made it, and the host it is about.

    The host is a signal's value, and values stand on no page (floor rule 12): but nobody can approve what they are not
    told, so those who decide on it see it here.
    """
    found = []
    for proposal in await people_store.open_proposals(tx):
        if proposal.kind is kind:
            about = await store.load(tx, [proposal.signal]) if proposal.signal and values else []
            host = about[0].value.decode("ascii", "replace") if about else None
            found.append((proposal, await people_store.name_of(tx, proposal.proposed_by), host))
    return found


@door.get("/signals/{signal}", needs=Permission.SEE_SIGNALS)
async def signal_page(request: Request, signal: str) -> Response:
    """Show all of a signal but its value: how it stands, what it rests on and what rests on it."""
    identity = SignalId.parse(signal)

    async def read(tx: Transaction) -> dict[str, Any]:
        found = await store.load(tx, [identity])
        if not found:
            raise NotFound("There is no such signal.")
        (loaded,) = found
        matched, held = await verdict_store.caused_by(tx, identity)
        decision = await decisions.load(tx, loaded.decision) if loaded.decision else None
        history: list[tuple[str, datetime]] = await happened_to(tx, identity.value, "signal.")
        return {
            "signal": loaded,
            "may_hold": rules.may_hold(loaded),
            "enforceable": rules.enforceable(loaded),
            "glorification_alone": rules.glorification_alone(loaded),
            "matched": matched,
            "held": held,
            "decision": decision,
            "cases": await cases.with_signal(tx, identity),
            "history": history,
        }

    return render(request, "staff/signal.html", **await node_of(request).run(staff(request), read))


# --- look-alikes ---


@door.post("/policy/look-alike-holds", needs=Permission.SET_POLICY)
async def switch(request: Request) -> Response:
    """Propose to let machines hold look-alikes, which takes two people, or end it, which takes one."""
    word, by = text_in(await request.form(), "switch"), session_of(request).staff
    if word not in {"on", "off"}:
        raise Malformed('switch is "on" or "off".', reference="switch")

    async def act(tx: Transaction) -> None:
        if word == "on":
            await people.propose(tx, ProposalKind.LOOK_ALIKE_HOLDS_ON)
        else:
            await verdicts.switch_off_look_alike_holds(tx, by)

    await node_of(request).run(staff(request), act)
    return RedirectResponse("/signals", 303)


# --- domains ---


@door.post("/policy/domains", needs=Permission.SET_POLICY)
async def propose_domain(request: Request) -> Response:
    """Propose that every link to a host be shown to people; it takes a second person."""
    form, node = await request.form(), node_of(request)
    labels = rules.check_labels([text_in(form, "label")])
    try:
        address = await address_in(node.jail, text_in(form, "host").strip().encode("utf-8", "replace"))
    except JailError as error:
        if error.reason is not Reason.UNDECODABLE:
            raise
        raise Malformed(_NO_HOST, reference="host") from error
    host = check_host(address)
    await node.run(staff(request), lambda tx: steps.propose_domain(tx, host, labels))
    return RedirectResponse("/signals#domains", 303)


@door.post("/signals/{signal}/take-back", needs=Permission.SET_POLICY)
async def take_back(request: Request, signal: str) -> Response:
    """Take a domain out of force, at once and alone."""
    identity, by = SignalId.parse(signal), session_of(request).staff
    await node_of(request).run(staff(request), lambda tx: steps.take_back_domain(tx, identity, by))
    return RedirectResponse(f"/signals/{identity}", 303)


def check_host(address: str) -> str:
    """Give the host of an address that is nothing but a host.

    Raises:
        Malformed: it names a page, or a name under which everybody stands.
    """
    host = domain_of(address)
    if not host or address not in {f"https://{host}/", f"https://www.{host}/"}:
        raise Malformed(_NO_HOST, reference="host")
    if "." not in host and not host.startswith("["):
        raise Malformed("A host has a dot in it, such as bridge.example: a name alone is nobody's.", reference="host")
    return host
