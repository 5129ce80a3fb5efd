"""A case: why people look at it, what is in view, and how it stands.

May decide: what a voter sees. Words first, pictures only while a button is held. Nothing of what others voted is
shown before a decision is in force: "someone voted" is all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response

from tidegate.case import store
from tidegate.case.model import Case, State
from tidegate.case.rules import claim_runs
from tidegate.console.door import Pages
from tidegate.console.pages import explained, render
from tidegate.console.staff.decision import SETTLED, may_see, votes_with_words
from tidegate.console.staff.members import Member, members_of
from tidegate.console.staff.voted import voted
from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.db.transaction import Transaction
from tidegate.decision import steps
from tidegate.decision import store as decisions
from tidegate.decision.answers import Answers, Question, unanswered
from tidegate.decision.model import LABELS, Exempt, Measure, Provision
from tidegate.decision.policy import MOST_ALONE, Policy
from tidegate.decision.rules import DISAGREEING, why_two
from tidegate.exposure.store import record_view
from tidegate.kernel.errors import NotFound, TidegateError
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.match.model import Match
from tidegate.people.model import Permission, Role, Session
from tidegate.signal import store as signals
from tidegate.signal.model import Label
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the members say together, for the words at the top."""

    nearest: Match | None
    farthest: Match | None
    languages: list[str]
    surfaces: list[str]
    reach: int
    held_until: datetime | None
    reports: int
    trusted_reports: int


def summary_of(members: list[Member]) -> Summary:
    """Sum up the members."""
    matches = sorted((member.nearest for member in members if member.nearest), key=lambda match: match.distance)
    reports = [row for member in members for row, _ in member.reports]
    return Summary(
        nearest=matches[0] if matches else None,
        farthest=matches[-1] if matches else None,
        languages=sorted({str(member.content.language) for member in members if member.content.language}),
        surfaces=sorted({member.content.surface for member in members}),
        reach=max((member.content.reach for member in members), default=0),
        held_until=min((member.held_until for member in members if member.held_until), default=None),
        reports=len(reports),
        trusted_reports=sum(1 for row in reports if row["trusted"]),
    )


@door.get("/cases/{case}", needs=Permission.SEE_CASE)
async def case_page(request: Request, case: str) -> Response:
    """Show a case."""
    return await show_case(request, CaseId.parse(case))


async def show_case(
    request: Request, identity: CaseId, *, answers: Answers | None = None, refused: TidegateError | None = None
) -> Response:
    """Show a case; with what was chosen and why it was refused, when a vote on it was."""
    reader, node = session_of(request), node_of(request)

    async def read(tx: Transaction) -> dict[str, Any]:
        await record_view(tx, reader.staff, (await load_case(tx, identity)).id)
        return {
            **await _in_view(tx, identity, reader, node.settings.policy),
            **await _standing(tx, identity, reader),
            "after": await voted(tx, request.query_params.get("after", ""), reader),
        }

    return render(
        request, "staff/case.html", measures=list(Measure), exempts=list(Exempt), provisions=list(Provision),
        labels=list(Label), labels_of=LABELS, most_alone=MOST_ALONE, chosen=answers, questions=Question,
        question=unanswered(answers) if answers and refused else None,
        refused=explained(request, refused) if refused else None,
        **await node.run(staff(request), read),
    )  # fmt: skip


@door.get("/cases/{case}/status", needs=Permission.SEE_CASE, quiet=True)
async def status(request: Request, case: str) -> Response:
    """Show how a case stands now, as a part of its page; the form someone is filling in stays untouched."""
    identity, reader = CaseId.parse(case), session_of(request)

    async def read(tx: Transaction) -> dict[str, Any]:
        await load_case(tx, identity)
        return await _standing(tx, identity, reader)

    return render(request, "staff/case/status.html", **await node_of(request).run(staff(request), read))


async def _in_view(tx: Transaction, identity: CaseId, reader: Session, policy: Policy) -> dict[str, Any]:
    case = await load_case(tx, identity)
    members = await members_of(tx, case.members)
    matter = await steps.matter_of(tx, case, policy)
    return {
        "members": members,
        "summary": summary_of(members),
        "known": await signals.load(tx, [case.signal]) if case.signal else [],
        "why": {measure: why_two(matter, measure, matter.contents) for measure in (Measure.REMOVE, Measure.KEEP)},
        "may_see_picture": Permission.SEE_CONTENT_BYTES in reader.permissions,
    }


async def _standing(tx: Transaction, identity: CaseId, reader: Session) -> dict[str, Any]:
    """Say how a case stands, without anything of what others voted before a decision is in force."""
    case = await load_case(tx, identity)
    votes = await decisions.votes_on(tx, identity)
    made = await decisions.of_case(tx, identity)
    mine = any(vote.voter == reader.staff for vote in votes)
    disagree = case.state is State.OPEN and len(votes) >= DISAGREEING
    asked = case.state is State.OPEN and not mine and (not disagree or Role.SENIOR_REVIEWER in reader.roles)
    settled = any(decision.state in SETTLED for decision in made)
    return {
        "case": case,
        "now": tx.now,
        "someone_voted": case.state is State.OPEN and any(vote.voter != reader.staff for vote in votes),
        "mine": mine,
        "disagree": disagree,
        "may_vote": asked and Permission.VOTE in reader.permissions,
        "claimed_until": case.claimed_until if claim_runs(case, tx.now) else None,
        "claimed_by_reader": case.claimed_by == reader.staff,
        "decisions": [(decision, may_see(decision, reader)) for decision in made],
        "votes": await votes_with_words(tx, identity) if settled else [],
    }


async def load_case(tx: Transaction, identity: CaseId) -> Case:
    """Load a case.

    Raises:
        NotFound: there is none.
    """
    case = await store.load(tx, identity)
    if case is None:
        raise NotFound("There is no such case.")
    return case


async def member_of(tx: Transaction, case: CaseId, content: ContentId) -> Content:
    """Load a content as a member of a case.

    Raises:
        NotFound: there is no such case, or it is not in it.
    """
    loaded: Case | None = await store.load(tx, case)
    found = await contents.load(tx, content) if loaded is not None and content in loaded.members else None
    if found is None:
        raise NotFound("There is no such content in this case.")
    return found
