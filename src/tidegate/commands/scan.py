"""``tidegate scan``: match many files or values against what the node knows, without a record.

May decide: the exit status (0: all was checked and nothing matched, 1: something matched, 3: nothing matched, but not
all could be checked). It is matching without a record, so it needs the setting for that, and each answer is counted in
public (floor rule 12). Files are decoded in the jail only.

Answers are written in the order of what was asked. With a state file a scan that was stopped, even by ``kill -9``, goes
on where it was: first the lines are made to last, then the state that names how long the output is; lines beyond that
are cut off before going on. So none is missing and none is there twice.
"""

import asyncio
import errno
import hashlib
import json
import os
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tidegate.api.content import matches_for
from tidegate.commands.scan_source import Asked, Source
from tidegate.content.model import ContentKind, Fingerprints, Look
from tidegate.db.transaction import MACHINE, Transaction
from tidegate.fingerprint.model import Unchecked
from tidegate.fingerprint.words.text import ReadText
from tidegate.kernel.errors import Conflict, Malformed, RuleBroken, Unavailable
from tidegate.ledger.entry import Tallied
from tidegate.match.index import IndexDown
from tidegate.match.model import Match
from tidegate.match.second import with_second
from tidegate.node import Node, open_node
from tidegate.settings import Settings
from tidegate.signal import store as signals
from tidegate.signal.rules import proposes
from tidegate.verdict.store import add_to_tally

Report = Callable[[str], None]

MATCHED, UNCHECKED = 1, 3
#: By Ctrl-C; what was answered until then is written.
_STOPPED = 130
_UNDER_WAY_EACH = 4
_BATCH = 50
_BATCH_SECONDS = 1.0
_PIECE = 1 << 20
_TRIES = 3
#: Seconds a scan waits for the index.
_PATIENCE = 60
_MAGIC = {
    b"\xff\xd8\xff": ContentKind.PICTURE,
    b"\x89PNG\r\n": ContentKind.PICTURE,
    b"GIF8": ContentKind.PICTURE,
    b"\x1aE\xdf\xa3": ContentKind.VIDEO,
}


@dataclass(slots=True)
class Progress:
    """How far a scan is."""

    total: int | None
    begun_at: float
    done: int = 0
    done_before: int = 0
    matched: int = 0
    unchecked: int = 0

    def line(self, now: float) -> str:
        """Say it in a line."""
        rate = (self.done - self.done_before) / max(now - self.begun_at, 1e-9)
        of = "" if self.total is None else f"/{self.total}"
        left = "" if self.total is None or not rate else f", {(self.total - self.done) / rate:.0f} s to go"
        found = f"{self.matched} matched, {self.unchecked} not checked"
        return f"{self.done}{of} done, {rate:.0f}/s{left}: {found}"

    @property
    def status(self) -> int:
        """Give the exit status so far."""
        return MATCHED if self.matched else UNCHECKED if self.unchecked else 0


@dataclass(slots=True)
class State:
    """What a state file holds: which scan, up to where, how long the output is then, and what was counted."""

    source: str
    after: Any = None
    size: int = 0
    done: int = 0
    matched: int = 0
    unchecked: int = 0

    @classmethod
    def read(cls, path: Path, source: str) -> "State":
        """Read a state; a new one where there is none.

        Raises:
            Conflict: it is another scan's.
            Malformed: it is no state of a scan.
        """
        try:
            found = cls(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return cls(source)
        except (ValueError, TypeError) as error:
            raise Malformed(f"{path} is not the state of a scan: name another file with --resume.") from error
        if found.source != source:
            raise Conflict(f"{path} is the state of another scan ({found.source}): name another file with --resume.")
        return found

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        waiting = path.with_name(f"{path.name}.new")
        with waiting.open("w", encoding="utf-8") as file:
            json.dump({name: getattr(self, name) for name in self.__slots__}, file)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)


