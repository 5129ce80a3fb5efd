"""A node: the parts of one process put together, and the way an upload takes before anything is written.

May decide: nothing. Fingerprinting and searching happen here, outside any transaction; what follows from them is
decided inside one, by ``verdict``.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import structlog

from tidegate.compiling import compiled
from tidegate.content.model import ContentKind, Fingerprints, Submission
from tidegate.content.store import prepare_days
from tidegate.db.pool import open_pool
from tidegate.db.transaction import TIME, Actor, Database, Transaction
from tidegate.fingerprint.compiled import keep_compiled
from tidegate.fingerprint.model import PASSING, Unchecked
from tidegate.fingerprint.picture.reading import fingerprint_in
from tidegate.fingerprint.video.jail import VideoJail
from tidegate.fingerprint.video.reading import VideoRead, read_on
from tidegate.fingerprint.words import text as texts
from tidegate.fingerprint.words.link import address_in, digests_of, domain_of
from tidegate.fingerprint.words.text import ReadText
from tidegate.flow import STORY
from tidegate.jail import Jail, JailError, Limits, Reason
from tidegate.jail.model import Data
from tidegate.kernel.clock import Clock, system_clock
from tidegate.kernel.errors import ConfigurationError
from tidegate.kernel.ids import Randomness
from tidegate.kernel.keys import Keyring
from tidegate.ledger.steps import Publisher
from tidegate.match.beside import NOTHING, Beside
from tidegate.match.following import Follower
from tidegate.match.index import Index, IndexDown
from tidegate.match.model import Match, Where
from tidegate.settings import Settings
from tidegate.signal.model import FingerprintKind
from tidegate.verdict.steps import Upload

log = structlog.get_logger()

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What checking some bytes gave: fingerprints, matches, and how far the index was."""

    fingerprints: Fingerprints
    text: ReadText | None
    unchecked: Unchecked | None
    matches: tuple[Match, ...]
    position: int
    beside: Beside = NOTHING


async def _picture(jail: Jail, sha256: bytes, data: bytes, *, full_size: bool = False) -> tuple[Fingerprints, None]:
    found = await fingerprint_in(jail, data, full_size=full_size)
    fingerprints = Fingerprints(
        sha256=sha256,
        looks=found.looks,
        reduced=found.reduced,
        partial=found.partial,
        quality=found.quality,
        width=found.width,
        height=found.height,
    )
    return fingerprints, None


async def _text(jail: Jail, sha256: bytes, data: bytes) -> tuple[Fingerprints, ReadText]:
    found = await texts.fingerprint_in(jail, data)
    leads_to = digests_of(written.address for written in found.addresses)
    fingerprints = Fingerprints(sha256=sha256, sketch=found.sketch.pack(), leads_to=leads_to, partial=found.partial)
    return fingerprints, found


async def _link(jail: Jail, sha256: bytes, data: bytes) -> tuple[Fingerprints, None]:
    address = await address_in(jail, data)
    return Fingerprints(sha256=sha256, address=address, host=domain_of(address)), None


#: Computes what bytes of one kind look like, and for a text what is compared of it; raises ``JailError`` if it cannot.
Engine = Callable[[Jail, bytes, bytes], Awaitable[tuple[Fingerprints, ReadText | None]]]

ENGINES: Mapping[ContentKind, Engine] = {
    ContentKind.PICTURE: _picture,
    ContentKind.TEXT: _text,
    ContentKind.LINK: _link,
}
#: What these say stands on record.
AT_FULL_SIZE: Mapping[ContentKind, Engine] = {ContentKind.PICTURE: partial(_picture, full_size=True)}


#: Seconds someone waits for a whole video.
_LONGEST_WAIT = 60.0


