"""A case: what is in view, and the vote.

May decide: what a voter sees. Words first, pictures only while a button is held. Nothing of what others voted is
shown before a decision is in force: "someone voted" is all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from tidegate.case import store
from tidegate.case.model import Case, State
from tidegate.console.decision import SETTLED, may_see, votes_with_words
from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, needed_choice, text_in
from tidegate.console.pages import render
from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.content.rules import MOST_WORDS_BYTES, check_text
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Row, Transaction
from tidegate.decision import steps
from tidegate.decision import store as decisions
from tidegate.decision.model import Ballot, Exempt, Ground, Measure, Provision, Shown
from tidegate.enforcement import store as enforcement
from tidegate.enforcement.model import Restriction
from tidegate.flag import store as flags
from tidegate.kernel.errors import Malformed, NotFound
from tidegate.kernel.ids import CaseId, ContentId
from tidegate.match.model import Match
from tidegate.people.exposure import record_view
from tidegate.people.model import Permission, Role, Session
from tidegate.signal import store as signals
from tidegate.signal.model import Label, Signal
from tidegate.verdict import store as verdicts
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A content of a case, as its voters see it."""

    content: Content
    facts: dict[str, Any] | None
    restriction: Restriction
    held_until: datetime | None
    verdict: Row | None
    matches: list[tuple[Match, Signal | None]]
    reports: list[tuple[Row, str | None]]

    @property
    def shown(self) -> Shown:
        """What a vote about it covers."""
        return Shown(self.content.id, self.content.revision)


@door.get("/cases/{case}", needs=Permission.SEE_CASE)
async def case_page(request: Request, case: str) -> Response:
    """Show a case."""
    identity, reader = CaseId.parse(case), session_of(request)
    shown = await node_of(request).run(staff(request), lambda tx: _read(tx, identity, reader))
    return render(
        request, "staff/case.html", measures=list(Measure), exempts=list(Exempt), grounds=list(Ground),
        provisions=list(Provision), labels=list(Label), **shown,
    )  # fmt: skip


async def _read(tx: Transaction, identity: CaseId, reader: Session) -> dict[str, object]:
    case = await store.load(tx, identity)
    if case is None:
        raise NotFound("There is no such case.")
    await record_view(tx, reader.staff, identity)
    members = [await _member(tx, content) for content in await contents.load_many(tx, case.members)]
    votes = await decisions.votes_on(tx, identity)
    made = await decisions.of_case(tx, identity)
    voted = any(vote.voter == reader.staff for vote in votes)
    in_force = any(decision.state in SETTLED for decision in made)
    settled = in_force or Permission.READ_RECORD in reader.permissions
    return {
        "case": case,
        "members": members,
        "known": await signals.load(tx, [case.signal]) if case.signal else [],
        "someone_voted": any(vote.voter != reader.staff for vote in votes),
        "voted": voted,
        "disagree": case.state is State.OPEN and len(votes) > 1,
        "may_vote": case.state is State.OPEN and not voted and Permission.VOTE in reader.permissions,
        "may_see_picture": Permission.SEE_CONTENT_BYTES in reader.permissions,
        "decisions": [(decision, may_see(decision, reader)) for decision in made],
        "votes": await votes_with_words(tx, identity) if settled else [],
    }


async def _member(tx: Transaction, content: Content) -> Member:
    matches = await verdicts.matches_on(tx, content.id)
    known = {signal.id: signal for signal in await signals.load(tx, [match.signal for match in matches])}
    reports = []
    for row in await flags.listed(tx, content.id):
        detail = await read_detail(tx, content.id, f"flag/{row['flag']}")
        reports.append((row, str(detail["words"]) if detail else None))
    ends = await verdicts.holds_until(tx, [content.id])
    return Member(
        content=content,
        facts=await contents.facts(tx, content),
        restriction=(await enforcement.restriction(tx, content.id))[0],
        held_until=ends.get(content.id),
        verdict=await verdicts.latest(tx, content.id),
        matches=[(match, known.get(match.signal)) for match in matches],
        reports=reports,
    )


@door.post("/cases/{case}/votes", needs=Permission.VOTE)
async def cast_vote(request: Request, case: str) -> Response:
    """Vote; when enough agree, a decision is made that can be undone for a while."""
    identity, voter, node = CaseId.parse(case), session_of(request), node_of(request)
    ballot = read_ballot(await request.form())
    senior = Role.SENIOR_REVIEWER in voter.roles
    await node.run(
        staff(request),
        lambda tx: steps.vote(tx, identity, voter.staff, ballot, node.settings.policy, senior=senior),
    )
    return RedirectResponse(f"/cases/{identity}", 303)


def read_ballot(form: FormData) -> Ballot:
    """Read a vote; what is missing stays missing, so that the rules can ask for it.

    Raises:
        Malformed: a choice that is not one of the list, or what was in view does not read back.
    """
    words = text_in(form, "words")
    check_text("words", words, most=MOST_WORDS_BYTES)
    return Ballot(
        measure=needed_choice(form, "measure", Measure),
        exempt=choice_in(form, "exempt", Exempt),
        ground=choice_in(form, "ground", Ground),
        provision=choice_in(form, "provision", Provision),
        label=choice_in(form, "label", Label),
        shown=tuple(dict.fromkeys(_shown(str(text)) for text in form.getlist("shown"))),
        words=words,
    )


def _shown(text: str) -> Shown:
    content, _, revision = text.rpartition(":")
    if not revision.isascii() or not revision.isdigit() or len(revision) > 9:  # noqa: PLR2004 - no content has so many
        raise Malformed("What you had in view does not read back: reload the case.", reference="shown")
    return Shown(ContentId.parse(content), int(revision))


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