class Asking:
    """Questions as a thread of its own comes by them: it may wait for the next as long as it likes.

    No more than some are fetched ahead. The thread dies with the process, wherever it waits.
    """

    def __init__(self, questions: Iterator[Asked], ahead: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._came: asyncio.Queue[Asked | Exception | None] = asyncio.Queue()
        self._room, self._ended = threading.Semaphore(ahead), False
        threading.Thread(target=self._ask, args=(questions,), daemon=True).start()

    async def next(self) -> Asked | None:
        """Wait for the next; None is the end. What went wrong in asking is raised here."""
        came = await self._came.get()
        self._room.release()
        if isinstance(came, Exception):
            raise came
        return came

    def end(self) -> None:
        """Ask no more."""
        self._ended = True
        self._room.release()

    def _ask(self, questions: Iterator[Asked]) -> None:
        try:
            for asked in questions:
                self._room.acquire()
                if self._ended:
                    return
                self._hand_over(asked)
            self._hand_over(None)
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self._hand_over(error)

    def _hand_over(self, came: Asked | Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._came.put_nowait, came)


@dataclass(slots=True)
class Scan:
    """A scan under way."""

    node: Node
    source: Source
    output: BinaryIO
    state_file: Path | None
    state: State
    say: Report
    progress: Progress
    _lines: list[bytes] = field(default_factory=list)
    _answers: int = 0
    _saved_at: float = 0.0
    _said_at: float = 0.0
    _said: tuple[int, int, int] | None = None

    async def run(self) -> int:
        """Match everything; give the exit status."""
        most = self.node.settings.jail_children * _UNDER_WAY_EACH
        under_way: deque[tuple[Asked, asyncio.Task[dict[str, Any]]]] = deque()
        asking = Asking(self.source.after(self.state.after), most)
        coming: asyncio.Task[Asked | None] | None = asyncio.create_task(asking.next())
        try:
            while coming is not None or under_way:
                waited = [under_way[0][1]] if under_way else []
                await self._wait([*waited, coming] if coming is not None and len(under_way) < most else waited)
                if waited and waited[0].done():
                    await self._take(*under_way.popleft())
                elif coming is not None and coming.done():
                    asked, coming = coming.result(), None
                    if asked is not None:
                        under_way.append((asked, asyncio.create_task(self._answer(asked))))
                        coming = asyncio.create_task(asking.next())
        finally:
            asking.end()
            for task in (coming, *(task for _, task in under_way)):
                if task is not None:
                    task.cancel()
            await self._save()
            self._say()
        return self.progress.status

    async def _wait(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Wait for one of them; what is answered is not kept back while the next question is long in coming."""
        done, _ = await asyncio.wait(tasks, timeout=_BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not done and self._answers:
            await self._save()

    async def _take(self, asked: Asked, task: asyncio.Task[dict[str, Any]]) -> None:
        line = await task
        self._answers += 1
        self.progress.done += 1
        self.progress.matched += bool(line.get("matches"))
        self.progress.unchecked += "unchecked" in line
        if line.get("matches") or "unchecked" in line:
            self._lines.append(_written(line))
        self.state.after = asked.place
        if self._answers >= _BATCH or time.monotonic() - self._saved_at > _BATCH_SECONDS:
            await self._save()

    async def _save(self) -> None:
        """Make everything so far last: counted first, then the lines, then the state that goes on after them."""
        answers, self._answers = self._answers, 0
        if answers:
            await self.node.run(MACHINE, lambda tx: _count(tx, answers))
        lines, self._lines = b"".join(self._lines), []
        try:
            self._write(lines)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Unavailable(f"The answers cannot be written: {error.strerror}.") from error
        self._saved_at = time.monotonic()
        if self._saved_at - self._said_at > _BATCH_SECONDS:
            self._say()

    def _say(self) -> None:
        """Say how far it is; not twice the same."""
        self._said_at, now = time.monotonic(), (self.progress.done, self.progress.matched, self.progress.unchecked)
        if now != self._said:
            self._said = now
            self.say(self.progress.line(self._said_at))

    def _write(self, lines: bytes) -> None:
        self.output.write(lines)
        self.output.flush()
        if self.state_file is not None:
            os.fsync(self.output.fileno())
            self.state.size = self.output.tell()
            self.state.done, self.state.matched = self.progress.done, self.progress.matched
            self.state.unchecked = self.progress.unchecked
            self.state.write(self.state_file)

    async def _answer(self, asked: Asked) -> dict[str, Any]:
        if asked.value is not None:
            return {asked.what: asked.name} | await self._matches(_fingerprints(asked.what, asked.value))
        try:
            sha256, data = await asyncio.to_thread(_read, asked.path, self.node.settings.largest_decoded_bytes)
        except OSError as error:
            return {"path": asked.name, "unchecked": "unreadable", "because": error.strerror or "unreadable"}
        fingerprints, text, unchecked = await self._fingerprinted(sha256, data)
        if fingerprints.reduced and (await self.node.search(fingerprints))[0]:
            fingerprints, text, unchecked = await self._fingerprinted(sha256, data, full_size=True)
        line = {"path": asked.name} | await self._matches(fingerprints, text)
        return line | ({"unchecked": unchecked.value} if unchecked else {})

    async def _fingerprinted(
        self, sha256: bytes, data: bytes | None, *, full_size: bool = False
    ) -> tuple[Fingerprints, ReadText | None, Unchecked | None]:
        """Fingerprint a file; what an engine's mishap kept from being checked is tried again."""
        for attempt in range(_TRIES):
            found = await self.node.fingerprint(kind_of(data or b""), sha256, data, full_size=full_size)
            if found[2] is not Unchecked.ENGINE_DOWN:
                return found
            await asyncio.sleep(2**attempt)
        return await self.node.fingerprint(kind_of(data or b""), sha256, data, full_size=full_size)

    async def _matches(self, fingerprints: Fingerprints, text: ReadText | None = None) -> dict[str, Any]:
        matches = await self._near(fingerprints, text)
        if not matches:
            return {"matches": []}
        return {"matches": await self.node.run(MACHINE, lambda tx: described(tx, matches, fingerprints))}

    async def _near(self, fingerprints: Fingerprints, text: ReadText | None) -> list[Match]:
        """Find what is near; where the index is being built, wait for it.

        Raises:
            IndexDown: it takes too long; what was answered until then is written.
        """
        for _ in range(_PATIENCE):
            try:
                return (await self.node.search(fingerprints, text))[0]
            except IndexDown:
                await asyncio.sleep(1)
        return (await self.node.search(fingerprints, text))[0]


def _written(line: dict[str, Any]) -> bytes:
    """Write an answer as a line of JSON; bytes of a file's name that are no UTF-8 are escaped, as JSON escapes."""
    return json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


async def _count(tx: Transaction, answers: int) -> None:
    add_to_tally(tx, Tallied.MATCH_WITHOUT_RECORD, answers)


async def described(tx: Transaction, matches: list[Match], fingerprints: Fingerprints) -> list[dict[str, Any]]:
    """Describe the matches whose signals stand now, as ``POST /v1/match`` does."""
    matched = await signals.load(tx, [match.signal for match in matches])
    standing = {signal.id for signal in matched if proposes(signal)}
    now = tuple(match for match in with_second(matches, fingerprints, matched) if match.signal in standing)
    return await matches_for(tx, now)


def _fingerprints(what: str, value: bytes) -> Fingerprints:
    if what == "sha256":
        return Fingerprints(sha256=value)
    return Fingerprints(sha256=b"", looks=(Look(pdq=(value,), quality=100),), quality=100)


def kind_of(data: bytes) -> ContentKind:
    """Say by its first bytes what a file is; what is no video is tried as a picture."""
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return ContentKind.VIDEO
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), ContentKind.PICTURE)


