"""Following the signals: the index of one process brought forward before it is asked.

May decide: nothing; whether the index may be asked at all is the index's own answer. Reads, and writes no row.
"""

import asyncio
import time
from typing import Final

from tidegate.db.transaction import TIME, Database, Transaction
from tidegate.match.exact import exact_match
from tidegate.match.index import Index, IndexDown
from tidegate.match.model import Match
from tidegate.match.upkeep import belongs
from tidegate.match.values.manifest import Manifest
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind

_PAGE: Final = 2_000
#: With more changes than this to read, a process waits for the worker to build them: that is the quicker way.
_MOST_BEHIND: Final = 200_000
#: How long an upload waits for the index before it is answered as not checked.
_SOON_SECONDS: Final = 2.0


class Follower:
    """Brings an index forward.

    Whoever asks while others are being served waits for the next turn, which begins after they asked and serves all who
    wait: many checks at once cost one look at the position.
    """

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self._index = index
        self._alone = asyncio.Lock()
        self._began: float | None = None
        self._next_turn: asyncio.Task[None] | None = None
        self._turns: set[asyncio.Task[None]] = set()

    async def catch_up(self) -> None:
        """Bring the index forward to the newest signal position.

        Raises:
            IndexDown: too much is missing; the worker is building it.
        """
        await asyncio.shield(self._turn())

    async def soon(self) -> None:
        """Do the same within two seconds; what takes longer goes on without the caller.

        Raises:
            IndexDown: it takes longer, or too much is missing.
        """
        if self._began is not None and time.monotonic() - self._began > _SOON_SECONDS:
            raise IndexDown
        turn = self._turn()
        if not (await asyncio.wait({turn}, timeout=_SOON_SECONDS))[0]:
            raise IndexDown
        turn.result()

    async def exact_alone(self, sha256: bytes) -> tuple[list[Match], int]:
        """Match exact bytes without the index (floor rule 2), and the position that is true for."""
        async with self._database.transaction(TIME) as tx:
            position = await tx.answer(signals.newest_position())
            signal = await signals.with_value(tx, FingerprintKind.SHA256, sha256)
        return ([] if signal is None else [exact_match(signal.id)]), position

    def _turn(self) -> asyncio.Task[None]:
        if self._next_turn is None:
            self._next_turn = asyncio.create_task(self._follow())
            self._turns.add(self._next_turn)
            self._next_turn.add_done_callback(self._finished)
        return self._next_turn

    def _finished(self, turn: asyncio.Task[None]) -> None:
        self._turns.discard(turn)
        if not turn.cancelled():
            turn.exception()  # Told to whoever still waits; to nobody else it is news.

    async def _follow(self) -> None:
        async with self._alone:
            self._next_turn, self._began = None, time.monotonic()
            try:
                manifest = await self._take_up()
                async with self._database.glance(TIME) as tx:
                    newest = await tx.answer(signals.newest_position())
                if manifest is not None or newest != self._index.position or not self._index.ready:
                    async with self._database.transaction(TIME) as tx:
                        await self._read(tx, manifest)
            finally:
                self._began = None

    async def _take_up(self) -> Manifest | None:
        if not self._index.outdated:
            return None
        manifest = await asyncio.to_thread(self._index.take_up)
        asyncio.get_running_loop().run_in_executor(None, self._index.verify)
        return manifest

    async def _read(self, tx: Transaction, manifest: Manifest | None) -> None:
        index = self._index
        newest = await tx.answer(signals.newest_position())
        if newest < max(index.position, index.kept_to) or (manifest and not await belongs(tx, manifest, newest)):
            index.condemn()
        if newest - (0 if index.damaged else max(index.position, index.kept_to)) > _MOST_BEHIND:
            raise IndexDown
        if index.damaged:
            index.begin_anew()
        kept = [known.kind for known in index.known]
        while changed := await signals.after(tx, index.position, most=_PAGE, kept_to=index.kept_to, kept=kept):
            index.bring_forward(changed)
        index.reached(newest)
