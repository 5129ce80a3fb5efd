"""Looking back: a new signal against everything judged before it, and what rested on one that was withdrawn.

May decide: nothing; ``verdict`` does. Nothing may be missed: past uploads are found in files up to a number, and in
PostgreSQL above it; what has a lower position than the signal has committed before it (``signal/store.py``). What is
found is looked up again before anything follows from it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial

import structlog

from tidegate.case import store as cases
from tidegate.content import past_store
from tidegate.content import store as contents
from tidegate.content.facts import fingerprints_of
from tidegate.content.model import Content, Fingerprints, Standing, Submission
from tidegate.content.past_store import Page
from tidegate.content.steps import submission_of
from tidegate.db.transaction import MACHINE, TIME, Transaction
from tidegate.decision import store as decision_store
from tidegate.fingerprint.model import PASSING, Unchecked
from tidegate.fingerprint.words.link import digest
from tidegate.fingerprint.words.text import read_text, stored_hashes
from tidegate.kernel.errors import Unavailable
from tidegate.kernel.ids import ContentId, DecisionId, SignalId
from tidegate.match.index import Index
from tidegate.match.past.folder import NOTHING, Past, PastFolder
from tidegate.match.past.uploads import Uploads, search, uploads_of
from tidegate.match.values.files import Damaged, alone
from tidegate.match.video.videos import Videos
from tidegate.node import Node, upload_of
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind, Signal
from tidegate.signal.rules import proposes
from tidegate.verdict import steps as verdicts
from tidegate.verdict import store as verdict_store
from tidegate.verdict.steps import Upload

log = structlog.get_logger()

#: Uploads that are not in files yet are read one page after the other; more than this, or older, and they get there.
_MOST_OPEN = 20_000
_LONGEST_OPEN_SECONDS = 600
_PAGE = 100_000
#: What may stand in the words around a content.
_IN_WORDS = frozenset({FingerprintKind.TEXT, FingerprintKind.URL, FingerprintKind.DOMAIN})


# --- a new signal ---


async def look_back(node: Node, identity: SignalId) -> None:
    """Judge again all that was judged before a signal was known and is near it; only exact bytes may be held then.

    Raises:
        Unavailable: some of it could not be judged just now; all else was.
    """
    left: Unavailable | None = None
    for signal in await node.run(MACHINE, lambda tx: signals.load(tx, [identity])):
        for content in await find_past(node, signal) if proposes(signal) else ():
            try:
                await _judge_again(node, content, signal.kind)
            except Unavailable as error:
                left = error
    if left is not None:
        raise left


async def find_past(node: Node, signal: Signal) -> list[ContentId]:
    """Give everything submitted before a signal that may be near it, each once; what changed since may be among it."""
    if signal.kind is FingerprintKind.PDQ:
        return await _alike(node, signal.value)
    return await node.run(MACHINE, lambda tx: _of_other_kinds(tx, signal))


async def _of_other_kinds(tx: Transaction, signal: Signal) -> list[ContentId]:
    match signal.kind:
        case FingerprintKind.SHA256:
            exact = await past_store.with_bytes(tx, signal.value)
            return exact + await past_store.clear_with_bytes(tx, signal.value, signal.position)
        case FingerprintKind.VIDEO:
            return await _videos_like(tx, signal)
        case FingerprintKind.TEXT:
            return await _texts_like(tx, signal)
        case FingerprintKind.URL:
            address = signal.value.decode()
            same = await past_store.with_address(tx, address, digest(address))
            return same + await past_store.clear_with_address(tx, address, digest(address), signal.position)
        case FingerprintKind.DOMAIN:
            host = signal.value.decode()
            same = await past_store.with_host(tx, host, digest(host))
            return same + await past_store.clear_with_host(tx, host, digest(host), signal.position)
    return []


async def _texts_like(tx: Transaction, signal: Signal) -> list[ContentId]:
    """Find earlier texts and captions by their sketches, recorded or clear."""
    hashes = stored_hashes(read_text(signal.value.decode()).sketch.pack())
    index = Index()
    index.bring_forward([signal])
    sketches = await past_store.with_sketch(tx, hashes)
    sketches += await past_store.clear_with_sketch(tx, hashes, signal.position)
    found = [content for content, sketch in sketches if index.search(Fingerprints(sha256=b"", sketch=sketch))[0]]
    return list(dict.fromkeys(found))


async def _videos_like(tx: Transaction, signal: Signal) -> list[ContentId]:
    """Find earlier videos whose frames agree with the known one's, recorded or clear."""
    known, found = Videos(), []
    known.bring_forward([signal])
    for page_of in (past_store.with_frames, past_store.clear_with_frames):
        after: ContentId | None = None
        while page := await page_of(tx, after, signal.position):
            for content, frames in page:
                if await asyncio.to_thread(known.search, Fingerprints(sha256=b"", frames=frames), None):
                    found.append(content)
            after = page[-1][0]
    return found


