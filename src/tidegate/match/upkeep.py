"""Keeping the index on disk up with the database: one builder at a time, while everyone goes on searching.

May decide: when to build, and that what is on disk does not belong to this database. Reads the signals in pages, writes
no row.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from tidegate.db.transaction import TIME, Database, Transaction
from tidegate.kernel.ids import SignalId
from tidegate.match.values import building
from tidegate.match.values import manifest as manifests
from tidegate.match.values.building import Changed
from tidegate.match.values.files import Damaged, Folder, alone
from tidegate.match.values.manifest import Manifest
from tidegate.match.values.opening import SUSPECT, Opened, Reader
from tidegate.match.values.segments import joined
from tidegate.signal import store as signals
from tidegate.signal.model import FingerprintKind
from tidegate.signal.rules import proposes, strength

log = structlog.get_logger()

#: The kinds that are kept on disk.
KEPT: Final = (FingerprintKind.SHA256, FingerprintKind.PDQ)
#: So many changes are worth a build. Fewer are in the memory of every process, and read in a moment when one starts.
BUILD_FROM: Final = 2_000
#: Everything is read through this often.
_VERIFY: Final = timedelta(days=1)
_PAUSE_SECONDS: Final = 2.0
_PAGE: Final = 50_000
_NEWEST: Final = 16


@dataclass
class Upkeep:
    """Builds, and reads through what was built."""

    database: Database
    folder: Folder
    build_from: int = BUILD_FROM
    _verified_at: datetime | None = None

    @classmethod
    def of(cls, database: Database, path: Path) -> "Upkeep":
        """Keep the folder at a path."""
        return cls(database, Folder(path))

    async def run(self, stop: asyncio.Event) -> None:
        """Keep it until told to stop. One failure ends nothing: it is tried again."""
        while not stop.is_set():
            try:
                await self.once()
            except Exception as error:  # noqa: BLE001 - the next turn tries again; until then every process knows the changes
                log.error("index not built", action="index", error=type(error).__name__)
            try:
                await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)
            except TimeoutError:
                continue

    async def once(self, *, now: bool = False) -> Manifest | None:
        """Build what is due, or now; give the new manifest. Nothing happens while another process builds."""
        self.folder.prepare()
        with alone(self.folder.path) as ours:
            if not ours:
                return None
            before = await asyncio.to_thread(self._trusted)
            async with self.database.transaction(TIME) as tx:
                newest = await tx.answer(signals.newest_position())
                if before is not None and not await belongs(tx, before, newest):
                    log.error("index of another database", action="index")
                    before = None
            if before is None:
                return await self._build(await asyncio.to_thread(self._renounce), newest)
            waiting = newest - before.position
            return await self._build(before, newest) if waiting >= (1 if now else self.build_from) else None

    def _trusted(self) -> Manifest | None:
        """Give the manifest on disk if there is nothing against it; an empty one where there is none."""
        suspect = self.folder.path / SUSPECT
        try:
            manifest = manifests.read(self.folder)
            if manifest is None:
                return Manifest()
            if manifest.damaged:
                return None
            now = self.database.clock()
            if suspect.exists() or self._verified_at is None or not timedelta() <= now - self._verified_at < _VERIFY:
                verify(self.folder.path)
                self._verified_at = now
        except Damaged as error:
            log.error("index damaged", action="index", file=error.reference)
            return None
        finally:
            suspect.unlink(missing_ok=True)
        return manifest

    def _renounce(self) -> Manifest:
        """Tell every process to answer nothing from what is on disk; give the manifest to begin anew with."""
        nothing = Manifest()
        try:
            before = manifests.read(self.folder)
            nothing = replace(nothing, generation=before.generation + 1 if before else 0)
        except Damaged:
            pass
        manifests.write(self.folder, replace(nothing, damaged=True))
        return nothing

    async def _build(self, before: Manifest, newest: int) -> Manifest:
        began = time.monotonic()
        changed: dict[FingerprintKind, Changed] = {}
        last = list(before.newest)
        for kind in KEPT:
            changed[kind], seen = await self._read(kind, before.position, newest)
            last += seen
        after = Manifest(
            position=newest,
            newest=tuple(sorted(dict(last).items(), key=lambda each: each[1])[-_NEWEST:]),
            built_at=self.database.clock().timestamp(),
        )
        try:
            made = await asyncio.to_thread(building.build, self.folder, before, changed, after)
        except (Damaged, FileNotFoundError):
            (self.folder.path / SUSPECT).touch()
            raise
        log.info("index built", action="index", position=newest, seconds=round(time.monotonic() - began, 3))
        return made

    async def _read(self, kind: FingerprintKind, after: int, up_to: int) -> tuple[Changed, list[tuple[SignalId, int]]]:
        living: list[tuple[bytes, bytes, int]] = []
        ended: list[tuple[bytes, bytes, int]] = []
        newest: list[tuple[SignalId, int]] = []
        while True:
            async with self.database.transaction(TIME) as tx:
                page = await signals.blocks(tx, kind, after, up_to, _PAGE)
            if not page:
                break
            for block in page:
                part = (block.values, block.ids, strength(block.like))
                (living if proposes(block.like) else ended).append(part)
            newest = (newest + [block.newest for block in page])[-_NEWEST:]
            after = max(block.newest[1] for block in page)
        return await asyncio.to_thread(_changed, living, ended), newest


async def belongs(tx: Transaction, manifest: Manifest, newest: int) -> bool:
    """Say whether an index was built from this database: it knows the last signals, at those positions or later.

    A database brought back from a backup does not, and may have given the same positions to others.
    """
    if manifest.position > newest:
        return False
    known = await signals.positions_of(tx, [signal for signal, _position in manifest.newest])
    return all(known.get(signal, -1) >= position for signal, position in manifest.newest)


def verify(path: Path) -> Opened | None:
    """Open the index, test it and read all its files through.

    Raises:
        Damaged: something is not as it was written.
    """
    reader = Reader(path)
    opened = reader.open()
    if opened is not None:
        reader.verify(opened)
    return opened


def _changed(living: list[tuple[bytes, bytes, int]], ended: list[tuple[bytes, bytes, int]]) -> Changed:
    alive = building.signals_from(living)
    return Changed(alive, alive if not ended else joined([alive, building.signals_from(ended)]))
