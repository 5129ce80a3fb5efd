"""Giving verdicts and ending holds. May decide: nothing; ``rules.judge`` does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tidegate.content import facts
from tidegate.content import store as contents
from tidegate.content.model import (
    ClearUpload,
    Content,
    ContentBytesKept,
    ContentSubmitted,
    Fingerprints,
    Standing,
    Submission,
    Words,
    WordsRead,
)
from tidegate.content.rules import check_submission
from tidegate.content.steps import ask_for_bytes, edit
from tidegate.db.sealing import write_bytes, write_detail
from tidegate.db.transaction import Transaction
from tidegate.fingerprint.model import Unchecked
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.ids import AppealId, ContentId, DecisionId, StaffId
from tidegate.kernel.states import follow
from tidegate.match.beside import NOTHING, Beside
from tidegate.match.index import compare
from tidegate.match.model import BESIDE, Match
from tidegate.match.second import with_second
from tidegate.people.model import ProposalApproved, ProposalKind
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind, Label
from tidegate.verdict import rules, store
from tidegate.verdict.model import (
    HOLDS,
    RETRIED,
    BytesAllowed,
    BytesDoubted,
    BytesForgotten,
    BytesRemembered,
    HoldConfirmed,
    HoldLapsed,
    HoldReleased,
    LookAlikeHoldsSwitched,
    Reason,
    RemovedSentAgain,
    Verdict,
    VerdictGiven,
    VerdictKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload after fingerprinting and matching, before anything was written.

    ``data`` is None when the bytes were too large to keep; ``position`` is how far the index was when it searched.
    """

    submission: Submission
    fingerprints: Fingerprints
    unchecked: Unchecked | None
    matches: Sequence[Match]
    position: int
    data: bytes | memoryview | None
    #: The bytes are not at hand but sealed already where they stay if people must look.
    sealed: bool = False
    #: Under which id it was acknowledged before it was checked.
    acknowledged: ContentId | None = None
    #: Of a text whose bytes are at hand: what is compared of it.
    text: ReadText | None = None
    #: What stands around it. Its matches are among the others.
    beside: Beside = NOTHING
    #: It was published long ago and a new signal looks back at it: only exact bytes may be held then.
    looking_back: bool = False


class NotAtFullSize(Exception):
    """A signal that became known this moment is near to what a smaller decoding gave: check the bytes at full size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPolicy:
    """What a node may set below the floor."""

    hold_for: timedelta
    unchecked_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the platform is told."""

    content: ContentId
    revision: int
    verdict: Verdict
    #: People removed this very content with these bytes, and that stands: no machine holds it, and no time ends it.
    removed: bool = False


