"""Acknowledging an upload before it is checked, and judging it once it is.

May decide: nothing; ``verdict`` judges. What is acknowledged is durable: its bytes are sealed in the transaction that
says so, and stay until there is a verdict.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tidegate.checking import store
from tidegate.checking.model import TAKEN_FOR, Waiting
from tidegate.content import store as contents
from tidegate.content.facts import bytes_part
from tidegate.content.model import Fingerprints, Submission
from tidegate.content.rules import check_submission
from tidegate.db.jobs import VIDEOS, defer, pending
from tidegate.db.sealing import erase, erase_part, write_bytes
from tidegate.db.transaction import Transaction
from tidegate.kernel.ids import ContentId, ServiceId
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.verdict.model import VerdictKind
from tidegate.verdict.steps import Answer, HoldPolicy, Upload


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of an upload without looking at it."""

    #: Computed when the same bytes were shown under the same id before.
    fingerprints: Fingerprints | None
    #: Whether people removed these very bytes, there or somewhere.
    removed: bool


class ChangedError(Exception):
    """What a platform says of an upload changed while it was checked."""

    def __init__(self, submission: Submission) -> None:
        super().__init__()
        self.submission = submission


async def seen_before(tx: Transaction, submission: Submission, sha256: bytes) -> Before:
    """Say what is known of an upload already."""
    lookup = contents.lookup_digest(tx, submission)
    known = await tx.answer(contents.known_by(lookup))
    clear = None if known else await tx.answer(contents.clear_known_by(tx, lookup))
    last = known.fingerprints if known else clear.fingerprints if clear else None
    same = last is not None and last.sha256 == sha256 and bool(last.frames)
    removed = bool(await tx.answer(verdict_store.removed_as(sha256)))
    if known is not None and last is not None and last.sha256 == sha256 and not removed:
        removed = await verdict_store.is_removed(tx, known.id, known.revision)
    return Before(last if same else None, removed)


async def acknowledge(tx: Transaction, submission: Submission, sha256: bytes, data: memoryview, wait: float) -> Waiting:
    """Seal an upload and have it checked, after some seconds; the same one sent again is the one that waits.

    Raises:
        RuleBroken: the surface is private (floor rule 13).
        Malformed: the submission is not well formed.
    """
    check_submission(submission)
    lookup = contents.lookup_digest(tx, submission)
    contents.lock_identity(tx, lookup)
    waiting = await store.known_by(tx, lookup)
    if waiting is not None and waiting.sha256 == sha256:
        if waiting.submission != submission:
            # What is said of it now is what is searched, and what people see.
            waiting = replace(waiting, submission=submission)
            await store.write_facts(tx, waiting)
        return waiting
    if waiting is not None:
        await drop(tx, waiting)
    content, revision = await _name(tx, lookup, sha256) or (waiting.content if waiting else tx.new(ContentId), 1)
    acknowledged = Waiting(content=content, revision=revision, submission=submission, sha256=sha256, received_at=tx.now)
    await write_bytes(tx, content, bytes_part(revision), data)
    await store.add(tx, acknowledged, lookup)
    await defer(tx, "check_video", queue=VIDEOS, wait=wait, content=str(content))
    return acknowledged


async def _name(tx: Transaction, lookup: bytes, sha256: bytes) -> tuple[ContentId, int] | None:
    """Name the content and number the revision as ``verdict`` will; None when it was never judged."""
    known = await tx.answer(contents.known_by(lookup))
    clear = None if known else await tx.answer(contents.clear_known_by(tx, lookup))
    if known is not None:
        same = known.fingerprints is not None and known.fingerprints.sha256 == sha256
        return known.id, known.revision if same else known.revision + 1
    if clear is not None:
        return clear.id, clear.revision if clear.fingerprints.sha256 == sha256 else clear.revision + 1
    return None


async def check_anew(
    tx: Transaction, content: ContentId, submission: Submission, *, looking_back: bool = False
) -> None:
    """Have a recorded content checked again whose bytes are kept."""
    loaded = await contents.load(tx, content, lock=True)
    lookup = contents.lookup_digest(tx, submission)
    if loaded is None or loaded.fingerprints is None or await store.known_by(tx, lookup) is not None:
        return
    waiting = Waiting(
        content=content,
        revision=loaded.revision,
        submission=submission,
        sha256=loaded.fingerprints.sha256,
        received_at=tx.now,
        looking_back=looking_back,
    )
    await store.add(tx, waiting, lookup)
    await defer(tx, "check_video", queue=VIDEOS, content=str(content))


async def take(tx: Transaction, content: ContentId) -> Waiting | None:
    """Take an upload to work on; None when it does not wait, or someone else works on it."""
    if not await store.take(tx, content, tx.now + TAKEN_FOR):
        return None
    waiting = await store.load(tx, content)
    if waiting is None:
        # The content was erased meanwhile, and what waited with it.
        await store.forget(tx, content)
    return waiting


