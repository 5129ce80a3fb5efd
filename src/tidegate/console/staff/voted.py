"""What came of someone's own last vote, said on the next page they see.

May decide: who is told. A decision that is not in force is shown to those who voted for it and to nobody else.
"""

from dataclasses import dataclass

from tidegate.case import store as cases
from tidegate.case.model import State as CaseState
from tidegate.db.transaction import Transaction
from tidegate.decision import store
from tidegate.decision.model import Decision, State
from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import CaseId, DecisionId
from tidegate.people.model import Permission, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """One's own vote, and the decision it led to, if it did."""

    case: CaseId
    decision: Decision | None
    disagree: bool
    #: One's vote counts, or was taken back.
    counts: bool
    undoable: bool
    seconds_left: int


async def voted(tx: Transaction, after: str, reader: Session) -> Voted | None:
    """Say what came of a vote; ``after`` is the id of the decision, or of the case when there is none yet."""
    try:
        if after.startswith(DecisionId.word):
            decision = await store.load(tx, DecisionId.parse(after))
            return await _decided(tx, decision, reader) if decision and reader.staff in decision.voters else None
        return await _waits(tx, CaseId.parse(after), reader)
    except Malformed:
        return None


async def _decided(tx: Transaction, decision: Decision, reader: Session) -> Voted:
    left = max(0, round((decision.issue_at - tx.now).total_seconds()))
    votes = await store.votes_on(tx, decision.case)
    return Voted(
        case=decision.case,
        decision=decision,
        disagree=False,
        counts=any(vote.voter == reader.staff for vote in votes),
        undoable=decision.state is State.MADE and left > 0 and Permission.VOTE in reader.permissions,
        seconds_left=left,
    )


async def _waits(tx: Transaction, identity: CaseId, reader: Session) -> Voted | None:
    case = await cases.load(tx, identity)
    votes = await store.votes_on(tx, identity)
    if case is None or case.state is not CaseState.OPEN or all(vote.voter != reader.staff for vote in votes):
        return None
    return Voted(case=identity, decision=None, disagree=len(votes) > 1, counts=True, undoable=False, seconds_left=0)