async def _alike(node: Node, value: bytes) -> list[ContentId]:
    kept = await _opened(node)
    try:
        found = dict.fromkeys(await asyncio.to_thread(kept.search, value))
    except Damaged:
        await asyncio.to_thread(folder_of(node).report_damage)
        kept, found = NOTHING, {}

    async def rest(tx: Transaction) -> None:
        last = await past_store.last_number(tx)
        after = kept.closed_to
        while pages := await past_store.numbered(tx, after, last):
            found.update(dict.fromkeys(await asyncio.to_thread(_search, pages, value)))
            after = max(page.numbers[-1] for page in pages)
        before: ContentId | None = None
        while (page := await past_store.recorded(tx, before)) is not None:
            found.update(dict.fromkeys(await asyncio.to_thread(_search, [page], value)))
            before = page.last

    await node.run(MACHINE, rest)
    return list(found)


def _search(pages: Sequence[Page], value: bytes) -> list[ContentId]:
    return [
        content
        for page in pages
        for content in search(uploads_of(page.numbers, page.ids, page.lengths, page.values), value)
    ]


async def _opened(node: Node) -> Past:
    """Open the files of past uploads; none where they are not of this database."""
    kept = await asyncio.to_thread(folder_of(node).open)
    return kept if await node.run(TIME, lambda tx: _belongs(tx, kept)) else NOTHING


async def _belongs(tx: Transaction, kept: Past) -> bool:
    """Say whether files were written from this database, and not before it was brought back from a backup."""
    known = await past_store.ids_numbered(tx, [number for number, _ in kept.last])
    same = all(number not in known or known[number].value.hex == content for number, content in kept.last)
    return same and await past_store.last_number(tx) >= kept.closed_to


def folder_of(node: Node) -> PastFolder:
    """Give the folder of past uploads."""
    return PastFolder(node.settings.data_directory / "past")


async def _judge_again(node: Node, content: ContentId, kind: FingerprintKind) -> None:
    """Judge what was submitted then against what is known now, unless people decided about it already.

    Raises:
        Unavailable: what is known now may stand in words that cannot be read just now.
    """
    found = await node.run(MACHINE, lambda tx: _submitted(tx, content))
    if found is None:
        return
    upload = await upload_without_bytes(node, *found)
    if kind in _IN_WORDS and upload.beside.unchecked in PASSING:
        raise Unavailable("The words around this content cannot be read just now: it is tried again.")

    async def judge(tx: Transaction) -> None:
        if await decision_store.in_force(tx, content) is None:
            await verdicts.look_back(tx, content, upload, node.settings.hold_policy)

    await node.run(MACHINE, judge)


async def _submitted(tx: Transaction, content: ContentId) -> tuple[Submission, Fingerprints] | None:
    """Give what was submitted, while it is known."""
    loaded = await contents.load(tx, content)
    if loaded is None:
        clear = await contents.find_clear(tx, content)
        return None if clear is None else (clear.submission, clear.fingerprints)
    return None if loaded.standing is Standing.ERASED else await _recorded(tx, loaded)


async def _recorded(tx: Transaction, content: Content) -> tuple[Submission, Fingerprints] | None:
    """Give what was submitted of a recorded content, and all that is known of its bytes; None when it was erased."""
    submission, facts = await submission_of(tx, content), await contents.facts(tx, content)
    if submission is None or facts is None or content.fingerprints is None:
        return None
    return submission, replace(content.fingerprints, leads_to=fingerprints_of(facts).leads_to)


# --- a withdrawn signal ---


async def look_again(node: Node, signal: SignalId, decision: DecisionId | None) -> None:
    """Judge again what rested on a signal that was withdrawn, where nobody decided yet.

    What is restricted by a decision went back to people with the withdrawal itself (``flow.look_again``); what people
    left up stays as it is.
    """
    for content in await node.run(MACHINE, lambda tx: verdict_store.resting_on(tx, signal)):
        await _judge_without(node, content, decision)


async def _judge_without(node: Node, content: ContentId, decision: DecisionId | None) -> None:
    async def read(tx: Transaction) -> tuple[Content, tuple[Submission, Fingerprints], bytes | None] | None:
        loaded = await contents.load(tx, content)
        if loaded is None or await _is_decided(tx, content):
            return None
        recorded = await _recorded(tx, loaded)
        return None if recorded is None else (loaded, recorded, await contents.bytes_of(tx, loaded))

    found = await node.run(MACHINE, read)
    if found is None:
        return
    loaded, (submission, fingerprints), data = found
    upload = await upload_without_bytes(node, submission, fingerprints)
    if data is not None:
        checked = await node.check(loaded.kind, fingerprints.sha256, data, full_size=True, submission=submission)
        upload = upload_of(submission, checked, data, looking_back=True)

    async def judge(tx: Transaction) -> None:
        if not await _is_decided(tx, content):
            await verdicts.judge_without(tx, content, upload, decision, node.settings.hold_policy)

    await node.run(MACHINE, judge)


