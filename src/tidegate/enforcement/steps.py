"""Instructing the platform. May decide: nothing; it carries out what was held or decided."""

from datetime import datetime

from tidegate.content.model import Content
from tidegate.db.transaction import Transaction
from tidegate.enforcement import rules, store
from tidegate.enforcement.model import (
    INSTRUCTIONS,
    Acknowledged,
    Action,
    Cause,
    Instructed,
    Resent,
    State,
    Superseded,
    Undelivered,
)
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import AppealId, DecisionId, InstructionId, NoticeId, ServiceId
from tidegate.kernel.states import follow


async def instruct(
    tx: Transaction,
    content: Content,
    action: Action,
    cause: Cause,
    *,
    expires_at: datetime | None = None,
    notice: NoticeId | None = None,
    decision: DecisionId | None = None,
    appeal: AppealId | None = None,
) -> InstructionId | None:
    """Ask the platform for something, superseding what it did not acknowledge yet.

    Returns None when it makes no sense now, such as releasing what is not held.
    """
    present, sequence = await store.restriction(tx, content.id, lock=True)
    if rules.next_restriction(present, action) is None:
        return None
    instruction = tx.new(InstructionId)
    for older in await store.waiting(tx, content.id):
        follow(INSTRUCTIONS, older.state, Superseded, "instruction")
        await tx.append(Superseded(instruction=older.id, by=instruction))
    await tx.append(
        Instructed(
            instruction=instruction,
            content=content.id,
            service=content.service,
            position=await tx.next_position("instruction"),
            sequence=sequence + 1,
            action=action,
            cause=cause,
            expires_at=expires_at,
            notice=notice,
            decision=decision,
            appeal=appeal,
        )
    )
    return instruction


async def say_again(tx: Transaction, content: Content) -> None:
    """Give what people decided of a content again, under a new sequence; nothing where nothing they decided restricts.

    Its notice is the one that stands: there is nothing new to tell the uploader.
    """
    decided = [one for one in await store.on_content(tx, content.id) if one.action in rules.DECIDED]
    if decided:
        last = decided[-1]
        await instruct(tx, content, last.action, last.cause, notice=last.notice, decision=last.decision)


async def acknowledge(tx: Transaction, instruction: InstructionId, service: ServiceId, *, applied: bool) -> None:
    """Write down that the platform did it; saying so twice changes nothing.

    Raises:
        NotFound: no such instruction was given to this service.
    """
    loaded = await store.load(tx, instruction, lock=True)
    if loaded is None or loaded.service != service:
        raise NotFound("No such instruction was given to your service.")
    if loaded.state in {State.ACKNOWLEDGED, State.SUPERSEDED}:
        return
    await tx.append(Acknowledged(instruction=instruction, content=loaded.content, applied=applied))


async def mark_undelivered(tx: Transaction, instruction: InstructionId) -> None:
    """Make an instruction a dead letter, for people to see."""
    loaded = await store.load(tx, instruction, lock=True)
    if loaded is not None and loaded.state is State.WAITING:
        await tx.append(Undelivered(instruction=instruction))


async def resend_all(tx: Transaction, service: ServiceId) -> int:
    """Send every dead letter of a service again; give how many there were. Doing it twice sends none twice."""
    sent = 0
    while letters := await store.dead_letters(tx, service, most=500):
        for letter in letters:
            await resend(tx, letter.id)
        sent += len(letters)
    return sent


async def resend(tx: Transaction, instruction: InstructionId, service: ServiceId | None = None) -> InstructionId:
    """Send a dead letter again: not what it said then, but what is wanted of that content now.

    Raises:
        NotFound: no such instruction was given to this service.
        WrongState: it is not a dead letter.
    """
    loaded = await store.load(tx, instruction, lock=True)
    if loaded is None or (service is not None and loaded.service != service):
        raise NotFound("No such instruction was given to your service.")
    # A newer instruction supersedes the older in the same transaction, so a dead letter is always the current wish.
    follow(INSTRUCTIONS, loaded.state, Resent, "instruction")
    await tx.append(Resent(instruction=instruction))
    return instruction
