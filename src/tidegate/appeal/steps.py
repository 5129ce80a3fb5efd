"""Filing and judging complaints. May decide: nothing; ``rules`` and other people do."""

from tidegate.appeal import rules, store
from tidegate.appeal.model import Appeal, AppealDecided, AppealOpened, AppealVoteCast, Outcome, State
from tidegate.case import store as cases
from tidegate.content.rules import MOST_WORDS_BYTES, check_text
from tidegate.db.sealing import write_detail
from tidegate.db.transaction import Row, Transaction
from tidegate.decision import store as decisions
from tidegate.decision.model import Decision
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import AppealId, ContentId, NoticeId, StaffId


async def file(tx: Transaction, notice: Row, words: str) -> AppealId:
    """Write a complaint down and start its clock; it is free and needs no account.

    Raises:
        WrongState: see ``rules.check_filing``.
        Malformed: nothing said, too much, or not in normal form C.
    """
    check_text("words", words, most=MOST_WORDS_BYTES, needed=True)
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
    await write_detail(tx, content, f"appeal/{appeal}", {"words": words})
    await tx.append(AppealOpened(appeal=appeal, notice=notice_id, content=content, due_at=tx.now + rules.DUE_IN))
    return appeal


async def contested_decisions(tx: Transaction, appeal: Appeal) -> list[Decision]:
    """Give the decision in force about the content, if there is one; a hold has none."""
    in_force = await decisions.in_force(tx, appeal.content)
    decision = await decisions.load(tx, in_force, lock=True) if in_force else None
    return [] if decision is None or not decision.measure.restricts else [decision]


async def _voted(tx: Transaction, content: ContentId, contested: list[Decision]) -> set[StaffId]:
    """Find everyone whose vote on the content stands: for it, against it, or waiting for a second one."""
    looked_at = await cases.of_content(tx, content)
    every = {decision.case for decision in contested} | ({looked_at.id} if looked_at else set())
    return {vote.voter for case in sorted(every) for vote in await decisions.votes_on(tx, case)}


async def judge(tx: Transaction, appeal: AppealId, judge_: StaffId, found: Outcome, words: str) -> Outcome | None:
    """Cast a judgement; when enough agree, the complaint is decided and its effects follow.

    Raises:
        NotFound, WrongState, RuleBroken: see ``rules.check_judge``.
    """
    loaded = await store.load(tx, appeal, lock=True)
    if loaded is None:
        raise NotFound("There is no such complaint.")
    contested = await contested_decisions(tx, loaded)
    rules.check_judge(loaded, contested, judge_, words, voted=await _voted(tx, loaded.content, contested))
    await write_detail(tx, loaded.content, f"judgement/{appeal}/{judge_}", {"words": words})
    await tx.append(AppealVoteCast(appeal=appeal, voter=judge_, outcome=found))
    loaded = await store.load(tx, appeal)
    assert loaded is not None
    people = contested[0].people if contested else 1
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