async def change(
    tx: Transaction, waiting: Waiting, *, reach: int | None, caption: str | None, link: str | None
) -> None:
    """Take in what changed of an upload before it is judged.

    Raises:
        Malformed: not a number of people, or words too long or not in normal form C.
    """
    submission = waiting.submission
    changed = replace(
        submission,
        reach=submission.reach if reach is None else reach,
        caption=submission.caption if caption is None else caption,
        link=submission.link if link is None else link,
    )
    check_submission(changed)
    await store.write_facts(tx, replace(waiting, submission=changed))


async def drop(tx: Transaction, waiting: Waiting) -> None:
    """Forget an upload before its verdict: its user deleted it, or sent other bytes."""
    await store.remove(tx, waiting)
    await _forget_bytes(tx, waiting)


async def drop_known_by(tx: Transaction, submission: Submission) -> None:
    """Forget what waits under the same id: something newer was judged at once."""
    waiting = await store.known_by(tx, contents.lookup_digest(tx, submission))
    if waiting is not None:
        await drop(tx, waiting)


async def judge(tx: Transaction, waiting: Waiting, upload: Upload, policy: HoldPolicy) -> Answer | None:
    """Give the verdict on an upload that waited; None when it waits no more.

    What needs people keeps its sealed bytes; of what is clear only fingerprints stay.

    Raises:
        ChangedError: what its platform says of it changed meanwhile.
    """
    contents.lock_identity(tx, contents.lookup_digest(tx, waiting.submission))
    still = await store.load(tx, waiting.content, lock=True)
    if still is None or still.sha256 != waiting.sha256:
        return None
    if still.submission != upload.submission:
        raise ChangedError(still.submission)
    await store.remove(tx, waiting)
    known = await contents.load(tx, waiting.content, lock=True)
    if known is not None and known.fingerprints is not None and known.fingerprints.sha256 == waiting.sha256:
        await contents.learn(tx, known, upload.fingerprints)
        await verdicts.take_words(tx, known, upload)
        again = await verdicts.judge_again(tx, waiting.content, upload, policy)
        answer = Answer(content=known.id, revision=known.revision, verdict=again) if again else None
    else:
        answer = await verdicts.submit(tx, upload, policy)
    await _forget_bytes(tx, waiting)
    await defer(tx, "tell_judged", content=str(waiting.content))
    return answer


async def _forget_bytes(tx: Transaction, waiting: Waiting) -> None:
    """Erase the bytes of what waited, unless they are kept for people; with them the key, where nothing else has it."""
    known = await contents.load(tx, waiting.content)
    if known is None:
        await erase(tx, waiting.content)
    elif not (known.revision == waiting.revision and known.bytes_kept):
        await erase_part(tx, waiting.content, bytes_part(waiting.revision))


async def check_left_alone(tx: Transaction) -> None:
    """Have a job for each upload that nobody works on: no job that was lost may leave one waiting."""
    alone = await store.left_alone(tx, tx.now - TAKEN_FOR)
    # One whose worker died is taken up by itself, and then goes on at once.
    jobs = await pending(tx, "check_video", "content") if alone else frozenset()
    for content in alone:
        if str(content) not in jobs:
            await defer(tx, "check_video", queue=VIDEOS, content=str(content))


@dataclass(frozen=True, slots=True)
class News:
    """What a platform is told of a verdict that came later."""

    service: ServiceId
    given_at: datetime
    data: dict[str, Any]


async def judged(tx: Transaction, content: ContentId) -> News | None:
    """Describe the newest verdict on a content to its platform; None when there is nothing to say of it any more."""
    loaded = await contents.load(tx, content)
    if loaded is None:
        clear = await contents.find_clear(tx, content)
        if clear is None:
            return None
        told = _told(content, clear.revision, clear.submission.platform_id, clear.submission.uploader)
        return News(clear.submission.service, tx.now, told | {"verdict": VerdictKind.CLEAR, "reason": None})
    facts, last = await contents.facts(tx, loaded), await verdict_store.latest(tx, content)
    # What people removed meanwhile has its instruction; a verdict of before would have it shown again.
    if facts is None or last is None or await verdict_store.is_removed(tx, content, loaded.revision):
        return None
    told = _told(content, loaded.revision, facts["platform_id"], facts["uploader"])
    hold = await verdict_store.running_hold(tx, content)
    return News(
        loaded.service,
        last["given_at"],
        told
        | {
            "verdict": last["verdict"],
            "reason": last["reason"],
            "expires_at": hold.expires_at.isoformat() if hold else None,
        },
    )


def _told(content: ContentId, revision: int, platform_id: str, uploader: str) -> dict[str, Any]:
    return {
        "content": str(content),
        "revision": revision,
        "platform_id": platform_id,
        "uploader": uploader,
        "expires_at": None,
        "link": f"/v1/content/{content}",
    }
