"""Decisions: what was decided, how long it can be taken back. May decide: who may see one before it is in force."""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.console.door import Pages
from tidegate.console.pages import render
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Transaction
from tidegate.decision import steps, store
from tidegate.decision.model import Decision, State, Vote
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import CaseId, DecisionId
from tidegate.people.model import Permission, Session
from tidegate.people.store import name_of
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)

#: It is or was in force: from here on nobody votes on it again.
SETTLED = frozenset({State.ISSUED, State.REVERSED})


def may_see(decision: Decision, reader: Session) -> bool:
    """Say whether someone may see what was decided.

    Until it is in force it can be undone and voted on again, blind, so that only its voters may, and auditors, who
    never vote.
    """
    settled = decision.state in SETTLED
    return settled or reader.staff in decision.voters or Permission.READ_RECORD in reader.permissions


async def votes_with_words(tx: Transaction, case: CaseId) -> list[tuple[Vote, str | None, str | None]]:
    """Give the votes on a case, each with its voter's name and reasons."""
    found = []
    for vote in await store.votes_on(tx, case):
        detail = await read_detail(tx, vote.shown[0].content, f"vote/{vote.id}")
        words = str(detail["words"]) if detail else None
        found.append((vote, await name_of(tx, vote.voter), words))
    return found


@door.get("/decisions/{decision}", needs=Permission.SEE_CASE)
async def decision_page(request: Request, decision: str) -> Response:
    """Show a decision."""
    identity, reader = DecisionId.parse(decision), session_of(request)

    async def read(tx: Transaction) -> dict[str, object]:
        loaded = await store.load(tx, identity)
        if loaded is None:
            raise NotFound("There is no such decision.")
        seen = may_see(loaded, reader)
        return {
            "decision": loaded,
            "seen": seen,
            "votes": await votes_with_words(tx, loaded.case) if seen and loaded.state in SETTLED else [],
            "undoable": loaded.state is State.MADE and reader.staff in loaded.voters and tx.now < loaded.issue_at,
            "seconds_left": max(0, round((loaded.issue_at - tx.now).total_seconds())),
        }

    return render(request, "staff/decision.html", **await node_of(request).run(staff(request), read))


@door.post("/decisions/{decision}/undo", needs=Permission.VOTE)
async def undo(request: Request, decision: str) -> Response:
    """Take a decision back in time."""
    identity, voter = DecisionId.parse(decision), session_of(request).staff

    async def act(tx: Transaction) -> CaseId:
        await steps.undo(tx, identity, voter)
        undone = await store.load(tx, identity)
        assert undone is not None
        return undone.case

    case = await node_of(request).run(staff(request), act)
    return RedirectResponse(f"/cases/{case}?after={identity}", 303)
