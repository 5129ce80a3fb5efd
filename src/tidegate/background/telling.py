"""Telling platforms: instructions carried out, verdicts that came later, bytes that are wanted.

May decide: nothing but when to give up, by ``enforcement``'s rule. What was not taken is tried again.
"""

from typing import Any

import structlog
from httpx2 import AsyncClient, Timeout

from tidegate.checking.steps import judged
from tidegate.content import store as contents
from tidegate.content.model import BytesWanted, NoBytes
from tidegate.content.steps import do_without_bytes
from tidegate.db.transaction import TIME, Transaction
from tidegate.enforcement import rules as enforcement_rules
from tidegate.enforcement import steps as enforcement
from tidegate.enforcement import store as instructions
from tidegate.enforcement.delivery import attempt, payload, tell, wanted_payload
from tidegate.enforcement.model import Instruction, Problem, State
from tidegate.kernel.ids import AskId, ContentId, InstructionId
from tidegate.node import Node
from tidegate.people import store as people

log = structlog.get_logger()


class NotDeliveredError(Exception):
    """The platform did not acknowledge; tried again later."""


def make_client(node: Node) -> AsyncClient:
    """Make the HTTP client for webhooks: no redirects, no cookies kept, a clock on everything."""
    return AsyncClient(timeout=Timeout(node.settings.webhook_timeout_seconds), follow_redirects=False, trust_env=False)


async def deliver(node: Node, client: AsyncClient, identity: InstructionId) -> None:
    """Carry one instruction to its platform.

    Raises:
        NotDeliveredError: it was not acknowledged, and there is time to try again.
    """

    async def read(tx: Transaction) -> tuple[Instruction, str | None, dict[str, Any]] | None:
        loaded = await instructions.load(tx, identity)
        if loaded is None or loaded.state is not State.WAITING:
            return None
        facts = await people.service_facts(tx, loaded.service)
        return (
            loaded,
            facts.webhook_url if facts else None,
            await payload(tx, loaded, str(node.settings.public_url)),
        )

    found = await node.run(TIME, read)
    if found is None:
        return  # Superseded or acknowledged meanwhile.
    instruction, url, data = found
    if url is None:
        return  # This platform pulls.
    now = node.database.clock()
    body = {"type": "instruction", "timestamp": now.isoformat(), "data": data}
    result = await attempt(client, url, node.database.keys.webhook, str(identity), body, int(now.timestamp()))
    if result.applied is not None:
        applied = result.applied
        await node.run(TIME, lambda tx: enforcement.acknowledge(tx, identity, instruction.service, applied=applied))
        return
    problem = result.problem or Problem.NO_ACKNOWLEDGEMENT
    log.warning("not delivered", action="deliver", instruction=str(identity), problem=problem, status=result.status)
    await node.run(TIME, lambda tx: instructions.note_problem(tx, identity, problem, result.status))
    if enforcement_rules.give_up(node.database.clock() - instruction.waiting_since):
        await node.run(TIME, lambda tx: enforcement.mark_undelivered(tx, identity))
        return
    raise NotDeliveredError(problem)


async def tell_judged(node: Node, client: AsyncClient, identity: ContentId) -> None:
    """Tell a platform the verdict on an upload that was acknowledged before it was checked.

    Raises:
        NotDeliveredError: it was not taken, and there is time to try again.
    """
    news = await node.run(TIME, lambda tx: judged(tx, identity))
    if news is None:
        return  # Deleted meanwhile.
    facts = await node.run(TIME, lambda tx: people.service_facts(tx, news.service))
    if facts is None or facts.webhook_url is None:
        return  # This platform asks by itself.
    now = node.database.clock()
    body = {"type": "content.judged", "timestamp": now.isoformat(), "data": news.data}
    name = f"{identity}/{news.data['revision']}"
    if await tell(client, facts.webhook_url, node.database.keys.webhook, name, body, int(now.timestamp())):
        return
    log.warning("not told", action="tell_judged", content=str(identity))
    if not enforcement_rules.give_up(now - news.given_at):
        raise NotDeliveredError(identity)


async def ask_for_bytes(node: Node, client: AsyncClient, content: ContentId, ask: AskId) -> None:
    """Ask a platform for the bytes of a content; it sends them by itself when it has acknowledged.

    Raises:
        NotDeliveredError: it did not acknowledge, and there is time to try again.
    """

    async def read(tx: Transaction) -> tuple[BytesWanted, str | None, dict[str, Any]] | None:
        wanted = await contents.wanted(tx, content)
        if wanted is None or wanted.ask != ask:
            return None
        facts = await people.service_facts(tx, wanted.service)
        return wanted, facts.webhook_url if facts else None, await wanted_payload(tx, wanted)

    found = await node.run(TIME, read)
    if found is None:
        return  # They came, or are not wanted any more.
    wanted, url, data = found
    if url is None:
        return  # This platform pulls.
    now = node.database.clock()
    body = {"type": "content.bytes_wanted", "timestamp": now.isoformat(), "data": data}
    result = await attempt(client, url, node.database.keys.webhook, str(ask), body, int(now.timestamp()))
    if result.applied is False:
        await node.run(TIME, lambda tx: do_without_bytes(tx, content, wanted.revision, NoBytes.GONE))
    if result.applied is not None or result.ignored:
        return  # Who ignores it reads the list.
    problem = result.problem or Problem.NO_ACKNOWLEDGEMENT
    log.warning("not delivered", action="ask_for_bytes", content=str(content), problem=problem, status=result.status)
    # Given up, it stays in the list that platforms read.
    if not enforcement_rules.give_up(node.database.clock() - wanted.asked_at):
        raise NotDeliveredError(problem)
