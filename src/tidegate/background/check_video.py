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
from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.db.sealing import erase_part, read_bytes, write_bytes
from tidegate.db.transaction import MACHINE, Transaction
from tidegate.decision import store as decision_store
from tidegate.fingerprint.model import Unchecked
from tidegate.fingerprint.video.frames import Frames, unpack_frames
from tidegate.fingerprint.video.reading import read_every
from tidegate.flow import know_frames
from tidegate.jail import JailError
from tidegate.jail.model import Data
from tidegate.kernel.errors import Unavailable
from tidegate.kernel.ids import ContentId, DecisionId
from tidegate.match.model import QUALITY_FLOOR
from tidegate.node import Node
from tidegate.verdict.steps import Answer, Upload

log = structlog.get_logger()

#: What says nothing of the bytes: they are worth another try.
_PASSING = frozenset({Unchecked.TIMEOUT, Unchecked.ENGINE_DOWN})


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
        content, part = waiting.content, contents.bytes_part(waiting.revision)
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
    if reason in _PASSING and waiting.tries + 1 < MOST_TRIES:
        await node.run(MACHINE, lambda tx: store.fail(tx, waiting.content, reason))
        raise Unavailable("The node cannot decode this video just now: it is tried again.")
    return await _judge(node, waiting, reason)


async def _judge(node: Node, waiting: Waiting, unchecked: Unchecked | None) -> Answer | None:
    fingerprints = waiting.read.fingerprints(waiting.sha256)
    matches, position = await node.search(fingerprints)
    upload = Upload(
        submission=waiting.submission,
        fingerprints=fingerprints,
        unchecked=unchecked,
        matches=matches,
        position=position,
        data=None,
        sealed=True,
        acknowledged=waiting.content,
        looking_back=waiting.looking_back,
    )
    return await node.run(MACHINE, lambda tx: steps.judge(tx, waiting, upload, node.settings.hold_policy))


# --- what is known from now on ---


async def know_video(node: Node, identity: ContentId, decision: DecisionId) -> None:
    """Read every frame of a video that people found, and have it known by them.

    Raises:
        Unavailable: it cannot be read just now.
    """
    prepared = await node.run(MACHINE, lambda tx: _to_know(tx, identity, decision))
    if prepared is None:
        return
    content, data, frames = prepared
    jail, end = await node.videos.open(), False
    while not end:
        try:
            frames, end = await read_every(jail, data, frames, node.longest_video)
        except JailError as error:
            if Unchecked(error.reason) in _PASSING:
                raise
            log.warning("a video is known by its bytes alone", action="know_video", reason=error.reason)
            return
        step, known = frames, end

        async def keep(tx: Transaction, step: Frames = step, *, known: bool = known) -> None:
            if not known:
                await write_bytes(tx, identity, _every_part(content), step.tobytes())
                return
            await erase_part(tx, identity, _every_part(content))
            if (step["quality"] >= QUALITY_FLOOR).any():
                await know_frames(tx, decision, content, step.tobytes())

        await node.run(MACHINE, keep)


async def _to_know(tx: Transaction, identity: ContentId, decision: DecisionId) -> tuple[Content, bytes, Frames] | None:
    """Give a content, its bytes and what was read of them so far; None when what people decided stands no more."""
    loaded = await contents.load(tx, identity)
    if loaded is None or await decision_store.in_force(tx, identity) != decision:
        return None
    data = await contents.bytes_of(tx, loaded)
    so_far = unpack_frames(await read_bytes(tx, identity, _every_part(loaded)) or b"")
    return None if data is None else (loaded, data, so_far)


def _every_part(content: Content) -> str:
    return f"every-frame/{content.revision}"
