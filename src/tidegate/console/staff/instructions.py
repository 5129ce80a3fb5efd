"""Instructions to platforms: dead letters with their reason, the stream, and what became of each.

May decide: nothing. Sending again is for those who look after services, not for auditors, who read everything and
change nothing. A notice's link is on no page here: it is the secret of the person it was sent to.
"""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, number_in, text_in
from tidegate.console.pages import render
from tidegate.db.transaction import Transaction
from tidegate.enforcement import steps, store
from tidegate.enforcement.model import Action, State
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import InstructionId, ServiceId
from tidegate.people.model import Permission
from tidegate.people.store import all_services, has_service, service_facts
from tidegate.web.door import Listener, node_of, staff

door = Pages(Listener.STAFF)

PAGE = 100
_FIELDS = ("state", "service", "action")


@door.get("/instructions", needs=Permission.SEE_INSTRUCTIONS)
async def instructions_page(request: Request) -> Response:
    """List instructions, dead letters first."""
    given = FormData([*request.query_params.multi_items()])
    service = text_in(given, "service")
    filters = store.Filters(
        state=choice_in(given, "state", State),
        service=ServiceId.parse(service) if service else None,
        action=choice_in(given, "action", Action),
    )
    before = number_in(given, "before")
    query = {name: text for name in _FIELDS if (text := text_in(given, name))}
    first = before is None and not query

    async def read(tx: Transaction) -> dict[str, Any]:
        listed = await store.newest(tx, PAGE + 1, filters=filters, before=before)
        dead = await store.dead_letters(tx) if first else []
        shown = [instruction.id for instruction in (*listed, *dead)]
        return {
            "instructions": listed[:PAGE],
            "next": listed[PAGE - 1].position if len(listed) > PAGE else None,
            "dead": dead,
            "dead_by_service": await store.dead_letters_by_service(tx) if first else {},
            "tried": await store.problems_of(tx, shown),
            "names": await names_of_services(tx),
            "now": tx.now,
        }

    return render(
        request,
        "staff/instructions.html",
        filters=filters,
        before=before,
        query=urlencode(query),
        resent=number_in(given, "resent"),
        states=list(State),
        actions=list(Action),
        **await node_of(request).run(staff(request), read),
    )


async def names_of_services(tx: Transaction) -> dict[ServiceId, str]:
    """Give what every service is called; those erased by their ids."""
    facts = {service: await service_facts(tx, service) for service in await all_services(tx)}
    return {service: known.name if known else str(service) for service, known in facts.items()}


@door.get("/instructions/{instruction}", needs=Permission.SEE_INSTRUCTIONS)
async def instruction_page(request: Request, instruction: str) -> Response:
    """Show an instruction within the sequence of all about its content, and what the platform said."""
    identity = InstructionId.parse(instruction)

    async def read(tx: Transaction) -> dict[str, Any]:
        loaded = await store.load(tx, identity)
        if loaded is None:
            raise NotFound("There is no such instruction.")
        sequence = await store.on_content(tx, loaded.content)
        return {
            "instruction": loaded,
            "sequence": sequence,
            "restriction": (await store.restriction(tx, loaded.content))[0],
            "acknowledged": await store.acknowledgements_on(tx, loaded.content),
            "tried": await store.problems_of(tx, [one.id for one in sequence]),
            "names": await names_of_services(tx),
            "now": tx.now,
        }

    return render(request, "staff/instruction.html", **await node_of(request).run(staff(request), read))


@door.post("/instructions/{instruction}/resend", needs=Permission.MANAGE_KEYS)
async def resend(request: Request, instruction: str) -> Response:
    """Send a dead letter again; one that waits to be sent already is left alone."""
    identity = InstructionId.parse(instruction)

    async def act(tx: Transaction) -> None:
        loaded = await store.load(tx, identity, lock=True)
        if loaded is None or loaded.state is not State.WAITING:
            await steps.resend(tx, identity)

    await node_of(request).run(staff(request), act)
    return RedirectResponse("/instructions?resent=1", 303)


@door.post("/services/{service}/resend", needs=Permission.MANAGE_KEYS)
async def resend_all(request: Request, service: str) -> Response:
    """Send every dead letter of a service again."""
    identity = ServiceId.parse(service)

    async def act(tx: Transaction) -> int:
        if not await has_service(tx, identity):
            raise NotFound("There is no such service.")
        return await steps.resend_all(tx, identity)

    sent = await node_of(request).run(staff(request), act)
    return RedirectResponse(f"/instructions?resent={sent}", 303)
