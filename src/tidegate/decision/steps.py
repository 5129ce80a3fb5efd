"""Voting, undoing, issuing and reversing. May decide: nothing; ``rules`` and people do."""

from datetime import datetime

from tidegate.case import steps as cases
from tidegate.case import store as case_store
from tidegate.case.model import CASES, Case, CaseClaimed
from tidegate.case.rules import check_free
from tidegate.content import store as contents
from tidegate.db.sealing import write_detail
from tidegate.db.transaction import Transaction
from tidegate.decision import queue, rules, store
from tidegate.decision.model import (
    DECISIONS,
    Ballot,
    Decision,
    DecisionIssued,
    DecisionMade,
    DecisionReversed,
    DecisionUndone,
    VoteCast,
    VoteWithdrawn,
)
from tidegate.decision.policy import Policy
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import AppealId, CaseId, ContentId, DecisionId, SignalId, StaffId, VoteId
from tidegate.kernel.states import follow
from tidegate.signal import store as signals
from tidegate.verdict import store as verdicts


async def vote(
    tx: Transaction, case: CaseId, voter: StaffId, ballot: Ballot, policy: Policy, *, senior: bool
) -> DecisionId | None:
    """Cast a vote; when enough people agree the decision is made, to be issued after the undo time.

    Raises:
        NotFound, WrongState, RuleBroken, Malformed: see ``rules.check_ballot``; or someone else is on this case.
    """
    loaded = await cases.load_locked(tx, case)
    matter = await matter_of(tx, loaded, policy)
    votes = await store.votes_on(tx, case)
    rules.check_ballot(matter, ballot, votes, voter, senior=senior)
    check_free(loaded, voter, tx.now)
    assert ballot.exempt is not None
    identity = tx.new(VoteId)
    if ballot.words:
        await write_detail(tx, ballot.shown[0].content, f"vote/{identity}", {"words": ballot.words})
    await tx.append(
        VoteCast(
            vote=identity,
            case=case,
            voter=voter,
            measure=ballot.measure,
            ground=ballot.ground,
            provision=ballot.provision,
            exempt=ballot.exempt,
            label=ballot.label,
            shown=ballot.shown,
        )
    )
    await cases.let_go(tx, loaded, voter)
    return await _make_if_agreed(tx, loaded, matter, policy)


async def claim(tx: Transaction, case: CaseId, person: StaffId, *, senior: bool) -> datetime:
    """Say that one is on a case, or goes on being; give until when.

    Raises:
        NotFound: there is no such case.
        WrongState: it is decided or closed, someone else is on it, or they are on too many.
        RuleBroken: it does not wait for their vote.
    """
    loaded = await cases.load_locked(tx, case)
    follow(CASES, loaded.state, CaseClaimed, "case")
    rules.check_voter(await store.votes_on(tx, case), person, senior=senior)
    return await cases.claim(tx, loaded, person)


async def claim_next(tx: Transaction, person: StaffId, *, senior: bool, leaving: CaseId | None = None) -> CaseId | None:
    """Claim the first case of the queue that waits for this person and that nobody is on.

    When there is none, it is the first of those they are on already. The one they are ``leaving`` is let go, and the
    next is looked for down the queue from there, so that whoever passes some over comes to the others.

    Raises:
        NotFound: there is no such case to leave.
        WrongState: they are on too many.
    """
    if leaving is not None:
        await cases.let_go(tx, await cases.load_locked(tx, leaving), person)
    following = await queue.first_free(tx, person, senior=senior, beyond=leaving)
    if following is None:
        return next(iter(await case_store.claimed_by(tx, person)), None)
    await claim(tx, following, person, senior=senior)
    return following


async def matter_of(tx: Transaction, case: Case, policy: Policy) -> rules.Matter:
    """Load all that a vote on a case is about."""
    members = await contents.load_many(tx, case.members)
    confirmed = False
    if case.signal is not None:
        confirmed = any(signal.own_people for signal in await signals.load(tx, [case.signal]))
    elif case.content is not None:
        anchor = await contents.load(tx, case.content)
        known = anchor.fingerprints if anchor else None
        confirmed = known is not None and bool(await tx.answer(verdicts.removed_as(known.sha256)))
    return rules.Matter(case=case, contents=members, signal_confirmed=confirmed, policy=policy)