@dataclass(slots=True)
class Node:
    """The parts of one process."""

    settings: Settings
    database: Database
    jail: Jail
    publisher: Publisher
    #: Videos take memory and time that no picture may: a jail of their own, started when the first one comes.
    videos: VideoJail = field(default_factory=VideoJail)
    index: Index = field(init=False)
    _follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        """Give the process its index, which begins from what is on disk."""
        self.index = Index(self.settings.index_directory)
        self._follower = Follower(self.database, self.index)

    async def run(self, actor: Actor, action: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run an action in one transaction; when two stood in each other's way, run it again from the start."""
        return await self.database.run(actor, action)

    async def follow_signals(self) -> None:
        """Bring the index forward to the newest signal position.

        Raises:
            IndexDown: too much is missing, and the worker is building it.
        """
        await self._follower.catch_up()

    async def check(
        self,
        kind: ContentKind,
        sha256: bytes,
        data: bytes | None,
        *,
        full_size: bool = False,
        submission: Submission | None = None,
    ) -> Checked:
        """Fingerprint bytes in the jail and search them; exact bytes are matched whatever becomes of decoding.

        Args:
            kind: what the platform says they are.
            sha256: of all the bytes.
            data: the bytes, or None when they were too many to keep.
            full_size: decode pictures at full size at once; otherwise that is done where something is found.
            submission: what the platform says beside them, which is searched, too.
        """
        fingerprints, text, unchecked = await self.fingerprint(kind, sha256, data, full_size=full_size)
        beside = await self.read_beside(submission)
        try:
            matches, position = await self.search(fingerprints, text)
            if fingerprints.reduced and matches:
                # What a smaller decoding finds, the full size says how near it is, or that it is not.
                fingerprints, text, unchecked = await self.fingerprint(kind, sha256, data, full_size=True)
                matches, position = await self.search(fingerprints, text)
            matches += await self.search_beside(beside, submission)
        except IndexDown:
            # "Could not be checked" is its own answer, never clear, and is tried again; exact bytes are matched all the
            # same (floor rule 2). What was not decoded has nothing else to match, so its own reason stays.
            unchecked = unchecked or Unchecked.ENGINE_DOWN
            if beside != NOTHING:
                beside = replace(beside, unchecked=Unchecked.ENGINE_DOWN)
            matches, position = await self._follower.exact_alone(sha256)
        if data is not None and text is not None:
            matches = await self._in_characters(data, matches)
        return Checked(
            fingerprints=fingerprints,
            text=text,
            unchecked=unchecked or beside.unchecked,
            matches=tuple(matches),
            position=position,
            beside=beside,
        )

    async def read_beside(self, submission: Submission | None) -> Beside:
        """Read the words beside a content; what of them could not be read just now, they say themselves.

        What is no address leads nowhere, and is none that is known.
        """
        if submission is None or not (submission.caption or submission.link):
            return NOTHING
        caption, address, unchecked = None, "", None
        try:
            if submission.caption:
                caption = await texts.fingerprint_in(self.jail, submission.caption.encode())
                unchecked = Unchecked.TOO_LARGE if caption.partial else None
        except JailError as error:
            unchecked = Unchecked(error.reason)
        try:
            if submission.link:
                address = await address_in(self.jail, submission.link.encode())
        except JailError as error:
            reason = Unchecked(error.reason)
            unchecked = reason if reason in PASSING else unchecked
        return Beside(caption=caption, address=address, unchecked=unchecked)

    async def search_beside(self, beside: Beside, submission: Submission | None) -> list[Match]:
        """Find what is known of the words beside a content, by no less than was known to the search before.

        Raises:
            IndexDown: the index is not ready.
        """
        if submission is None or beside == NOTHING:
            return []
        matches = await asyncio.to_thread(beside.search, self.index)
        return await self._in_characters(submission.caption.encode(), matches, Where.CAPTION)

    async def fingerprint(
        self, kind: ContentKind, sha256: bytes, data: bytes | None, *, full_size: bool = False
    ) -> tuple[Fingerprints, ReadText | None, Unchecked | None]:
        """Fingerprint bytes in the jail; what cannot be is known by its exact bytes alone, with the reason."""
        if data is None:
            return Fingerprints(sha256=sha256), None, Unchecked.TOO_LARGE
        engine = AT_FULL_SIZE.get(kind, ENGINES.get(kind)) if full_size else ENGINES.get(kind)
        try:
            if engine is None:
                return await self._whole_video(sha256, data), None, None
            fingerprints, text = await engine(self.jail, sha256, data)
        except JailError as error:
            return Fingerprints(sha256=sha256), None, Unchecked(error.reason)
        except IndexDown:  # a video is read more closely where the index says so
            return Fingerprints(sha256=sha256), None, Unchecked.ENGINE_DOWN
        return fingerprints, text, Unchecked.TOO_LARGE if fingerprints.partial else None

    async def search(self, fingerprints: Fingerprints, text: ReadText | None = None) -> tuple[list[Match], int]:
        """Find what is near, by everything known now; give the position too.

        Raises:
            IndexDown: the index is not ready soon enough to wait for it.
        """
        await self._follower.soon()
        matches, position = await asyncio.to_thread(self.index.search, fingerprints, text)
        return matches, position

    @property
    def longest_video(self) -> int:
        """Give the milliseconds of the longest video that is checked."""
        return self.settings.longest_video_minutes * 60_000

    async def read_video(self, data: Data, so_far: VideoRead) -> VideoRead:
        """Read the next part of a video, more closely where it looks like something known.

        Raises:
            JailError: this part could not be checked, and why.
            IndexDown: the index is not ready.
        """

        async def hits(frames: bytes) -> list[int]:
            await self._follower.soon()
            return await asyncio.to_thread(self.index.videos.hits, frames)

        return await read_on(await self.videos.open(), data, so_far, hits, self.longest_video)

    async def _whole_video(self, sha256: bytes, data: bytes) -> Fingerprints:
        """Read a video while someone waits; where that may take long, ``check_video`` does it part by part."""
        read = VideoRead()
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                while not read.whole:
                    read = await self.read_video(data, read)
        except TimeoutError as error:
            raise JailError(Reason.TIMEOUT) from error
        if read.undecodable:
            raise JailError(Reason.UNDECODABLE)
        return read.fingerprints(sha256)

    async def _in_characters(self, data: bytes, matches: list[Match], where: Where = Where.CONTENT) -> list[Match]:
        """Say where spans of letters stand in the text itself; where that fails, the match stands without its span."""
        # Where an address stands is known in characters from the first.
        spans = {
            match.signal: match.span
            for match in matches
            if match.where is where and match.fingerprint_kind is FingerprintKind.TEXT and match.span is not None
        }
        if not spans:
            return matches
        try:
            found = await texts.locate_in(self.jail, data, [(span.start, span.end) for span in spans.values()])
        except JailError:
            found = []
        placed = {
            signal: replace(span, start=start, end=end)
            for (signal, span), (start, end) in zip(spans.items(), found, strict=False)
        }
        return [
            replace(match, span=placed.get(match.signal)) if match.signal in spans and match.where is where else match
            for match in matches
        ]

    @property
    def session_cookie(self) -> str:
        """Name the session's cookie; over HTTPS the browser itself guards the prefix."""
        return "__Host-session" if self.settings.staff_url.scheme == "https" else "session"


def upload_of(submission: Submission, checked: Checked, data: bytes | None, *, looking_back: bool = False) -> Upload:
    """Join what the platform says with what was found."""
    return Upload(
        submission=submission,
        fingerprints=checked.fingerprints,
        text=checked.text,
        unchecked=checked.unchecked,
        matches=checked.matches,
        position=checked.position,
        data=data,
        beside=checked.beside,
        looking_back=looking_back,
    )


@asynccontextmanager
async def open_node(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    randomness: Randomness = secrets.token_bytes,
    jail: Jail | None = None,
    videos: VideoJail | None = None,
) -> AsyncIterator[Node]:
    """Open the parts of one process and close them at the end.

    Raises:
        ConfigurationError: no database is named, or a key cannot be read.
    """
    if settings.database_url is None:
        raise ConfigurationError("No database: set TIDEGATE_DATABASE_URL, or start with the embedded one.")
    keys = Keyring.open(settings.keys_directory)
    url = settings.database_url.get_secret_value()
    own_jail = jail or Jail(
        size=settings.jail_children,
        cache_directory=settings.data_directory / "cache",
        accept_missing=settings.jail_accept_missing,
        limits=Limits(requests=settings.jail_files_per_child),
    )
    own_videos = videos or VideoJail(
        settings.data_directory / "cache", settings.jail_accept_missing, settings.video_children
    )
    async with open_pool(url, size=settings.database_connections) as pool:
        database = Database(pool, clock, randomness, keys, STORY)
        if jail is None:
            # Nobody else may write in that folder, or neither of the two would take it.
            await asyncio.to_thread(compiled, settings.data_directory / "cache", partial(log.info, action="compile"))
            await own_jail.start()
            keep_compiled(settings.data_directory / "cache")
        try:
            async with database.transaction(TIME) as tx:
                await prepare_days(tx, settings.clear_upload_days)
            publisher = Publisher(database, settings.ledger_directory, settings.ledger_origin)
            yield Node(settings, database, own_jail, publisher, videos=own_videos)
        finally:
            if videos is None:
                await own_videos.close()
            if jail is None:
                await own_jail.stop()