def _read(path: Path, most_kept: int) -> tuple[bytes, bytes | None]:
    """Read a file; give its SHA-256, and its bytes unless they are too many.

    Raises:
        OSError: it cannot be read, or is none: a pipe or a device may have no end.
    """
    digest, kept, length = hashlib.sha256(), bytearray(), 0
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "Not a name")
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "Not a file")
        while piece := file.read(_PIECE):
            digest.update(piece)
            length += len(piece)
            if length <= most_kept:
                kept += piece
    return digest.digest(), bytes(kept) if length <= most_kept else None


def _at_once(path: str, flags: int) -> int:
    """Open a file, without waiting for whoever might write to it if it is a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def scan(settings: Settings, source: Source, *, output: Path | None, state_file: Path | None, say: Report) -> int:
    """Scan, and give the exit status.

    Raises:
        RuleBroken: matching without a record is off on this node (floor rule 12).
        Malformed: a state without an output file, or neither fits this scan.
    """
    if not settings.match_without_record:
        raise RuleBroken(
            "A scan matches without a record, and that is off on this node: set TIDEGATE_MATCH_WITHOUT_RECORD=true.",
            reference="rule 12",
        )
    if state_file is not None and output is None:
        raise Malformed("A scan that can go on later needs a file for its answers: give --output as well.")
    state = State(source.name) if state_file is None else State.read(state_file, source.name)
    with _opened(output, state) as file:
        try:
            return asyncio.run(_scan(settings, source, file, state_file, state, say))
        except KeyboardInterrupt:
            return _STOPPED


async def _scan(
    settings: Settings, source: Source, file: BinaryIO, state_file: Path | None, state: State, say: Report
) -> int:
    async with open_node(settings) as node:
        await node.follow_signals()
        total = await asyncio.to_thread(source.count)
        if (left_out := source.left_out()) is not None:
            say(left_out)
        progress = Progress(
            total,
            time.monotonic(),
            done=state.done,
            done_before=state.done,
            matched=state.matched,
            unchecked=state.unchecked,
        )
        return await Scan(node, source, file, state_file, state, say, progress).run()


def _opened(output: Path | None, state: State) -> BinaryIO:
    """Open the output at the place where the state says it goes on."""
    if output is None:
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    try:
        file = output.open("r+b" if output.exists() else "w+b")
    except OSError as error:
        raise Malformed(f"{output} cannot be written: {error.strerror}.") from error
    if file.seek(0, os.SEEK_END) < state.size:
        file.close()
        raise Malformed(f"{output} is shorter than it was: begin again with another file for the state.")
    file.truncate(state.size)
    file.seek(state.size)
    return file
