"""Appeals: complaints and their judgement by other people.

May decide: who is shown the form, and who sees what a person sent. Those who voted for what a complaint is about are
shown neither; what others judged stays hidden until the complaint is decided. A judge has in view what the person was
told, with the rule as it stood then, what they say, and what would follow from each outcome.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from tidegate.appeal import rules, steps, store
from tidegate.appeal.model import Appeal, Outcome, State
from tidegate.case import store as cases
from tidegate.console.door import Pages
from tidegate.console.forms import needed_choice, text_in
from tidegate.console.language import LANGUAGES, language_of, translations
from tidegate.console.pages import render
from tidegate.console.words import WORDS
from tidegate.content import store as contents
from tidegate.content.rules import MOST_WORDS_BYTES, check_text
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Transaction
from tidegate.decision import store as decisions
from tidegate.decision.model import Decision
from tidegate.exposure.store import record_view
from tidegate.kernel.errors import Malformed, NotFound, RuleBroken, TidegateError, WrongState
from tidegate.kernel.ids import AppealId, DecisionId, StaffId
from tidegate.notice import store as notices
from tidegate.notice.rules import days_left
from tidegate.people.model import Permission, Session
from tidegate.web.door import Listener, node_of, session_of, staff
from tidegate.web.problems import TABLE

door = Pages(Listener.STAFF)


class Show(StrEnum):
    """Which complaints the list shows."""

    OPEN = "open"
    MINE = "mine"
    LATE = "late"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A row of the list."""

    appeal: Appeal
    days_left: int
    late: bool
    decision: Decision | None
    involved: bool
    judged: bool

    def listed(self, show: Show, *, judges: bool) -> bool:
        """Say whether a choice of the list shows it."""
        if show is Show.LATE:
            return self.late
        return show is not Show.MINE or (judges and not self.involved and not self.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a judge had typed when something was wrong with it."""

    outcome: str = ""
    words: str = ""


NOTHING_TYPED = Typed()


@door.get("/appeals", needs=Permission.SEE_APPEAL)
async def appeals_page(request: Request) -> Response:
    """List complaints, the soonest due first; the address says which."""
    reader = session_of(request)
    wanted = request.query_params.get("show", "")
    show = Show(wanted) if wanted in set(Show) else Show.OPEN
    judges = Permission.JUDGE_APPEAL in reader.permissions

    async def read(tx: Transaction) -> list[Complaint]:
        found = await (store.decided(tx) if show is Show.DECIDED else store.not_decided(tx))
        rows = [await _row(tx, appeal, reader.staff) for appeal in found]
        return [row for row in rows if row.listed(show, judges=judges)]

    rows = await node_of(request).run(staff(request), read)
    shows = [choice for choice in Show if judges or choice is not Show.MINE]
    return render(request, "staff/appeals.html", rows=rows, show=show, shows=shows)


async def _row(tx: Transaction, appeal: Appeal, reader: StaffId) -> Complaint:
    decision = await contested(tx, appeal)
    return Complaint(
        appeal=appeal,
        days_left=days_left(appeal.due_at, tx.now),
        late=rules.late(appeal, tx.now),
        decision=decision,
        involved=await is_involved(tx, appeal, decision, reader),
        judged=any(judge == reader for judge, _ in appeal.votes),
    )


@door.get("/appeals/{appeal}", needs=Permission.SEE_APPEAL)
async def appeal_page(request: Request, appeal: str) -> Response:
    """Show a complaint: the statement of reasons, what the person says, and the decision."""
    return await _page(request, AppealId.parse(appeal))


async def _page(
    request: Request, identity: AppealId, typed: Typed = NOTHING_TYPED, refused: TidegateError | None = None
) -> Response:
    reader = session_of(request)
    shown = await node_of(request).run(staff(request), lambda tx: _read(tx, identity, reader))
    written_in = shown["written_in"]
    response = render(
        request, "staff/appeal.html", outcomes=list(Outcome), languages_known=LANGUAGES, most_words=rules.MOST_WORDS,
        they_read={outcome: _they_read(outcome, written_in) for outcome in Outcome},
        same_language=written_in == language_of(request), typed=typed, refused=refused, **shown,
    )  # fmt: skip
    if refused is not None:
        response.status_code = TABLE[refused.kind][0]
    return response


def _they_read(outcome: Outcome, language: str) -> str:
    """Give the sentence the person will read, in their language."""
    words = WORDS["outcome_found"][outcome]
    return str(translations(language).gettext(words))


async def _read(tx: Transaction, identity: AppealId, reader: Session) -> dict[str, Any]:
    appeal = await loaded(tx, identity)
    await record_view(tx, reader.staff, identity)
    content = await contents.load(tx, appeal.content)
    assert content is not None
    said = await read_detail(tx, appeal.content, store.words_part(appeal.id))
    decision = await contested(tx, appeal)
    involved = await is_involved(tx, appeal, decision, reader.staff)
    judged = any(judge == reader.staff for judge, _ in appeal.votes)
    settled = appeal.state is State.DECIDED or Permission.READ_RECORD in reader.permissions
    present = await steps.restrictions(tx, appeal, [decision] if decision else [])
    return {
        "appeal": appeal,
        "now": tx.now,
        "days_left": days_left(appeal.due_at, tx.now),
        "late": rules.late(appeal, tx.now),
        "content": content,
        "facts": await contents.facts(tx, content),
        "statement": await notices.statement(tx, appeal.content, appeal.notice),
        "words": str(said["words"]) if said else None,
        # Those from before it was asked were written on the English or the Chinese page: nobody knows which.
        "written_in": str(said.get("language", "en")) if said else "en",
        "decision": decision or await _told_of(tx, appeal),
        "people": steps.people_needed([decision] if decision else []),
        "case": await cases.of_content(tx, appeal.content),
        "involved": involved,
        "judged": judged,
        "someone_judged": any(judge != reader.staff for judge, _ in appeal.votes),
        "may_judge": appeal.state is State.OPEN
        and Permission.JUDGE_APPEAL in reader.permissions
        and not involved
        and not judged,
        "may_see_picture": Permission.SEE_CONTENT_BYTES in reader.permissions,
        "may_see_evidence": Permission.SEE_CONTENT_BYTES in reader.permissions and not involved,
        "follows": {outcome: rules.consequences(outcome, appeal, present) for outcome in Outcome},
        "judgements": await store.judgements(tx, appeal) if settled else [],
    }


async def loaded(tx: Transaction, identity: AppealId) -> Appeal:
    """Load a complaint.

    Raises:
        NotFound: there is none.
    """
    appeal = await store.load(tx, identity)
    if appeal is None:
        raise NotFound("There is no such complaint.")
    return appeal


async def contested(tx: Transaction, appeal: Appeal) -> Decision | None:
    """Give the decision in force that a complaint is about."""
    in_force = await decisions.in_force(tx, appeal.content)
    decision = await decisions.load(tx, in_force) if in_force else None
    return decision if decision is not None and decision.measure.restricts else None


async def is_involved(tx: Transaction, appeal: Appeal, decision: Decision | None, reader: StaffId) -> bool:
    """Say whether someone voted on what a complaint is about, whichever way; they do not judge it."""
    return reader in await steps.involved(tx, appeal.content, [decision] if decision else [])


async def _told_of(tx: Transaction, appeal: Appeal) -> Decision | None:
    """Give the decision the notice told of, which may have been reversed meanwhile."""
    notice = await notices.load(tx, appeal.notice)
    told = notice["decision"] if notice else None
    return await decisions.load(tx, DecisionId(told)) if told else None


@door.post("/appeals/{appeal}/judgements", needs=Permission.JUDGE_APPEAL)
async def judge(request: Request, appeal: str) -> Response:
    """Judge a complaint; when enough agree it is decided and its effects follow. A refused judgement is not lost."""
    identity, judge_ = AppealId.parse(appeal), session_of(request).staff
    form = await request.form()
    words = text_in(form, "words")
    try:
        outcome = needed_choice(form, "outcome", Outcome)
        check_text("words", words, most=MOST_WORDS_BYTES)
        await node_of(request).run(staff(request), lambda tx: steps.judge(tx, identity, judge_, outcome, words))
    except (Malformed, RuleBroken, WrongState) as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return await _page(request, identity, Typed(outcome=text_in(form, "outcome"), words=words), error)
    return RedirectResponse(f"/appeals/{identity}", 303)
