"""Instructions: the same stream for platforms that pull, acknowledgement and sending again. May decide: nothing."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict

from tidegate.db.transaction import Transaction
from tidegate.enforcement import steps, store
from tidegate.enforcement.delivery import payload
from tidegate.enforcement.signing import public_text
from tidegate.kernel.ids import InstructionId
from tidegate.people.model import Scope
from tidegate.web.door import AnyKey, Door, Listener, key_of, node_of, platform

door = Door(Listener.PLATFORM)


class Acknowledgement(BaseModel):
    """What the platform did. ``applied`` is false when it already knew a higher sequence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    applied: bool


@door.route("GET", "/v1/instructions", needs=Scope.INSTRUCTION, tags=["instruction"])
async def read_instructions(
    request: Request,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Read the instructions to your service after a position, in order, without gaps."""
    node, service = node_of(request), key_of(request).service

    async def act(tx: Transaction) -> dict[str, Any]:
        page = await store.stream(tx, service, after, limit)
        return {
            "instructions": [await payload(tx, instruction, str(node.settings.public_url)) for instruction in page],
            "next": page[-1].position if page else after,
        }

    return await node.run(platform(request), act)


@door.route(
    "POST",
    "/v1/instructions/{instruction}/acknowledgement",
    needs=Scope.INSTRUCTION,
    status_code=204,
    tags=["instruction"],
)
async def acknowledge(request: Request, instruction: str, said: Acknowledgement) -> Response:
    """Say that an instruction was carried out."""
    identity, service = InstructionId.parse(instruction), key_of(request).service
    await node_of(request).run(
        platform(request), lambda tx: steps.acknowledge(tx, identity, service, applied=said.applied)
    )
    return Response(status_code=204)


@door.route(
    "POST",
    "/v1/instructions/{instruction}/resend",
    needs=Scope.INSTRUCTION,
    status_code=202,
    tags=["instruction"],
)
async def resend(request: Request, instruction: str) -> dict[str, str]:
    """Have a dead letter sent again."""
    identity, service = InstructionId.parse(instruction), key_of(request).service
    again = await node_of(request).run(platform(request), lambda tx: steps.resend(tx, identity, service))
    return {"instruction": str(again)}


@door.route("GET", "/v1/webhook-key", needs=AnyKey.ANY_KEY, tags=["instruction"])
async def webhook_key(request: Request) -> dict[str, list[str]]:
    """Read the public keys that webhooks are signed with."""
    return {"keys": [public_text(node_of(request).database.keys.webhook.public_key())]}
