"""Instructions to platforms, dead letters first.

May decide: nothing. Sending again is for those who look after services, not for auditors, who read everything and
change nothing.
"""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.db.transaction import Transaction
from tidegate.enforcement import steps, store
from tidegate.kernel.ids import InstructionId
from tidegate.people.model import Permission
from tidegate.people.store import all_services, service_facts
from tidegate.web.door import Listener, node_of, staff

door = Pages(Listener.STAFF)


@door.get("/instructions", needs=Permission.SEE_INSTRUCTIONS)
async def instructions_page(request: Request) -> Response:
    """List instructions, those not delivered first."""

    async def read(tx: Transaction) -> dict[str, object]:
        facts = {service: await service_facts(tx, service) for service in await all_services(tx)}
        names = {service: known.name for service, known in facts.items() if known}
        return {"instructions": await store.newest(tx), "names": names}

    return render(request, "staff/instructions.html", **await node_of(request).run(staff(request), read))


@door.post("/instructions/{instruction}/resend", needs=Permission.MANAGE_KEYS)
async def resend(request: Request, instruction: str) -> Response:
    """Send a dead letter again."""
    identity = InstructionId.parse(instruction)
    await node_of(request).run(staff(request), lambda tx: steps.resend(tx, identity))
    return RedirectResponse("/instructions", 303)
