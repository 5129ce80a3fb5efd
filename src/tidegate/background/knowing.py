"""Making known what people found: looked at in the jail at its full size, every frame, every letter.

May decide: nothing; ``flow`` says what a decision makes known.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from tidegate import flow
from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.db.sealing import erase_part, read_bytes, write_bytes
from tidegate.db.transaction import MACHINE, Transaction
from tidegate.decision import store as decision_store
from tidegate.fingerprint.model import PASSING, Unchecked
from tidegate.fingerprint.picture import reading as picture
from tidegate.fingerprint.video.frames import Frames, unpack_frames
from tidegate.fingerprint.video.reading import read_every
from tidegate.fingerprint.words.text import SHORTEST_KNOWN, fingerprint_in
from tidegate.flow import know_frames
from tidegate.jail import JailError
from tidegate.kernel.ids import ContentId, DecisionId
from tidegate.match.model import QUALITY_FLOOR
from tidegate.node import Node

log = structlog.get_logger()

Found = TypeVar("Found")


async def make_looks_known(node: Node, decision: DecisionId, content: ContentId) -> None:
    """Look at a decided picture at full size in the jail and make known how it looks."""
    found = await _read(node, content, lambda data: picture.fingerprint_in(node.jail, data, full_size=True))
    if found is not None:
        await node.run(MACHINE, lambda tx: flow.make_looks_known(tx, decision, content, found.looks))


async def make_text_known(node: Node, decision: DecisionId, content: ContentId) -> None:
    """Read a decided text in the jail and make it known, if it is long enough to be anybody's."""
    found = await _read(node, content, lambda data: fingerprint_in(node.jail, data))
    if found is not None and found.units >= SHORTEST_KNOWN:
        await node.run(MACHINE, lambda tx: flow.make_text_known(tx, decision, content, found.letters))


async def _read(node: Node, content: ContentId, read: Callable[[bytes], Awaitable[Found]]) -> Found | None:
    """Read a content's bytes in the jail; None when they are gone, or cannot be read: they are known as bytes alone.

    Raises:
        JailError: not just now.
    """

    async def bytes_of(tx: Transaction) -> bytes | None:
        loaded = await contents.load(tx, content)
        return None if loaded is None else await contents.bytes_of(tx, loaded)

    data = await node.run(MACHINE, bytes_of)
    try:
        return None if data is None else await read(data)
    except JailError as error:
        if Unchecked(error.reason) in PASSING:
            raise
        return None


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
            if Unchecked(error.reason) in PASSING:
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