async def submit(tx: Transaction, upload: Upload, policy: HoldPolicy) -> Answer:
    """Give the verdict on an upload and write down what it asks for.

    Raises:
        RuleBroken: the surface is private (floor rule 13).
        Malformed: the submission is not well formed.
        NotAtFullSize: check the bytes again at full size.
    """
    check_submission(upload.submission)
    lookup = contents.lookup_digest(tx, upload.submission)
    contents.lock_identity(tx, lookup)
    position, known, clear, removed_as, look_alikes, key = await tx.ask(
        signals.hold_position(tx),
        contents.known_by(lookup),
        contents.clear_known_by(tx, lookup),
        store.removed_as(upload.fingerprints.sha256),
        store.look_alike_holds(),
        contents.todays_key(tx),
    )
    verdict = await _judge(tx, upload, known, _Standing(position, removed_as, look_alikes), policy)
    if known is not None and _same_bytes(known, upload.fingerprints):
        return await _again(tx, known, upload, verdict, policy)
    if verdict.kind is VerdictKind.CLEAR and known is None:
        return await _clear(tx, upload, lookup, clear, verdict, key)
    # What has a recorded life is not clear as well.
    clear = None if known else clear
    if clear is not None:
        contents.forget_clear(tx, clear.id)
    content = known.id if known else clear.id if clear else upload.acknowledged or tx.new(ContentId)
    revision = known.revision + 1 if known else _revision_after(clear, upload.fingerprints)
    await admit(tx, content, revision, upload.submission, upload.fingerprints, upload.beside.kept)
    await _give(tx, content, revision, verdict, upload.data, policy, sealed=upload.sealed)
    return Answer(content=content, revision=revision, verdict=verdict)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a verdict rests on besides the upload, as it stands in this transaction."""

    #: Of the newest signal; none changes until the transaction ends.
    position: int
    removed_as: frozenset[Label]
    look_alike_holds: bool


async def _judge(
    tx: Transaction, upload: Upload, known: Content | None, standing: _Standing, policy: HoldPolicy
) -> Verdict:
    """Ask the rules, with the signals as they stand in this transaction and not as an index remembered them."""
    position, sha256 = standing.position, upload.fingerprints.sha256
    matches = list(upload.matches)
    if position > upload.position:
        newer = await signals.after(tx, upload.position)
        changed = {signal.id for signal in newer}
        matches = [match for match in matches if match.signal not in changed]
        found = compare(upload.fingerprints, newer, upload.text)
        if found and upload.fingerprints.reduced and upload.data is not None:
            raise NotAtFullSize
        matches += [_without_letters(match) for match in (*found, *upload.beside.compare(newer))]
    matches = [match for match in matches if match.near]
    uploader = contents.uploader_digest(tx, upload.submission.service, upload.submission.uploader)
    # Only what would be held is held less for having been held before.
    holds = (
        await store.holds_of(tx, known.id if known else None, uploader, sha256)
        if matches or standing.removed_as
        else []
    )
    matched = await signals.load(tx, [match.signal for match in matches])
    return rules.judge(
        rules.Facts(
            account_class=upload.submission.account_class,
            surface=upload.submission.surface,
            fingerprints=upload.fingerprints,
            unchecked=upload.unchecked,
            matches=tuple(with_second(matches, upload.fingerprints, matched)),
            signals=matched,
            removed_as=standing.removed_as,
            holds=holds,
            position=position,
            look_alike_holds=not upload.looking_back and standing.look_alike_holds,
            hold_for=policy.hold_for,
        ),
        tx.now,
    )


def _without_letters(match: Match) -> Match:
    """Leave out the span of a text that was found here: nobody asked where in the text itself its letters stand."""
    return replace(match, span=None) if match.fingerprint_kind is FingerprintKind.TEXT else match


def _revision_after(clear: ClearUpload | None, fingerprints: Fingerprints) -> int:
    """Number the revision of an upload whose content was clear before, or new."""
    if clear is None:
        return 1
    return clear.revision if clear.fingerprints.sha256 == fingerprints.sha256 else clear.revision + 1


def _same_bytes(known: Content, fingerprints: Fingerprints) -> bool:
    return known.fingerprints is not None and known.fingerprints.sha256 == fingerprints.sha256


async def _again(tx: Transaction, known: Content, upload: Upload, verdict: Verdict, policy: HoldPolicy) -> Answer:
    """Answer for the same content sent again: a running hold stays as it is, and nothing is stretched.

    Words that are new around it are what people see from now on, and they look if something known stands there.
    """
    await take_words(tx, known, upload)
    if await store.is_removed(tx, known.id, known.revision):
        return await _still_removed(tx, known, upload, verdict, policy)
    running = await store.running_hold(tx, known.id)
    last = await store.latest(tx, known.id)
    # It was clear until someone flagged it, or until it was checked again; what is found now goes to people.
    clear_so_far = last is None or last["verdict"] == VerdictKind.CLEAR
    # A hold is over on time even while no worker runs that could write it down (floor rule 1).
    if running is not None and not rules.due_to_lapse(running, tx.now):
        assert last is not None
        verdict = replace(verdict, kind=VerdictKind.HOLD, reason=Reason(last["reason"]), held_until=running.expires_at)
    elif (
        verdict.kind is VerdictKind.HOLD
        or (clear_so_far and verdict.kind is not VerdictKind.CLEAR)
        or (running is None and await _newly_beside(tx, known.id, verdict))
    ):
        await _give(tx, known.id, known.revision, verdict, upload.data, policy, sealed=upload.sealed)
    elif last is None:
        pass
    elif last["verdict"] == VerdictKind.HOLD:
        verdict = replace(verdict, kind=VerdictKind.REVIEW, reason=Reason.HOLD_USED_UP)
    else:
        verdict = replace(verdict, kind=VerdictKind(last["verdict"]), reason=last["reason"] and Reason(last["reason"]))
    return Answer(content=known.id, revision=known.revision, verdict=verdict)


async def _still_removed(
    tx: Transaction, known: Content, upload: Upload, verdict: Verdict, policy: HoldPolicy
) -> Answer:
    """Have what people removed stay removed: a hold in its place would run out, and show it again.

    Until the platform hears their decision again, by an instruction newer than this answer, it does not show it.
    """
    if not known.bytes_kept:
        await _keep(tx, known.id, known.revision, upload.data, sealed=upload.sealed)
    await tx.append(RemovedSentAgain(content=known.id, revision=known.revision))
    until = tx.now + min(policy.hold_for, rules.LONGEST_HOLD)
    verdict = replace(verdict, kind=VerdictKind.HOLD, reason=Reason.DECIDED_BEFORE, held_until=until)
    return Answer(content=known.id, revision=known.revision, verdict=verdict, removed=True)


async def _clear(
    tx: Transaction,
    upload: Upload,
    lookup: bytes,
    before: ClearUpload | None,
    verdict: Verdict,
    key: bytes | None,
) -> Answer:
    """Write the one row of a clear upload; the same upload again writes none, but for other words around it."""
    same = before is not None and before.fingerprints.sha256 == upload.fingerprints.sha256
    if before is not None and same and _same_words(before.submission, upload.submission):
        return Answer(content=before.id, revision=before.revision, verdict=verdict)
    content = before.id if before else upload.acknowledged or tx.new(ContentId)
    revision = _revision_after(before, upload.fingerprints)
    if before is not None:
        contents.forget_clear(tx, content)
    contents.record_clear(
        tx,
        key or await contents.make_todays_key(tx),
        content,
        revision,
        lookup,
        upload.submission,
        upload.fingerprints,
        upload.beside.kept,
        verdict.position,
    )
    if not same:
        store.add_to_tally(tx, VerdictKind.CLEAR)
    return Answer(content=content, revision=revision, verdict=verdict)


async def admit(
    tx: Transaction,
    content: ContentId,
    revision: int,
    submission: Submission,
    fingerprints: Fingerprints,
    words: Words,
) -> None:
    """Begin the recorded life of a content, or of its next revision."""
    await write_detail(tx, content, facts.facts_part(revision), facts.facts_of(submission, fingerprints, words))
    await tx.append(
        ContentSubmitted(
            content=content,
            revision=revision,
            service=submission.service,
            content_kind=submission.kind,
            surface=submission.surface,
            account_class=submission.account_class,
            reach=submission.reach,
            language=submission.language,
            country=submission.country,
        )
    )


async def _give(
    tx: Transaction,
    content: ContentId,
    revision: int,
    verdict: Verdict,
    data: bytes | memoryview | None,
    policy: HoldPolicy,
    *,
    sealed: bool = False,
) -> None:
    sample = int.from_bytes(tx.randomness(6)) / 2**48
    for_people = rules.shown_to_people(verdict, sample, policy.unchecked_share)
    if for_people or rules.retried(verdict):
        await _keep(tx, content, revision, data, sealed=sealed)
    store.add_to_tally(tx, verdict.kind)
    await tx.append(
        VerdictGiven(
            content=content,
            revision=revision,
            verdict=verdict.kind,
            reason=verdict.reason,
            position=verdict.position,
            matches=verdict.matches,
            held_until=verdict.held_until,
            for_people=for_people,
        )
    )


def _same_words(one: Submission, other: Submission) -> bool:
    return (one.caption, one.link) == (other.caption, other.link)


async def take_words(tx: Transaction, known: Content, upload: Upload) -> None:
    """Take in the words around a content that is sent again, if they are others."""
    submission = upload.submission
    if known.caption != contents.words_digest(tx, submission.caption, submission.link):
        await contents.load(tx, known.id, lock=True)
        await edit(tx, known, caption=submission.caption, link=submission.link)
        await contents.learn_words(tx, known, submission, upload.beside.kept)


async def _newly_beside(tx: Transaction, content: ContentId, verdict: Verdict) -> bool:
    """Say whether something known stands beside a content that its last verdict did not rest on."""
    before = (await store.matches_on(tx, [content])).get(content, ())
    seen = {(match.signal, match.where) for match in before}
    return any(match.where in BESIDE and (match.signal, match.where) not in seen for match in verdict.matches)


async def _keep(
    tx: Transaction, content: ContentId, revision: int, data: bytes | memoryview | None, *, sealed: bool
) -> None:
    if sealed:
        await tx.append(ContentBytesKept(content=content, revision=revision))
    elif data is not None:
        await keep_bytes(tx, content, revision, data)


async def keep_bytes(tx: Transaction, content: ContentId, revision: int, data: bytes | memoryview) -> None:
    """Seal the bytes of a revision, so that people can look and nothing contested is destroyed."""
    await write_bytes(tx, content, facts.bytes_part(revision), data)
    await tx.append(ContentBytesKept(content=content, revision=revision))


async def judge_again(tx: Transaction, content: ContentId, upload: Upload, policy: HoldPolicy) -> Verdict | None:
    """Give a new verdict on a known revision: after a failed check, when bytes arrive, or when a new signal looks back.

    Returns None when nothing changed, and of what people removed: they have decided, and look at its bytes if it is
    objected to.
    """
    standing = await _standing(tx, upload)
    known = await contents.load(tx, content, lock=True)
    if known is None or known.standing is Standing.ERASED or not _same_bytes(known, upload.fingerprints):
        return None
    # A hold in its place would run out, and show it again.
    if await store.is_removed(tx, content, known.revision):
        if not known.bytes_kept:
            await _keep(tx, content, known.revision, upload.data, sealed=upload.sealed)
        return None
    verdict = await _judge(tx, upload, known, standing, policy)
    last = await store.latest(tx, content)
    running = await store.running_hold(tx, content)
    # What was never judged was clear until someone flagged it.
    before = last["verdict"] if last is not None else VerdictKind.CLEAR
    other_reason = before == VerdictKind.UNCHECKED and last is not None and last["reason"] != verdict.reason
    if running is not None or (before == verdict.kind and not other_reason):
        return None
    # Nobody looked at the bytes anew, so what could not be checked of them still is not.
    unseen = upload.looking_back and upload.data is None and not upload.sealed
    if unseen and before == VerdictKind.UNCHECKED and verdict.kind in {VerdictKind.CLEAR, VerdictKind.UNCHECKED}:
        return None
    data, sealed = (None, False) if known.bytes_kept else (upload.data, upload.sealed)
    await _learn_words(tx, known, upload)
    await _give(tx, content, known.revision, verdict, data, policy, sealed=sealed)
    return verdict


async def _learn_words(tx: Transaction, known: Content, upload: Upload) -> None:
    """Take in what was computed of the words around a content, where that could not be done before."""
    if known.words is WordsRead.NOT_YET:
        await contents.learn_words(tx, known, upload.submission, upload.beside.kept)


async def _judged_anew(
    tx: Transaction, content: ContentId, upload: Upload, policy: HoldPolicy
) -> tuple[Content, Verdict] | None:
    """Judge a recorded content by what is found now; None when it is erased, or has other bytes by now."""
    standing = await _standing(tx, upload)
    known = await contents.load(tx, content, lock=True)
    if known is None or known.standing is Standing.ERASED or not _same_bytes(known, upload.fingerprints):
        return None
    await _learn_words(tx, known, upload)
    return known, await _judge(tx, upload, known, standing, policy)


async def look_at_words(tx: Transaction, content: ContentId, upload: Upload, policy: HoldPolicy) -> Verdict | None:
    """Give a new verdict on a content whose caption or link changed, if something known stands there now.

    Returns None when nothing is found that its last verdict did not rest on, while it is held, or when the words are
    others by now. What waits to be checked again as a whole is checked with its words.
    """
    last = await store.latest(tx, content)
    if last is not None and last["verdict"] == VerdictKind.UNCHECKED and last["reason"] in RETRIED:
        return None
    judged = await _judged_anew(tx, content, upload, policy)
    if judged is None:
        return None
    known, verdict = judged
    if known.caption != contents.words_digest(tx, upload.submission.caption, upload.submission.link):
        return None
    # Words are no reason to hold anything (floor rule 1), and a hold that runs has its people.
    if verdict.kind is VerdictKind.HOLD or await store.running_hold(tx, content) is not None:
        return None
    if not await _newly_beside(tx, content, verdict):
        return None
    await _give(tx, content, known.revision, verdict, None, policy)
    return verdict


async def look_back(tx: Transaction, content: ContentId, upload: Upload, policy: HoldPolicy) -> Verdict | None:
    """Judge again what was published long ago; ask the platform for its bytes if people must look and have none.

    A clear upload gets a recorded life only if it is not clear now. Returns None when nothing changed.
    """
    contents.lock_identity(tx, contents.lookup_digest(tx, upload.submission))
    if await contents.load(tx, content) is None:
        verdict = await _of_clear(tx, content, upload, policy)
    else:
        verdict = await judge_again(tx, content, upload, policy)
    known = await contents.load(tx, content)
    if known is not None and verdict is not None and verdict.kind in {VerdictKind.REVIEW, VerdictKind.HOLD}:
        await ask_for_bytes(tx, known)
    return verdict


async def _of_clear(tx: Transaction, content: ContentId, upload: Upload, policy: HoldPolicy) -> Verdict | None:
    clear = await contents.find_clear(tx, content)
    # Deleted meanwhile, or replaced by other bytes or words, which were judged when they came.
    if clear is None or clear.fingerprints.sha256 != upload.fingerprints.sha256:
        return None
    if not _same_words(clear.submission, upload.submission):
        return None
    verdict = await _judge(tx, upload, None, await _standing(tx, upload), policy)
    if verdict.kind is VerdictKind.CLEAR:
        return None
    contents.forget_clear(tx, content)
    await admit(tx, content, clear.revision, clear.submission, clear.fingerprints, upload.beside.kept)
    await _give(tx, content, clear.revision, verdict, None, policy)
    return verdict


async def judge_without(
    tx: Transaction, content: ContentId, upload: Upload, decision: DecisionId | None, policy: HoldPolicy
) -> Verdict | None:
    """Judge a content again that rested on a signal which a decision withdrew, or on a domain someone took back.

    Nothing is held newly, and a hold that rests on something else goes on. Returns None when nothing changed.
    """
    judged = await _judged_anew(tx, content, upload, policy)
    if judged is None:
        return None
    known, verdict = judged
    before = (await store.matches_on(tx, [content])).get(content, ())
    gone = {match.signal for match in before} - {match.signal for match in verdict.matches}
    if verdict.kind is VerdictKind.HOLD or not gone:
        return None
    if decision is not None:  # a domain holds nothing
        await release_hold(tx, content, decision=decision)
    await _give(tx, content, known.revision, verdict, None if known.bytes_kept else upload.data, policy)
    return verdict


async def _standing(tx: Transaction, upload: Upload) -> _Standing:
    return _Standing(
        await tx.answer(signals.hold_position(tx)),
        await tx.answer(store.removed_as(upload.fingerprints.sha256)),
        await tx.answer(store.look_alike_holds()),
    )


async def lapse_due_holds(tx: Transaction) -> int:
    """End the holds whose time is over; the platform has done the same by its own clock."""
    due = await store.holds_due(tx, tx.now)
    for content in due:
        hold = await store.running_hold(tx, content)
        if hold is not None and rules.due_to_lapse(hold, tx.now):
            follow(HOLDS, hold.state, HoldLapsed, "hold")
            await tx.append(HoldLapsed(content=content, revision=hold.revision))
    return len(due)


async def release_hold(
    tx: Transaction, content: ContentId, *, decision: DecisionId | None = None, appeal: AppealId | None = None
) -> bool:
    """End a hold because people let the content go; say whether there was one."""
    hold = await store.running_hold(tx, content)
    if hold is not None:
        await tx.append(HoldReleased(content=content, revision=hold.revision, decision=decision, appeal=appeal))
    return hold is not None


async def confirm_hold(tx: Transaction, content: ContentId, decision: DecisionId) -> None:
    """End a hold because people decided to remove the content."""
    hold = await store.running_hold(tx, content)
    if hold is not None:
        follow(HOLDS, hold.state, HoldConfirmed, "hold")
        await tx.append(HoldConfirmed(content=content, revision=hold.revision, decision=decision))


async def remember_bytes(tx: Transaction, content: Content, decision: DecisionId, label: Label) -> None:
    """Have the bytes of a removed content come back to people, should they come back.

    Of the same bytes there only the newest decision stands.
    """
    await forget_decided(tx, content)
    await tx.append(BytesRemembered(content=content.id, revision=content.revision, decision=decision, label=label))


async def forget_bytes(tx: Transaction, content: ContentId, decision: DecisionId) -> None:
    """Undo that, because the decision was reversed."""
    await tx.append(BytesForgotten(content=content, decision=decision))


async def forget_decided(tx: Transaction, content: Content) -> None:
    """Undo that for the bytes a content has now, because people decide about them anew."""
    for decision in await store.remembered_by(tx, content.id, content.revision):
        await forget_bytes(tx, content.id, decision)


async def doubt_bytes(tx: Transaction, content: ContentId, decision: DecisionId) -> None:
    """Have no machine hold these bytes because of a decision that people look at again."""
    await tx.append(BytesDoubted(content=content, decision=decision))


async def allow_bytes(tx: Transaction, content: Content) -> None:
    """Have no machine hold these bytes again where people found that this uploader may show them."""
    if content.fingerprints is not None:
        await tx.append(BytesAllowed(content=content.id, revision=content.revision))


async def switch_on_look_alike_holds(tx: Transaction, happened: ProposalApproved) -> None:
    """Let look-alikes be held too, once two people want it (floor rules 1 and 4)."""
    if happened.proposal_kind is ProposalKind.LOOK_ALIKE_HOLDS_ON:
        await tx.append(LookAlikeHoldsSwitched(by=happened.proposed_by, second=happened.approved_by, on=True))


async def switch_off_look_alike_holds(tx: Transaction, by: StaffId) -> None:
    """End that; one person is enough to take power from a machine."""
    await tx.append(LookAlikeHoldsSwitched(by=by, second=None, on=False))
