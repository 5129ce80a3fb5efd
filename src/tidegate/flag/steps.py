"""Raising and answering flags. May decide: nothing; people decide what comes of a flag."""

from dataclasses import dataclass

from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.content.rules import MOST_ID_BYTES, MOST_WORDS_BYTES, check_text
from tidegate.db.sealing import write_detail
from tidegate.db.transaction import Transaction
from tidegate.flag import store
from tidegate.flag.model import FLAGS, FlagAnswered, FlagRaised, Outcome
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import ContentId, DecisionId, FlagId, ServiceId
from tidegate.kernel.states import follow
from tidegate.signal.model import Label
from tidegate.verdict.steps import admit


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What someone reports, as their platform passes it on."""

    content: ContentId
    label: Label | None
    trusted: bool
    reporter: str
    words: str


async def raise_flag(tx: Transaction, service: ServiceId, report: Report) -> tuple[FlagId, Content]:
    """Write a flag down; a content that was clear until now begins its recorded life.

    Raises:
        NotFound: this service never showed us such a content.
        Malformed: a text is too long or not in normal form C.
    """
    check_text("reporter", report.reporter, most=MOST_ID_BYTES, needed=True)
    check_text("words", report.words, most=MOST_WORDS_BYTES)
    content = await _known(tx, service, report.content)
    flag = tx.new(FlagId)
    await write_detail(tx, content.id, f"flag/{flag}", {"reporter": report.reporter, "words": report.words})
    await tx.append(
        FlagRaised(flag=flag, content=content.id, service=service, label=report.label, trusted=report.trusted)
    )
    return flag, content


async def _known(tx: Transaction, service: ServiceId, wanted: ContentId) -> Content:
    content = await contents.load(tx, wanted)
    clear = await contents.find_clear(tx, wanted) if content is None else None
    if clear is not None and clear.submission.service == service:
        contents.lock_identity(tx, contents.lookup_digest(tx, clear.submission))
        if await contents.load(tx, clear.id) is None:
            await admit(tx, clear.id, clear.revision, clear.submission, clear.fingerprints, clear.words)
            contents.forget_clear(tx, clear.id)
        content = await contents.load(tx, clear.id)
    if content is None or content.service != service:
        raise NotFound("This content was never submitted by your service: send it with POST /v1/content first.")
    return content


async def answer(tx: Transaction, content: ContentId, outcome: Outcome, decision: DecisionId) -> None:
    """Tell everyone who flagged a content what came of it."""
    for flag, state in await store.on_content(tx, content):
        follow(FLAGS, state, FlagAnswered, "flag")
        await tx.append(FlagAnswered(flag=flag, outcome=outcome, decision=decision))
