"""Appeals: complaints and their judgement by other people.

May decide: who is shown the form. Those who voted for what a complaint is about are not; what others judged stays
hidden until the complaint is decided.
"""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.appeal import rules, steps, store
from tidegate.appeal.model import Appeal, Outcome, State
from tidegate.case import store as cases
from tidegate.console.door import Pages
from tidegate.console.forms import needed_choice, text_in
from tidegate.console.pages import render
from tidegate.content import store as contents
from tidegate.content.rules import MOST_WORDS_BYTES, check_text
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.decision.model import Decision
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import AppealId, DecisionId, StaffId
from tidegate.notice import store as notices
from tidegate.people.exposure import record_view
from tidegate.people.model import Permission, Session
from tidegate.web.door import Listener, node_of, session_of, staff

door = Pages(Listener.STAFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A row of the list."""

    appeal: Appeal
    late: bool
    involved: bool
    judged: bool


@door.get("/appeals", needs=Permission.SEE_APPEAL)
async def appeals_page(request: Request) -> Response:
    """List open complaints, the soonest due first."""
    reader = session_of(request).staff

    async def read(tx: Transaction) -> list[Complaint]:
        return [
            Complaint(
                appeal=appeal,
                late=rules.late(appeal, tx.now),
                involved=_involved(await contested(tx, appeal), reader),
                judged=any(judge == reader for judge, _ in appeal.votes),
            )
            for appeal in await store.not_decided(tx)
        ]

    return render(request, "staff/appeals.html", rows=await node_of(request).run(staff(request), read))


@door.get("/appeals/{appeal}", needs=Permission.SEE_APPEAL)
async def appeal_page(request: Request, appeal: str) -> Response:
    """Show a complaint: the statement of reasons, what the person says, and the decision."""
    identity, reader = AppealId.parse(appeal), session_of(request)
    shown = await node_of(request).run(staff(request), lambda tx: _read(tx, identity, reader))
    return render(request, "staff/appeal.html", outcomes=list(Outcome), **shown)


async def _read(tx: Transaction, identity: AppealId, reader: Session) -> dict[str, Any]:
    appeal = await store.load(tx, identity)
    if appeal is None:
        raise NotFound("There is no such complaint.")
    await record_view(tx, reader.staff, identity)
    content = await contents.load(tx, appeal.content)
    assert content is not None
    words = await read_detail(tx, appeal.content, store.words_part(appeal.id))
    involved = _involved(await contested(tx, appeal), reader.staff)
    judged = any(judge == reader.staff for judge, _ in appeal.votes)
    settled = appeal.state is State.DECIDED or Permission.READ_RECORD in reader.permissions
    return {
        "appeal": appeal,
        "late": rules.late(appeal, tx.now),
        "content": content,
        "facts": await contents.facts(tx, content),
        "statement": await notices.statement(tx, appeal.content, appeal.notice),
        "words": str(words["words"]) if words else None,
        "decision": await _decision_of(tx, appeal),
        "case": await cases.of_content(tx, appeal.content),
        "involved": involved,
        "judged": judged,
        "someone_judged": any(judge != reader.staff for judge, _ in appeal.votes),
        "may_judge": appeal.state is State.OPEN
        and Permission.JUDGE_APPEAL in reader.permissions
        and not involved
        and not judged,
        "may_see_picture": Permission.SEE_CONTENT_BYTES in reader.permissions,
        "judgements": await judgements(tx, appeal) if settled else [],
    }


async def judgements(tx: Transaction, appeal: Appeal) -> list[tuple[Outcome, str | None]]:
    """Give what was judged, with the reasons, naming nobody."""
    found = []
    for judge, outcome in appeal.votes:
        detail = await read_detail(tx, appeal.content, store.judgement_part(appeal.id, judge))
        found.append((outcome, str(detail["words"]) if detail else None))
    return found


async def contested(tx: Transaction, appeal: Appeal) -> Decision | None:
    """Give the decision in force that a complaint is about."""
    in_force = await decisions.in_force(tx, appeal.content)
    decision = await decisions.load(tx, in_force) if in_force else None
    return decision if decision is not None and decision.measure.restricts else None


def _involved(decision: Decision | None, reader: StaffId) -> bool:
    return decision is not None and reader in decision.voters


async def _decision_of(tx: Transaction, appeal: Appeal) -> Decision | None:
    """Give the decision in force or, when it was reversed meanwhile, the one the notice told of."""
    if (present := await contested(tx, appeal)) is not None:
        return present
    notice = await notices.load(tx, appeal.notice)
    told = notice["decision"] if notice else None
    return await decisions.load(tx, DecisionId(told)) if told else None


@door.post("/appeals/{appeal}/judgements", needs=Permission.JUDGE_APPEAL)
async def judge(request: Request, appeal: str) -> Response:
    """Judge a complaint; when enough agree it is decided and its effects follow."""
    identity, judge_ = AppealId.parse(appeal), session_of(request).staff
    form = await request.form()
    outcome, words = needed_choice(form, "outcome", Outcome), text_in(form, "words")
    check_text("words", words, most=MOST_WORDS_BYTES)
    await node_of(request).run(staff(request), lambda tx: steps.judge(tx, identity, judge_, outcome, words))
    return RedirectResponse(f"/appeals/{identity}", 303)
