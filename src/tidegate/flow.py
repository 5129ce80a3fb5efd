"""The story as one table: event -> what follows, ``with`` it (same transaction) or ``after`` it (job).

May decide: nothing. It is the one place that knows all stages; read the two tables at the end first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tidegate.appeal import store as appeals
from tidegate.appeal.model import AppealDecided, AppealOpened, Outcome
from tidegate.case import steps as cases
from tidegate.case import store as case_store
from tidegate.case.model import Reason as CaseReason
from tidegate.content import store as contents
from tidegate.content.model import Content, ContentBytesWanted, ContentEdited, ContentKind, Look
from tidegate.content.rules import kept_until
from tidegate.content.steps import forget
from tidegate.db.jobs import VIDEOS, defer
from tidegate.db.transaction import Deferral, Follower, Projection, Story, Transaction
from tidegate.decision import steps as decisions
from tidegate.decision import store as decision_store
from tidegate.decision.model import DecisionIssued, DecisionReversed
from tidegate.enforcement import steps as enforcement
from tidegate.enforcement import store as enforcement_store
from tidegate.enforcement.model import Action, Cause, Instructed, Resent
from tidegate.enforcement.rules import ACTIONS, lift, next_restriction
from tidegate.flag import steps as flags
from tidegate.flag import store as flag_store
from tidegate.flag.model import FlagRaised
from tidegate.flag.model import Outcome as FlagOutcome
from tidegate.kernel.event import Event
from tidegate.kernel.ids import ContentId, DecisionId
from tidegate.ledger import leaf
from tidegate.ledger import steps as ledger
from tidegate.match.model import QUALITY_FLOOR
from tidegate.notice import steps as notices
from tidegate.notice import store as notice_store
from tidegate.notice.model import Ended
from tidegate.people import store as people_store
from tidegate.people.model import ProposalApproved
from tidegate.signal import steps as signals
from tidegate.signal import store as signal_store
from tidegate.signal.model import FingerprintKind, Label, Provenance, SignalConfirmed, SignalWithdrawn
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.verdict.model import HoldLapsed, HoldReleased, RemovedSentAgain, VerdictGiven, VerdictKind

# --- a verdict ---


async def restrict_held(tx: Transaction, happened: VerdictGiven) -> None:
    """A hold is a restriction: statement, way to complain, instruction and public row at its start (floor rule 1)."""
    content = await _content(tx, happened.content)
    if happened.verdict is VerdictKind.HOLD:
        restriction, _ = await enforcement_store.restriction(tx, content.id, lock=True)
        if next_restriction(restriction, Action.HOLD) is None:
            return  # A measure on the account includes this content; its notice stands and stays the one to object to.
        notice = await notices.tell_of_hold(tx, content, happened)
        await enforcement.instruct(tx, content, Action.HOLD, Cause.MATCH, expires_at=happened.held_until, notice=notice)
        await ledger.queue(tx, leaf.of_verdict(happened, content))
    elif await enforcement.instruct(tx, content, Action.RELEASE, Cause.MATCH) is not None:
        await notices.end(tx, content.id, Ended.REPLACED)


async def say_removal_again(tx: Transaction, happened: RemovedSentAgain) -> None:
    """The platform may be about to show what people removed: it hears their decision once more."""
    await enforcement.say_again(tx, await _content(tx, happened.content))


async def let_go_lapsed(tx: Transaction, happened: HoldLapsed) -> None:
    """Nobody decided in time: it is shown again, and that is public."""
    content = await _content(tx, happened.content)
    if await enforcement.instruct(tx, content, Action.RELEASE, Cause.TIME_LIMIT) is None:
        return  # It was under a measure on the account all the time.
    await notices.end(tx, content.id, Ended.LAPSED)
    await ledger.queue(tx, leaf.of_lapse(happened, content))


async def let_go_released(tx: Transaction, happened: HoldReleased) -> None:
    """People let it go."""
    content = await _content(tx, happened.content)
    cause = Cause.DECISION if happened.decision else Cause.APPEAL
    released = await enforcement.instruct(
        tx, content, Action.RELEASE, cause, decision=happened.decision, appeal=happened.appeal
    )
    if released is None:
        return  # It was under a measure on the account all the time.
    await notices.end(tx, content.id, Ended.RELEASED)
    decision = await decision_store.load(tx, happened.decision) if happened.decision else None
    await ledger.queue(tx, leaf.of_release(happened, content, decision.people if decision else 1))


# --- a decision ---


async def carry_out_decision(tx: Transaction, happened: DecisionIssued) -> None:
    """Everything a decision does, to exactly the contents it covers."""
    covered = await contents.load_many(tx, [shown.content for shown in happened.contents])
    for content in covered:
        if happened.measure.restricts:
            await _remove(tx, happened, content)
        elif not await verdicts.release_hold(tx, content.id, decision=happened.decision):
            await _restore(tx, happened, content)
        outcome = FlagOutcome.REMOVED if happened.measure.restricts else FlagOutcome.LEFT_UP
        await flags.answer(tx, content.id, outcome, happened.decision)


async def _remove(tx: Transaction, happened: DecisionIssued, content: Content) -> None:
    await verdicts.confirm_hold(tx, content.id, happened.decision)
    assert happened.label is not None
    await verdicts.remember_bytes(tx, content, happened.decision, happened.label)
    notice = await notices.tell_of_decision(tx, content, happened)
    await enforcement.instruct(
        tx, content, ACTIONS[happened.measure], Cause.DECISION, notice=notice, decision=happened.decision
    )
    await ledger.queue(tx, leaf.of_decision(happened, [content]), _account_tag(tx, content))
    if happened.new_signal:
        await _make_known(tx, happened, content)


async def _restore(tx: Transaction, happened: DecisionIssued, content: Content) -> None:
    """People looked at what is not held, and it may stay up, or be shown again."""
    restriction, _ = await enforcement_store.restriction(tx, content.id)
    action = lift(restriction)
    # Whatever is known of it later: people looked at this very content, and let it stand.
    await verdicts.forget_decided(tx, content)
    await verdicts.allow_bytes(tx, content)
    if action is not None:
        await enforcement.instruct(tx, content, action, Cause.DECISION, decision=happened.decision)
        await notices.end(tx, content.id, Ended.REVERSED)
        await ledger.queue(tx, leaf.of_second_look(happened, content))


async def _make_known(tx: Transaction, happened: DecisionIssued, content: Content) -> None:
    """Two people found it for the first time: from now on it is known (floor rule 4)."""
    assert happened.label is not None
    fingerprints = content.fingerprints
    if fingerprints is None:
        return
    values = [(FingerprintKind.SHA256, fingerprints.sha256)]
    if fingerprints.address:
        # Never its host: that speaks of other people's pages, too.
        values.append((FingerprintKind.URL, fingerprints.address.encode()))
    for kind, value in values:
        signal = await signals.add(tx, kind, value, (happened.label,), Provenance.OWN)
        await signals.confirm(tx, signal, (happened.label,), happened.decision)
    if not fingerprints.reduced:
        await _make_looks_known(tx, happened.decision, happened.label, fingerprints.looks)


async def _make_looks_known(tx: Transaction, decision: DecisionId, label: Label, looks: Sequence[Look]) -> None:
    """Make known how a picture looks at full size: as stored, without its border, and its frames."""
    for look in looks:
        if look.quality >= QUALITY_FLOOR:
            signal = await signals.add(tx, FingerprintKind.PDQ, look.pdq[0], (label,), Provenance.OWN)
            await signals.confirm(tx, signal, (label,), decision, second=look.second)


async def know_frames(tx: Transaction, decision: DecisionId, content: Content, frames: bytes) -> None:
    """What people found is known by its frames, too, if what they decided still stands."""
    loaded = await decision_store.load(tx, decision, lock=True)
    if loaded is None or loaded.label is None or await decision_store.in_force(tx, content.id) != decision:
        return
    signal = await signals.add(tx, FingerprintKind.VIDEO, frames, (loaded.label,), Provenance.OWN)
    await signals.confirm(tx, signal, (loaded.label,), decision)


async def undo_decision(tx: Transaction, happened: DecisionReversed) -> None:
    """A reversal undoes every effect (floor rule 6): content, account, memory of the bytes, signal, count."""
    decision = await decision_store.load(tx, happened.decision)
    assert decision is not None
    for content in await contents.load_many(tx, happened.contents):
        restriction, _ = await enforcement_store.restriction(tx, content.id)
        action = lift(restriction)
        if action is not None:
            await enforcement.instruct(tx, content, action, Cause.APPEAL, appeal=happened.appeal)
        await verdicts.forget_bytes(tx, content.id, happened.decision)
        await verdicts.allow_bytes(tx, content)
        await notices.end(tx, content.id, Ended.REVERSED)
        await flags.answer(tx, content.id, FlagOutcome.LEFT_UP, happened.decision)
        await ledger.queue(tx, leaf.of_reversal(happened, [content], decision), _account_tag(tx, content))
    await signals.withdraw(tx, happened.signals, happened.decision)


async def look_again(tx: Transaction, happened: SignalWithdrawn) -> None:
    """What rested on a withdrawn signal is looked at again by people."""
    resting = await verdict_store.resting_on(tx, happened.signal)
    anchors: dict[bytes | None, ContentId] = {}
    for content in await contents.load_many(tx, await decision_store.restricted_by(tx, resting)):
        decision = await decision_store.in_force(tx, content.id)
        if decision is not None:
            # Until people have looked again, a machine must not hold these bytes because of that decision.
            await verdicts.doubt_bytes(tx, content.id, decision)
        case = await case_store.of_content(tx, content.id)
        if case is None or case.state == "closed":
            same_bytes = content.fingerprints.sha256 if content.fingerprints else None
            around = anchors.setdefault(same_bytes, content.id)
            await cases.admit(tx, content, CaseReason.SIGNAL_WITHDRAWN, around=around)


# --- a complaint ---


async def carry_out_judgement(tx: Transaction, happened: AppealDecided) -> None:
    """What other people found, done at once."""
    content = await _content(tx, happened.content)
    await ledger.queue(tx, leaf.of_judgement(happened, content))
    if happened.outcome is Outcome.UPHELD:
        return
    if happened.decision is None:
        if await verdicts.release_hold(tx, content.id, appeal=happened.appeal):
            case = await case_store.of_content(tx, content.id)
            if case is not None and case.state == "open":
                await cases.leave(tx, case.id, content.id)
        return
    decision = await decision_store.load(tx, happened.decision)
    assert decision is not None
    whole = happened.outcome is Outcome.NOT_TERRORIST
    every = tuple(shown.content for shown in decision.contents)
    still = await decision_store.restricted_by(tx, every if whole else [content.id])
    await decisions.reverse(tx, decision, happened.appeal, tuple(still), whole=whole)


async def publish_complaint(tx: Transaction, happened: AppealOpened) -> None:
    """Count every complaint in public."""
    await ledger.queue(tx, leaf.of_complaint(happened, await _content(tx, happened.content)))


async def publish_signal(tx: Transaction, happened: SignalConfirmed) -> None:
    """Count what became known."""
    await ledger.queue(tx, leaf.of_confirmed_signal(happened))


async def publish_withdrawal(tx: Transaction, happened: SignalWithdrawn) -> None:
    """Count what is known no more."""
    await ledger.queue(tx, leaf.of_withdrawn_signal(happened))


async def regroup(tx: Transaction, happened: ContentEdited) -> None:
    """Other words are looked at apart."""
    await cases.regroup(tx, happened.content)


# --- after the commit ---


async def deliver_later(tx: Transaction, happened: Instructed) -> None:
    """Carry the instruction to the platform."""
    # No lock: a newer instruction must not wait until an older one's back-off is over; its sequence keeps the order.
    await defer(tx, "deliver", instruction=str(happened.instruction))


async def deliver_again(tx: Transaction, happened: Resent) -> None:
    """Carry a dead letter to the platform once more."""
    await defer(tx, "deliver", instruction=str(happened.instruction))


async def know_videos_later(tx: Transaction, happened: DecisionIssued) -> None:
    """Every frame of a video takes time to read; until then it is known by its bytes."""
    if not (happened.new_signal and happened.measure.restricts):
        return
    for content in await contents.load_many(tx, [shown.content for shown in happened.contents]):
        if content.kind is ContentKind.VIDEO:
            await defer(tx, "know_video", queue=VIDEOS, content=str(content.id), decision=str(happened.decision))


async def look_back_later(tx: Transaction, happened: SignalConfirmed) -> None:
    """A new signal looks back over everything with a lower position."""
    await defer(tx, "look_back", lock="look_back", signal=str(happened.signal))


async def make_known_later(tx: Transaction, happened: DecisionIssued) -> None:
    """What a decided text comes down to, and how a picture looks at full size if it was looked at smaller, is read in
    the jail, so its signals follow after the commit.
    """
    if not happened.new_signal:
        return
    for content in await contents.load_many(tx, [shown.content for shown in happened.contents]):
        if content.kind is ContentKind.TEXT:
            await defer(tx, "make_text_known", decision=str(happened.decision), content=str(content.id))
        elif content.fingerprints is not None and content.fingerprints.reduced:
            await defer(tx, "make_looks_known", decision=str(happened.decision), content=str(content.id))


async def make_looks_known(tx: Transaction, decision: DecisionId, content: ContentId, looks: Sequence[Look]) -> None:
    """Add the signals of how a decided picture looks, if the decision still stands."""
    await signal_store.lock_positions(tx)
    loaded = await decision_store.load(tx, decision)
    if loaded is None or loaded.label is None or await decision_store.in_force(tx, content) != decision:
        return
    await _make_looks_known(tx, decision, loaded.label, looks)


async def make_text_known(tx: Transaction, decision: DecisionId, content: ContentId, letters: str) -> None:
    """Add the signal of a decided text, if the decision still stands."""
    await signal_store.lock_positions(tx)
    loaded = await decision_store.load(tx, decision)
    if loaded is None or loaded.label is None or await decision_store.in_force(tx, content) != decision:
        return
    signal = await signals.add(tx, FingerprintKind.TEXT, letters.encode(), (loaded.label,), Provenance.OWN)
    await signals.confirm(tx, signal, (loaded.label,), decision)


async def look_again_later(tx: Transaction, happened: SignalWithdrawn) -> None:
    """What nobody decided about yet is judged again without the signal."""
    decision = str(happened.decision) if happened.decision else None
    await defer(tx, "look_again", signal=str(happened.signal), decision=decision)


async def ask_later(tx: Transaction, happened: ContentBytesWanted) -> None:
    """Ask the platform for bytes."""
    await defer(tx, "ask_for_bytes", content=str(happened.content), ask=str(happened.ask))


# --- forgetting ---


async def forget_due(tx: Transaction, after: ContentId | None) -> ContentId | None:
    """Erase what nothing can contest any more (floor rule 7), a page at a time; give where the next page begins."""
    page = await contents.not_erased(tx, after)
    ids = [content.id for content in page]
    decided = await decision_store.last_decided(tx, ids)
    windows = await notice_store.latest_complaint_until(tx, ids)
    contested = await case_store.contested(tx, ids) | await appeals.contested(tx, ids)
    for content in page:
        removed_at, left_up_at = decided.get(content.id, (None, None))
        until = kept_until(
            removed_at=removed_at,
            left_up_at=left_up_at,
            complaint_until=windows.get(content.id),
            contested=content.id in contested,
        )
        await forget(tx, content, until)
    return ids[-1] if ids else None


async def _content(tx: Transaction, content: ContentId) -> Content:
    loaded = await contents.load(tx, content)
    assert loaded is not None
    return loaded


def _account_tag(tx: Transaction, content: Content) -> str | None:
    """Tag an account, the same within a year and unlinkable across years, so that accounts can be counted."""
    if content.uploader is None:
        return None
    return tx.keys.lookup("account-tag", str(tx.now.year), content.uploader)[:16].hex()


WITH: dict[type[Event], Sequence[Follower]] = {
    VerdictGiven: (restrict_held, cases.look_at_verdict),
    RemovedSentAgain: (say_removal_again,),
    HoldLapsed: (let_go_lapsed,),
    HoldReleased: (let_go_released,),
    FlagRaised: (cases.look_at_flag,),
    ContentEdited: (regroup,),
    DecisionIssued: (carry_out_decision,),
    DecisionReversed: (undo_decision,),
    SignalConfirmed: (publish_signal,),
    SignalWithdrawn: (publish_withdrawal, look_again),
    AppealOpened: (publish_complaint,),
    AppealDecided: (carry_out_judgement,),
    ProposalApproved: (verdicts.switch_on_look_alike_holds, signals.confirm_domain),
}

AFTER: dict[type[Event], Sequence[Deferral]] = {
    DecisionIssued: (know_videos_later, make_known_later),
    Instructed: (deliver_later,),
    Resent: (deliver_again,),
    SignalConfirmed: (look_back_later,),
    SignalWithdrawn: (look_again_later,),
    ContentBytesWanted: (ask_later,),
}

#: Every stage with views, in the order of the tree.
STAGES = (
    people_store,
    contents,
    signal_store,
    verdict_store,
    flag_store,
    case_store,
    decision_store,
    enforcement_store,
    notice_store,
    appeals,
)


def _projections() -> Mapping[type[Event], Sequence[Projection]]:
    every: dict[type[Event], list[Projection]] = defaultdict(list)
    for stage in STAGES:
        for kind, projection in stage.PROJECTIONS.items():
            every[kind].append(projection)
    return every


VIEWS: tuple[str, ...] = tuple(view for stage in STAGES for view in stage.VIEWS)

STORY = Story(
    projections=_projections(),
    with_it=WITH,
    after_it=AFTER,
    projections_of_many={kind: (projection,) for kind, projection in signal_store.PROJECTIONS_OF_MANY.items()},
)