async def _is_decided(tx: Transaction, content: ContentId) -> bool:
    case = await cases.of_content(tx, content)
    waits = case is not None and case.state == "decided"
    return waits or await decision_store.in_force(tx, content) is not None


async def look_at_words(node: Node, content: ContentId) -> None:
    """Have people look at a content whose caption or link changed, if something known stands there now.

    Raises:
        Unavailable: they cannot be looked up just now. Where they cannot be read, they stay as they are.
    """

    async def read(tx: Transaction) -> tuple[Submission, Fingerprints] | None:
        loaded = await contents.load(tx, content)
        return None if loaded is None else await _recorded(tx, loaded)

    found = await node.run(MACHINE, read)
    if found is not None:
        submission, fingerprints = found
        upload = await upload_without_bytes(node, submission, fingerprints)
        await node.run(MACHINE, lambda tx: verdicts.look_at_words(tx, content, upload, node.settings.hold_policy))


async def look_at_words_left(node: Node) -> None:
    """Look at the words that could not be read when they came."""
    for content in await node.run(MACHINE, contents.with_words_not_read):
        with suppress(Unavailable):
            await look_at_words(node, content)


async def upload_without_bytes(node: Node, submission: Submission, fingerprints: Fingerprints) -> Upload:
    """Give an upload that is judged by what was computed of its bytes, and by the words beside it now."""
    beside = await node.read_beside(submission)
    await node.follow_signals()
    matches, position = await asyncio.to_thread(node.index.search, fingerprints)
    matches += await node.search_beside(beside, submission)
    # What has no fingerprint but its exact bytes could not be checked then, and is not clear now.
    checked = fingerprints.looks or fingerprints.frames or fingerprints.sketch or fingerprints.address
    return Upload(
        submission=submission,
        fingerprints=fingerprints,
        unchecked=None if checked else Unchecked.UNDECODABLE,
        matches=matches,
        position=position,
        data=None,
        beside=beside,
        looking_back=True,
    )


# --- the files ---


class PastUpkeep:
    """Keeps the files of past uploads up with the database."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._folder = folder_of(node)
        self._verified = False

    async def keep_up(self) -> None:
        """Take in what was uploaded, leave out what was deleted or is past its time; one process at a time does."""
        path = self._node.settings.data_directory / "past"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(path) as ours:
            if ours:
                try:
                    await self._keep_up()
                except (Damaged, FileNotFoundError):
                    log.warning("past uploads are read from the database again", action="past")
                    await asyncio.to_thread(self._folder.begin_anew)

    async def _keep_up(self) -> None:
        if self._folder.damage_was_reported():
            raise Damaged(reference="past")
        if not self._verified:
            await asyncio.to_thread(self._folder.verify)
            self._verified = True
        if (await _opened(self._node)).closed_to < self._folder.manifest().closed_to:
            await asyncio.to_thread(self._folder.begin_anew)
        await self._close()
        numbers = await self._node.run(TIME, past_store.forgotten_numbers)
        first = await self._node.run(TIME, self._first_day)
        await asyncio.to_thread(self._folder.forget, numbers, first)

    async def _first_day(self, tx: Transaction) -> date:
        return contents.first_day(tx, self._node.settings.clear_upload_days)

    async def _close(self) -> None:
        """Write down all uploads there are, once there are many, or some have waited long."""
        manifest, now = self._folder.manifest(), self._node.database.clock().timestamp()
        closed_to = manifest.closed_to
        waiting = await self._node.run(TIME, past_store.last_number) - closed_to
        # A clock set back must not keep them waiting.
        if waiting < _MOST_OPEN and (not waiting or abs(now - manifest.closed_at) < _LONGEST_OPEN_SECONDS):
            return
        last = await self._node.run(TIME, _all_written)
        while True:
            numbered = partial(past_store.numbered, after=closed_to, up_to=last, most=_PAGE)
            pages = await self._node.run(TIME, numbered)
            closed_to = max((page.numbers[-1] for page in pages), default=last)
            await asyncio.to_thread(self._folder.close, [_uploads(page) for page in pages], closed_to, now)
            if not pages:
                return


def _uploads(page: Page) -> tuple[date, Uploads]:
    assert page.day is not None
    return page.day, uploads_of(page.numbers, page.ids, page.lengths, page.values)


async def _all_written(tx: Transaction) -> int:
    """Give a number up to which all uploads have committed: whoever writes one holds the positions until then."""
    await signals.lock_positions(tx)
    return await past_store.last_number(tx)
