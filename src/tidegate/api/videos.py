"""Videos: acknowledged when they are sealed, answered with their verdict when that takes a moment only.

May decide: what can be answered without looking at a frame.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from tidegate.api.body import Body
from tidegate.api.life import CHECKING
from tidegate.background.check_video import check_video
from tidegate.checking import steps as checking
from tidegate.checking.model import Waiting
from tidegate.content.model import Content, ContentKind, Fingerprints, NoBytes, Submission
from tidegate.content.steps import do_without_bytes
from tidegate.db.transaction import Transaction
from tidegate.fingerprint.model import Unchecked
from tidegate.kernel.errors import Unavailable
from tidegate.kernel.ids import ContentId
from tidegate.match.beside import NOTHING
from tidegate.settings import Settings
from tidegate.verdict import steps as verdicts
from tidegate.verdict.steps import Answer, Upload
from tidegate.web.door import key_of, node_of, platform
from tidegate.web.idempotency import once

Said = dict[str, Any]
#: Says a verdict to a platform.
Say = Callable[[Transaction, Answer], Awaitable[Said]]


def most_kept(settings: Settings, metadata: bytes) -> int:
    """Say how much of a file is kept, before all of the metadata is read with care."""
    try:
        kind = json.loads(metadata)["kind"] if metadata else ContentKind.VIDEO
    except (ValueError, TypeError, KeyError, RecursionError):
        kind = None
    return settings.largest_video_bytes if kind == ContentKind.VIDEO else settings.largest_decoded_bytes


async def submit(
    request: Request, submission: Submission, body: Body, idempotency_key: str | None, say: Say
) -> Said | Response:
    """Answer at once where nothing needs to be looked at; else acknowledge, and wait a moment for the verdict."""
    node, key = node_of(request), key_of(request)
    before = await node.run(platform(request), lambda tx: checking.seen_before(tx, submission, body.sha256))
    fingerprints = before.fingerprints or Fingerprints(sha256=body.sha256)
    await node.follow_signals()
    matches, position = await asyncio.to_thread(node.index.search, fingerprints)
    at_once = bool(matches or before.fingerprints or before.removed or body.view is None)
    beside = await node.read_beside(submission) if at_once else NOTHING
    matches += await node.search_beside(beside, submission)
    # Its frames were not looked at: should the match be gone by now, that is no "clear".
    unseen = Unchecked.TOO_LARGE if body.view is None else Unchecked.ENGINE_DOWN
    upload = Upload(
        submission=submission,
        fingerprints=fingerprints,
        unchecked=beside.unchecked if before.fingerprints else unseen,
        matches=matches,
        position=position,
        data=body.view,
        beside=beside,
    )

    async def act(tx: Transaction) -> Said:
        async def submit() -> Said:
            if at_once or body.view is None:
                await checking.drop_known_by(tx, submission)
                return await say(tx, await verdicts.submit(tx, upload, node.settings.hold_policy))
            # Whoever sent it waits for the verdict that long; then a job goes on.
            wait = node.settings.video_patience_seconds
            waiting = await checking.acknowledge(tx, submission, body.sha256, body.view, wait)
            return _being_checked(waiting)

        return await once(tx, key.id, idempotency_key, ("submit", body.metadata, body.sha256), submit)

    answer = await node.run(platform(request), act)
    if answer["verdict"] != CHECKING:
        return answer
    assert body.view is not None
    return await _wait_a_moment(request, body.view, answer, say)


async def _wait_a_moment(request: Request, data: memoryview, answer: Said, say: Say) -> Said | Response:
    """Check it here, if that takes a moment only; what is left, a job does."""
    node, content, checked = node_of(request), ContentId.parse(answer["content"]), None
    if node.settings.video_patience_seconds:
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(node.settings.video_patience_seconds):
                checked = await check_video(node, content, data)
    if checked is None:
        return JSONResponse(answer, status_code=202, headers={"location": answer["link"]})
    given = checked
    return await node.run(platform(request), lambda tx: say(tx, given))


def _being_checked(waiting: Waiting) -> Said:
    return {
        "content": str(waiting.content),
        "revision": waiting.revision,
        "verdict": CHECKING,
        "reason": None,
        "matches": [],
        "position": 0,
        "expires_at": None,
        "case": None,
        "instruction": None,
        "sequence": None,
        "removed": False,
        "link": f"/v1/content/{waiting.content}",
    }


async def take_bytes(tx: Transaction, settings: Settings, content: Content, submission: Submission, body: Body) -> None:
    """Take the bytes of a video that was shown before, and have them checked as something long published."""
    if content.bytes_kept:
        return
    if body.view is None or body.length > settings.largest_video_bytes:
        await do_without_bytes(tx, content.id, content.revision, NoBytes.TOO_LARGE)
        return
    await verdicts.keep_bytes(tx, content.id, content.revision, body.view)
    await checking.check_anew(tx, content.id, submission, looking_back=True)
