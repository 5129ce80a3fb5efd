"""Checking a video, part by part: what a job does, and what an upload waits for a moment.

May decide: when there can be a verdict: as soon as anything matches, or at the end. After each part it is written down
how far the check came; whoever goes on later, in whichever process, begins there.
"""

import asyncio
from dataclasses import replace
from datetime import datetime

import structlog

from tidegate.checking import steps, store
from tidegate.checking.model import MOST_TRIES, TAKEN_FOR, Waiting
from tidegate.content.facts import bytes_part
from tidegate.db.sealing import read_bytes
from tidegate.db.transaction import MACHINE, Transaction
from tidegate.fingerprint.model import PASSING, Unchecked
from tidegate.jail import JailError
from tidegate.jail.model import Data
from tidegate.kernel.errors import Unavailable
from tidegate.kernel.ids import ContentId
from tidegate.node import Node
from tidegate.verdict.steps import Answer, Upload

log = structlog.get_logger()


class AtItError(Unavailable):
    """Someone else works on this upload."""


async def check_video(node: Node, identity: ContentId, data: Data | None = None) -> Answer | None:
    """Check an upload from where the check stands until its verdict is given; None when that was done meanwhile.

    Args:
        node: who checks.
        identity: of the content.
        data: its bytes, where they are at hand.

    Raises:
        Unavailable: it cannot go on just now, or someone else is at it.
    """
    waiting = await node.run(MACHINE, lambda tx: steps.take(tx, identity))
    if waiting is None:
        if await node.run(MACHINE, lambda tx: store.load(tx, identity)) is None:
            return None
        raise AtItError("This upload is being checked by another process.")
    try:
        return await _check(node, waiting, data)
    except asyncio.CancelledError:
        # Whoever waited went away: others may go on at once.
        await asyncio.shield(node.run(MACHINE, lambda tx: store.leave(tx, identity)))
        raise


async def _check(node: Node, waiting: Waiting, data: Data | None) -> Answer | None:
    if data is None:
        content, part = waiting.content, bytes_part(waiting.revision)
        data = await node.run(MACHINE, lambda tx: read_bytes(tx, content, part))
    if data is None:
        return None
    while True:
        try:
            waiting = replace(waiting, read=await node.read_video(data, waiting.read))
        except JailError as error:
            return await _could_not(node, waiting, Unchecked(error.reason))
        matches, _ = await node.search(waiting.read.fingerprints(waiting.sha256))
        if matches or waiting.read.whole:
            broken = waiting.read.whole and waiting.read.undecodable
            return await _judge(node, waiting, Unchecked.UNDECODABLE if broken else None)
        step, until = waiting, node.database.clock() + TAKEN_FOR

        async def advance(tx: Transaction, step: Waiting = step, until: datetime = until) -> bool:
            return await store.advance(tx, step, until)

        if not await node.run(MACHINE, advance):
            return None


async def _could_not(node: Node, waiting: Waiting, reason: Unchecked) -> Answer | None:
    """Say that it could not be checked; what passes is tried a few times before that."""
    if reason in PASSING and waiting.tries + 1 < MOST_TRIES:
        await node.run(MACHINE, lambda tx: store.fail(tx, waiting.content, reason))
        raise Unavailable("The node cannot decode this video just now: it is tried again.")
    return await _judge(node, waiting, reason)


async def _judge(node: Node, waiting: Waiting, unchecked: Unchecked | None) -> Answer | None:
    while True:
        judged, upload = waiting, await _upload(node, waiting, unchecked)

        async def judge(tx: Transaction, judged: Waiting = judged, upload: Upload = upload) -> Answer | None:
            return await steps.judge(tx, judged, upload, node.settings.hold_policy)

        try:
            return await node.run(MACHINE, judge)
        except steps.ChangedError as changed:
            # What is said of it changed while it was checked: what stands there now is searched, too.
            waiting = replace(waiting, submission=changed.submission)


async def _upload(node: Node, waiting: Waiting, unchecked: Unchecked | None) -> Upload:
    fingerprints = waiting.read.fingerprints(waiting.sha256)
    beside = await node.read_beside(waiting.submission)
    matches, position = await node.search(fingerprints)
    matches += await node.search_beside(beside, waiting.submission)
    return Upload(
        submission=waiting.submission,
        fingerprints=fingerprints,
        unchecked=unchecked or beside.unchecked,
        matches=matches,
        position=position,
        data=None,
        sealed=True,
        acknowledged=waiting.content,
        beside=beside,
        looking_back=waiting.looking_back,
    )