async def _make_if_agreed(tx: Transaction, case: Case, matter: rules.Matter, policy: Policy) -> DecisionId | None:
    agreed = rules.outcome(matter, await store.votes_on(tx, case.id))
    if agreed is None:
        return None
    first = agreed.votes[0]
    decision = tx.new(DecisionId)
    await tx.append(
        DecisionMade(
            decision=decision,
            case=case.id,
            reason=case.reason,
            measure=agreed.measure,
            ground=first.ground,
            provision=first.provision,
            exempt=first.exempt,
            label=agreed.label,
            people=agreed.people,
            new_signal=rules.makes_signal(matter, agreed.measure),
            votes=tuple(vote.id for vote in agreed.votes),
            voters=tuple(vote.voter for vote in agreed.votes),
            contents=agreed.contents,
            issue_at=tx.now + policy.undo_for,
        )
    )
    await cases.decide(tx, case, decision)
    return decision


async def undo(tx: Transaction, decision: DecisionId, by: StaffId) -> None:
    """Take a decision back before it takes effect; the case is open again, without the vote of who undid it.

    Raises:
        NotFound, WrongState, RuleBroken: see ``rules.check_undo``.
    """
    case, loaded = await _load_locked(tx, decision)
    rules.check_undo(loaded, by, tx.now)
    await tx.append(DecisionUndone(decision=decision, case=case.id, by=by))
    for cast in await store.votes_on(tx, case.id):
        if cast.voter == by:
            await tx.append(VoteWithdrawn(vote=cast.id, case=case.id))
    await cases.reopen(tx, case, decision)


async def issue(tx: Transaction, decision: DecisionId, policy: Policy) -> bool:
    """Put a decision in force when its undo time has passed; say whether it was put in force now.

    When what changed since the votes needs a person more, it is taken back and the case waits for that person.
    """
    # Signals first: what a decision does to them must never wait for a verdict that waits for this case.
    await signals.lock_positions(tx)
    case, loaded = await _load_locked(tx, decision)
    if not rules.may_issue(loaded, tx.now):
        return False
    members = await contents.load_many(tx, case.members, lock=True)
    covered = rules.covered_at_issue(case, loaded, members)
    if rules.second_person_missing(await matter_of(tx, case, policy), loaded, covered):
        await tx.append(DecisionUndone(decision=decision, case=case.id, by=None))
        await cases.reopen(tx, case, decision)
        return False
    await tx.append(
        DecisionIssued(
            decision=decision,
            case=case.id,
            reason=loaded.reason,
            measure=loaded.measure,
            ground=loaded.ground,
            provision=loaded.provision,
            exempt=loaded.exempt,
            label=loaded.label,
            people=loaded.people,
            new_signal=loaded.new_signal,
            contents=covered,
        )
    )
    await cases.close(tx, case, decision, {shown.content for shown in covered})
    return True


async def due(tx: Transaction) -> list[DecisionId]:
    """List the decisions whose undo time has passed, to be issued each in a transaction of its own."""
    return await store.due(tx, tx.now)


async def reverse(
    tx: Transaction, decision: Decision, appeal: AppealId, contents_: tuple[ContentId, ...], *, whole: bool
) -> None:
    """Reverse a decision, for some contents or altogether; what it made known is then known no more."""
    follow(DECISIONS, decision.state, DecisionReversed, "decision")
    confirmed: tuple[SignalId, ...] = ()
    if whole:
        confirmed = tuple(signal.id for signal in await signals.of_decision(tx, decision.id))
    await tx.append(
        DecisionReversed(decision=decision.id, appeal=appeal, contents=contents_, whole=whole, signals=confirmed)
    )


async def _load_locked(tx: Transaction, decision: DecisionId) -> tuple[Case, Decision]:
    """Lock the case first, then the decision."""
    loaded = await store.load(tx, decision)
    if loaded is None:
        raise NotFound("There is no such decision.")
    case = await cases.load_locked(tx, loaded.case)
    locked = await store.load(tx, decision, lock=True)
    assert locked is not None
    return case, locked
