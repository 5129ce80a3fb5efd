"""Filing and judging complaints. May decide: nothing; ``rules`` and other people do."""

from collections.abc import Sequence

from tidegate.appeal import rules, store
from tidegate.appeal.model import (
    Appeal,
    AppealDecided,
    AppealEvidenceAdded,
    AppealOpened,
    AppealVoteCast,
    Outcome,
    State,
)
from tidegate.case import store as cases
from tidegate.db.sealing import write_bytes, write_detail
from tidegate.db.transaction import Row, Transaction
from tidegate.decision import store as decisions
from tidegate.decision.model import Decision
from tidegate.flag import store as flags
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import AppealId, ContentId, NoticeId, StaffId
from tidegate.signal import store as signals
from tidegate.signal.model import Standing
from tidegate.verdict import store as verdicts


async def file(
    tx: Transaction, notice: Row, words: str, *, language: str = "en", evidence: Sequence[bytes] = ()
) -> AppealId:
    """Write a complaint down and start its clock; it is free and needs no account.

    Args:
        tx: the transaction.
        notice: what it is about.
        words: what the person says.
        language: the language they read the page in.
        evidence: pictures they send, as the jail encoded them anew.

    Raises:
        WrongState: see ``rules.check_filing``.
        Malformed: see ``rules.check_complaint``.
    """
    rules.check_complaint(words, len(evidence))
    notice_id, content = NoticeId(notice["id"]), ContentId(notice["content"])
    # Two clicks at once must not become two complaints.
    await tx.execute("SELECT 1 FROM notice WHERE id = %(id)s FOR UPDATE", id=notice_id)
    before = await store.of_notice(tx, notice_id)
    rules.check_filing(
        complaint_until=notice["complaint_until"],
        open_already=before is not None and before.state is State.OPEN,
        decided_already=before is not None and before.state is State.DECIDED,
        now=tx.now,
    )
    appeal = tx.new(AppealId)
    await write_detail(tx, content, store.words_part(appeal), {"words": words, "language": language})
    await tx.append(AppealOpened(appeal=appeal, notice=notice_id, content=content, due_at=tx.now + rules.DUE_IN))
    for number, picture in enumerate(evidence, 1):
        await write_bytes(tx, content, store.evidence_part(appeal, number), picture)
        await tx.append(AppealEvidenceAdded(appeal=appeal, content=content, number=number))
    return appeal


async def contested_decisions(tx: Transaction, appeal: Appeal) -> list[Decision]:
    """Give the decision in force about the content, if there is one; a hold has none."""
    in_force = await decisions.in_force(tx, appeal.content)
    decision = await decisions.load(tx, in_force, lock=True) if in_force else None
    return [] if decision is None or not decision.measure.restricts else [decision]


async def involved(tx: Transaction, content: ContentId, contested: Sequence[Decision]) -> set[StaffId]:
    """Find everyone whose vote on the content stands: for it, against it, or waiting for a second one."""
    looked_at = await cases.of_content(tx, content)
    every = {decision.case for decision in contested} | ({looked_at.id} if looked_at else set())
    voted = {vote.voter for case in sorted(every) for vote in await decisions.votes_on(tx, case)}
    return voted.union(*(decision.voters for decision in contested))


def people_needed(contested: Sequence[Decision]) -> int:
    """Say how many judges must agree: as many as decided; one about a machine's hold."""
    return contested[0].people if contested else 1


async def restrictions(tx: Transaction, appeal: Appeal, contested: Sequence[Decision]) -> rules.Restrictions:
    """Give what is in force that this complaint could undo."""
    decision = contested[0] if contested else None
    every = [shown.content for shown in decision.contents] if decision else []
    known = await signals.of_decision(tx, decision.id) if decision else []
    return rules.Restrictions(
        decision=decision,
        restricted=await decisions.restricted_by(tx, every),
        signals=[signal.id for signal in known if signal.standing is not Standing.WITHDRAWN],
        held=await verdicts.running_hold(tx, appeal.content) is not None,
        reports={content: len(await flags.on_content(tx, content)) for content in every},
    )


async def judge(tx: Transaction, appeal: AppealId, judge_: StaffId, found: Outcome, words: str) -> Outcome | None:
    """Cast a judgement; when enough agree, the complaint is decided and its effects follow.

    Raises:
        NotFound, WrongState, RuleBroken: see ``rules.check_judge``.
    """
    loaded = await store.load(tx, appeal, lock=True)
    if loaded is None:
        raise NotFound("There is no such complaint.")
    contested = await contested_decisions(tx, loaded)
    rules.check_judge(loaded, contested, judge_, words, voted=await involved(tx, loaded.content, contested))
    await write_detail(tx, loaded.content, store.judgement_part(appeal, judge_), {"words": words})
    await tx.append(AppealVoteCast(appeal=appeal, voter=judge_, outcome=found))
    loaded = await store.load(tx, appeal)
    assert loaded is not None
    people = people_needed(contested)
    agreed = rules.outcome(loaded, people)
    if agreed is not None:
        await tx.append(
            AppealDecided(
                appeal=appeal,
                notice=loaded.notice,
                content=loaded.content,
                decision=contested[0].id if contested else None,
                outcome=agreed,
                people=people,
            )
        )
    return agreed
