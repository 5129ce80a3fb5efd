"""Voting: what it would do, casting it, and where one goes then.

May decide: nothing about the vote itself; ``decision.rules`` do. A vote that is refused comes back with all that was
chosen and written, and with the reason. A preview says nothing of what others voted.
"""

from typing import Any

from fastapi import Request
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from tidegate.case.model import CASES, CaseDecided
from tidegate.console.door import Pages
from tidegate.console.forms import choice_in, text_in
from tidegate.console.language import LANGUAGES, language_of
from tidegate.console.pages import environment, explained, render
from tidegate.console.staff.case import load_case, show_case
from tidegate.console.staff.preview import Foreseen, foresee
from tidegate.content.rules import MOST_WORDS_BYTES, check_text
from tidegate.db.transaction import Transaction
from tidegate.decision import steps
from tidegate.decision.answers import Answers, Question, ballot_of, unanswered
from tidegate.decision.model import Exempt, Ground, Measure, Provision, Shown
from tidegate.decision.policy import Policy
from tidegate.decision.rules import check_reasons, check_shown
from tidegate.kernel.errors import Malformed, RuleBroken, TidegateError, WrongState
from tidegate.kernel.ids import CaseId, ContentId, DecisionId
from tidegate.kernel.states import follow
from tidegate.people.model import Permission, Role, Session
from tidegate.signal.model import Label
from tidegate.web.door import Listener, node_of, session_of, staff
from tidegate.web.problems import TABLE

door = Pages(Listener.STAFF)

#: What the form's first question sends for "it breaks no rule".
NONE_BROKEN = "none"


def read_answers(form: FormData) -> Answers:
    """Read a vote; what is missing stays missing, so that the rules can ask for it.

    Raises:
        Malformed: a choice that is not one of the list, or what was in view does not read back.
    """
    words = text_in(form, "words")
    check_text("words", words, most=MOST_WORDS_BYTES)
    none_broken = text_in(form, "provision") == NONE_BROKEN
    return Answers(
        measure=choice_in(form, "measure", Measure),
        exempt=choice_in(form, "exempt", Exempt),
        ground=choice_in(form, "ground", Ground),
        provision=None if none_broken else choice_in(form, "provision", Provision),
        none_broken=none_broken,
        label=choice_in(form, "label", Label),
        shown=tuple(dict.fromkeys(_shown(str(text)) for text in form.getlist("shown"))),
        words=words,
    )


def _shown(text: str) -> Shown:
    content, _, revision = text.rpartition(":")
    if not revision.isascii() or not revision.isdigit() or len(revision) > 9:  # noqa: PLR2004 - no content has so many
        raise Malformed("What you had in view does not read back: reload the case.", reference="shown")
    return Shown(ContentId.parse(content), int(revision))


# --- before ---


@door.post("/cases/{case}/preview", needs=Permission.VOTE)
async def preview(request: Request, case: str) -> Response:
    """Show what a vote would do, or which question is open; nothing is written."""
    identity, node = CaseId.parse(case), node_of(request)
    answers = read_answers(await request.form())
    policy = node.settings.policy
    foreseen, refused = await node.run(staff(request), lambda tx: _foresee(tx, identity, answers, policy))
    return render(
        request,
        "staff/case/preview.html",
        foreseen=foreseen,
        notices=_texts(foreseen, language_of(request)) if foreseen else [],
        names=LANGUAGES,
        question=unanswered(answers),
        questions=Question,
        problem=explained(request, refused) if refused else None,
    )


def _texts(foreseen: Foreseen, reader: str) -> list[tuple[str, Markup, int, bool]]:
    """Give the notices as they will read; once more in the voter's own language where none is in it."""
    texts = [
        (told.language, notice_text(told.statement, told.language), told.readers, False) for told in foreseen.notices
    ]
    if texts and all(language != reader for language, *_ in texts):
        texts.append((reader, notice_text(foreseen.notices[0].statement, reader), foreseen.notices[0].readers, True))
    return texts


def notice_text(statement: dict[str, Any], language: str) -> Markup:
    """Write a statement of reasons as its reader will see it."""
    template = environment(language).get_template("staff/case/notice.html")
    return Markup(template.render(statement=statement, language=language))  # noqa: S704 - escaped by the template


async def _foresee(
    tx: Transaction, case: CaseId, answers: Answers, policy: Policy
) -> tuple[Foreseen | None, TidegateError | None]:
    loaded = await load_case(tx, case)
    matter = await steps.matter_of(tx, loaded, policy)
    try:
        follow(CASES, loaded.state, CaseDecided, "case")
        if answers.shown:
            check_shown(matter, answers.shown)
        if unanswered(answers) is not None:
            return None, None
        ballot = ballot_of(answers)
        check_reasons(ballot)
    except (Malformed, RuleBroken, WrongState) as error:
        return None, error
    return await foresee(tx, matter, ballot), None


# --- casting ---


@door.post("/cases/{case}/votes", needs=Permission.VOTE)
async def cast_vote(request: Request, case: str) -> Response:
    """Vote; when enough agree, a decision is made that can be undone for a while."""
    identity, voter, node = CaseId.parse(case), session_of(request), node_of(request)
    form = await request.form()
    answers = read_answers(form)
    senior = Role.SENIOR_REVIEWER in voter.roles
    try:
        ballot = ballot_of(answers)
        decision = await node.run(
            staff(request),
            lambda tx: steps.vote(tx, identity, voter.staff, ballot, node.settings.policy, senior=senior),
        )
    except (Malformed, RuleBroken, WrongState) as error:
        return await _refused(request, identity, answers, error)
    if text_in(form, "then") != "next":
        return RedirectResponse(f"/cases/{identity}", 303)
    return await _go_on(request, voter, decision or identity)


async def _refused(request: Request, case: CaseId, answers: Answers, error: TidegateError) -> Response:
    """Give a person their form back with everything they chose, and a program its problem document."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    response = await show_case(request, case, answers=answers, refused=error)
    response.status_code = TABLE[error.kind][0]
    return response


async def _go_on(request: Request, voter: Session, voted: CaseId | DecisionId) -> Response:
    """Take the next case, in a transaction of its own: the vote is in, whatever becomes of it."""
    senior = Role.SENIOR_REVIEWER in voter.roles
    following = await node_of(request).run(staff(request), lambda tx: steps.claim_next(tx, voter.staff, senior=senior))
    return RedirectResponse(
        f"/cases/{following}?after={voted}" if following else f"/queue?nothing=1&after={voted}", 303
    )
