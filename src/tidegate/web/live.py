"""Live updates: open pages are told that something happened, never what.

May decide: which topics a person's permissions let them hear. A topic is a word; what it stands for is asked for by the
page, through the doors that guard it. Nothing here keeps a session alive, and a stopping node waits for no stream.

One task a process looks at the record about once a second, while anyone listens. Ids of events can become visible late
(a number is taken before its commit), so it looks a little way back each time and remembers what it has told.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from tidegate.db.transaction import TIME, Transaction
from tidegate.kernel.errors import RateLimited, TidegateError, Unavailable
from tidegate.node import Node
from tidegate.people.model import Permission, Session, SessionId
from tidegate.people.sign_in import session as open_session

log = structlog.get_logger()

#: topic -> who may hear of it, and the kinds of events (up to the dot) it tells of
TOPICS: dict[str, tuple[Permission, frozenset[str]]] = {
    "case": (Permission.SEE_CASE, frozenset({"case", "decision", "verdict", "flag", "content"})),
    "appeal": (Permission.SEE_APPEAL, frozenset({"appeal"})),
    "signal": (Permission.SEE_SIGNALS, frozenset({"signal"})),
    "instruction": (Permission.SEE_INSTRUCTIONS, frozenset({"enforcement"})),
    "people": (Permission.MANAGE_PEOPLE, frozenset({"people"})),
    "record": (
        Permission.READ_RECORD,
        frozenset(
            {"case", "decision", "verdict", "flag", "content", "appeal", "signal", "enforcement", "notice", "people"}
        ),
    ),
}

LOOK_SECONDS = 1.0
BEAT_SECONDS = 15.0
LONGEST_SECONDS = 300.0
#: A browser opens at most six connections to one address (HTTP/1.1): some must be left for everything else.
MOST_OF_SESSION = 4
MOST_OF_PROCESS = 500
#: How many ids back a late one is still looked for.
_LOOK_BACK = 500


@dataclass(eq=False, slots=True)
class Listening:
    """One open stream."""

    token: str = field(repr=False)
    session: SessionId
    permissions: frozenset[Permission]
    news: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, topics: Iterable[str]) -> None:
        """Note topics to be said, if its owner may hear of them."""
        self.news.update(topic for topic in topics if TOPICS[topic][0] in self.permissions)
        if self.news:
            self.woken.set()


class Live:
    """The open streams of one process."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._streams: set[Listening] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False

    def join(self, present: Session, token: str) -> Listening:
        """Open a stream for someone; whoever opens it must ``leave``.

        Raises:
            RateLimited: too many are open.
            Unavailable: the node is stopping.
        """
        if self._stopping:
            raise Unavailable
        own = sum(stream.session == present.id for stream in self._streams)
        if own >= MOST_OF_SESSION or len(self._streams) >= MOST_OF_PROCESS:
            raise RateLimited("Too many pages are open for live updates: this one does without.", retry_after=60)
        stream = Listening(token, present.id, present.permissions)
        self._streams.add(stream)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="live")
        return stream

    def leave(self, stream: Listening) -> None:
        """Close a stream; with the last one nobody looks any more."""
        self._streams.discard(stream)
        if not self._streams and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def stop(self) -> None:
        """End every stream at once: a stopping node does not wait for them."""
        self._stopping = True
        for stream in self._streams:
            stream.woken.set()

    async def lines(self, stream: Listening, *, again: bool) -> AsyncIterator[bytes]:
        """Say topics as they come, and in between that the stream still stands, until its time is over.

        Args:
            stream: the open stream.
            again: the page was cut off and is back: it may have missed anything.
        """
        loop = asyncio.get_running_loop()
        end, beat = loop.time() + LONGEST_SECONDS, loop.time() + BEAT_SECONDS
        # The browser gives the id back when it comes again; it says nothing else.
        yield b"retry: 2000\nid: again\n: listening\n\n"
        if again:
            stream.tell(TOPICS)
        while not self._stopping and loop.time() < end:
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.woken.wait(), max(0.0, min(beat, end) - loop.time()))
            stream.woken.clear()
            for topic in sorted(stream.news):
                yield f"event: {topic}\ndata: {topic}\n\n".encode()
            stream.news.clear()
            if loop.time() >= beat:
                if not await self._still_signed_in(stream):
                    return
                beat = loop.time() + BEAT_SECONDS
                yield b": still listening\n\n"

    async def _still_signed_in(self, stream: Listening) -> bool:
        try:
            async with self._node.database.transaction(TIME) as tx:
                present = await open_session(tx, stream.token, touch=False)
        except (TidegateError, OperationalError, InterfaceError, PoolTimeout):
            return False
        stream.permissions = present.permissions
        return True

    async def _look(self) -> None:
        """Tell what is new, about once a second."""
        told: set[int] | None = None
        while True:
            try:
                rows = await self._node.run(TIME, lambda tx, told=told: _newest(tx, max(told or {0})))  # type: ignore[misc]
            except (TidegateError, OperationalError, InterfaceError, PoolTimeout) as error:
                log.warning("record not read", action="live", error=type(error).__name__)
            else:
                if told is not None:
                    self._tell({kind for number, kind in rows if number not in told})
                told = {number for number, _ in rows}
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, kinds: set[str]) -> None:
        stages = {kind.partition(".")[0] for kind in kinds}
        topics = [topic for topic, (_, of) in TOPICS.items() if stages & of]
        if topics:
            for stream in self._streams:
                stream.tell(topics)


async def _newest(tx: Transaction, after: int) -> list[tuple[int, str]]:
    """Give the events after one, and those a little way before it: id and kind."""
    rows = await tx.rows(
        """
        SELECT id, kind FROM event
        WHERE id > CASE WHEN %(after)s = 0 THEN (SELECT coalesce(max(id), 0) FROM event) ELSE %(after)s END - %(back)s
        ORDER BY id
        """,
        after=after,
        back=_LOOK_BACK,
    )
    return [(row["id"], row["kind"]) for row in rows]
