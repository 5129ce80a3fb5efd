"""Opening cases, and moving content between them. May decide: nothing; ``rules`` say what belongs together."""

from datetime import datetime

from tidegate.case import rules, store
from tidegate.case.model import (
    CASES,
    Case,
    CaseClaimed,
    CaseClosed,
    CaseDecided,
    CaseFacts,
    CaseJoined,
    CaseLeft,
    CaseLetGo,
    CaseOpened,
    CaseReopened,
    Reason,
)
from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.db.transaction import Transaction
from tidegate.flag.model import FlagRaised
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import CaseId, ContentId, DecisionId, SignalId, StaffId
from tidegate.kernel.states import follow
from tidegate.verdict import store as verdicts
from tidegate.verdict.model import VerdictGiven


async def look_at_verdict(tx: Transaction, happened: VerdictGiven) -> None:
    """Have people look at what a verdict sends to them."""
    before = await store.of_content(tx, happened.content)
    # What someone flagged is answered by people, whatever a machine finds or fails to find meanwhile.
    flagged = before is not None and before.reason is Reason.FLAG
    if before is not None and before.state != "closed" and (happened.for_people or not flagged):
        await leave(tx, before.id, happened.content)
    if not happened.for_people:
        return
    content = await _load(tx, happened.content)
    nearest = rules.nearest_of(happened.matches)
    reason = rules.reason_of(
        happened.verdict,
        happened.reason,
        exact=nearest is not None and nearest.exact,
        matched=bool(happened.matches),
    )
    if nearest is not None:
        await admit(tx, content, reason, signal=nearest.signal, distance=rules.counted_distance(nearest))
    else:
        # Words beside it are no picture that is near: they count as far.
        distance = rules.FARTHEST if happened.matches else 0
        await admit(tx, content, reason, around=await _same_bytes_removed(tx, content), distance=distance)


async def look_at_flag(tx: Transaction, happened: FlagRaised) -> None:
    """Have people look at what someone flagged, unless they already do."""
    before = await store.of_content(tx, happened.content)
    if before is None or before.state == "closed":
        await admit(tx, await _load(tx, happened.content), Reason.FLAG)


async def regroup(tx: Transaction, content: ContentId) -> None:
    """Take a content whose words changed out of the case it no longer belongs to, into one of its own."""
    case = await store.of_content(tx, content)
    loaded = await contents.load(tx, content)
    if case is None or loaded is None or case.state == "closed" or rules.belongs(case, loaded):
        return
    await leave(tx, case.id, content)
    await admit(tx, loaded, case.reason, signal=case.signal, around=case.content)


async def admit(
    tx: Transaction,
    content: Content,
    reason: Reason,
    *,
    signal: SignalId | None = None,
    around: ContentId | None = None,
    distance: int = 0,
) -> CaseId:
    """Put a content into the open case around its anchor, or open one."""
    anchor = signal or around or content.id
    await store.lock_anchor(tx, anchor)
    case = await store.open_around(tx, anchor, content.account_class, content.caption)
    if case is None:
        identity = tx.new(CaseId)
        await tx.append(
            CaseOpened(
                case=identity,
                reason=reason,
                signal=signal,
                content=None if signal else around or content.id,
                first=content.id,
                account_class=content.account_class,
            )
        )
    else:
        identity = case.id
        await store.load_facts(tx, identity, lock=True)
    await tx.append(CaseJoined(case=identity, content=content.id, distance=distance))
    return identity


async def leave(tx: Transaction, case: CaseId, content: ContentId) -> None:
    """Take a content out of a case; the last one closes an open case."""
    loaded = await store.load_facts(tx, case, lock=True)
    if loaded is None or not await store.is_member(tx, case, content):
        return
    follow(CASES, loaded.state, CaseLeft, "case")
    await tx.append(CaseLeft(case=case, content=content))
    if loaded.size == 1 and loaded.state == "open":
        await tx.append(CaseClosed(case=case, decision=None))


async def claim(tx: Transaction, case: CaseFacts, person: StaffId) -> datetime:
    """Write down that someone is on a case, or goes on being; give until when.

    Raises:
        WrongState: see ``rules.check_claim``.
    """
    await store.lock_claims(tx, person)
    others = [other for other in await store.claimed_by(tx, person) if other != case.id]
    rules.check_claim(case, person, tx.now, others=len(others))
    until = tx.now + rules.CLAIM_LIFE
    await tx.append(CaseClaimed(case=case.id, by=person, until=until))
    return until


async def let_go(tx: Transaction, case: CaseFacts, person: StaffId) -> None:
    """Leave a case to others; nothing happens to one that someone is not on."""
    if case.claimed_by == person and rules.claim_runs(case, tx.now):
        follow(CASES, case.state, CaseLetGo, "case")
        await tx.append(CaseLetGo(case=case.id, by=person))


async def decide(tx: Transaction, case: CaseFacts, decision: DecisionId) -> None:
    """Mark a case as decided; its decision waits to be issued."""
    follow(CASES, case.state, CaseDecided, "case")
    await tx.append(CaseDecided(case=case.id, decision=decision))


async def reopen(tx: Transaction, case: CaseFacts, decision: DecisionId) -> None:
    """Open a case again because its decision was undone in time."""
    follow(CASES, case.state, CaseReopened, "case")
    await tx.append(CaseReopened(case=case.id, decision=decision))


async def close(tx: Transaction, case: Case, decision: DecisionId, covered: set[ContentId]) -> None:
    """Close a decided case; what the decision does not cover is looked at in another."""
    follow(CASES, case.state, CaseClosed, "case")
    left_over = await contents.load_many(tx, [member for member in case.members if member not in covered])
    for content in left_over:
        await tx.append(CaseLeft(case=case.id, content=content.id))
    await tx.append(CaseClosed(case=case.id, decision=decision))
    for content in left_over:
        await admit(tx, content, case.reason, signal=case.signal, around=case.content)


async def load_locked(tx: Transaction, case: CaseId) -> Case:
    """Load a case for change.

    Raises:
        NotFound: there is no such case.
    """
    loaded = await store.load(tx, case, lock=True)
    if loaded is None:
        raise NotFound("There is no such case.")
    return loaded


async def _load(tx: Transaction, content: ContentId) -> Content:
    loaded = await contents.load(tx, content)
    assert loaded is not None
    return loaded


async def _same_bytes_removed(tx: Transaction, content: Content) -> ContentId | None:
    if content.fingerprints is None:
        return None
    return await verdicts.removed_with(tx, content.fingerprints.sha256)
