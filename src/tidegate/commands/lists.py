"""Lists of signals in and out, given at the machine itself.

May decide: nothing about signals. What comes in is unconfirmed whoever sent it (floor rule 15). What goes out is
sensitive (floor rule 12): only here, never over HTTP; into a new file that its owner alone can read; with a purpose;
and on the record before the first value is written.
"""

import getpass
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from tidegate.commands.records import at_the_machine
from tidegate.db.sealing import write_detail
from tidegate.db.transaction import MACHINE, Database, Transaction
from tidegate.jail import Jail
from tidegate.kernel.errors import Conflict, Malformed
from tidegate.kernel.ids import ListId
from tidegate.settings import Settings
from tidegate.signal import formats, steps, store
from tidegate.signal.formats import Reading, Row, Skipped, Wrong
from tidegate.signal.links import in_canonical_form
from tidegate.signal.model import FingerprintKind, ListExported, ListFormat, Provenance, Signal
from tidegate.signal.steps import Imported, Wanted

#: Verdicts wait while a batch is written, which takes well below a tenth of a second.
BATCH = 500
_REPORT_EVERY = 100
_MOST_NAMED = 20
_PAGE = 5000

Say = Callable[[str], None]


async def import_list(database: Database, file: BinaryIO, how: Reading, source: str, say: Say, jail: Jail) -> Imported:
    """Read a list to its end; each batch is kept as soon as it is read, so that it can be broken off and read again.

    Args:
        database: the node's.
        file: the list.
        how: how to read it.
        source: who made the list, for the record.
        say: is told of wrong lines and of progress.
        jail: where links are read; started at the first of them.

    Raises:
        Malformed: nothing of it can be read.
        Unavailable: the jail cannot be used.
    """
    so_far = Imported()
    for number, batch in enumerate(_batches(_good(formats.read_list(formats.lines_of(file), how), so_far, say)), 1):
        if not jail.running and any(row.kind is FingerprintKind.URL for row in batch):
            await jail.start()
        results = await in_canonical_form(jail, batch) if jail.running else batch
        rows = [*_good(results, so_far, say)]
        wanted = [(row.kind, row.value, row.labels) for row in rows]

        async def add(tx: Transaction, wanted: Sequence[Wanted] = wanted) -> int:
            return await steps.add_many(tx, wanted, Provenance.IMPORT)

        added = await database.run(MACHINE, add)
        so_far.added += added
        so_far.known += len(rows) - added
        if number % _REPORT_EVERY == 0:
            say(f"{so_far.lines} lines read, {so_far.added} signals added.")

    async def record(tx: Transaction) -> None:
        await steps.record_import(tx, how.format, so_far, {"source": source, "account": _account()})

    await database.run(MACHINE, record)
    return so_far


def _good(results: Iterable[Row | Skipped | Wrong], so_far: Imported, say: Say) -> Iterator[Row]:
    for result in results:
        if isinstance(result, Row):
            yield result
        elif isinstance(result, Skipped):
            so_far.left_out[result.why] += 1
        else:
            so_far.wrong += 1
            if so_far.wrong <= _MOST_NAMED:
                say(f"line {result.line}: {result.error.message}")
            elif so_far.wrong == _MOST_NAMED + 1:
                say("More lines are wrong; they are counted and no longer named.")


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def export_list(
    database: Database, path: Path, list_format: ListFormat, purpose: str, *, unconfirmed: bool = False
) -> int:
    """Write the signals in use to a new file that its owner alone can read; give how many.

    Args:
        database: the node's.
        path: of the file; it must not be there yet.
        list_format: how to write it.
        purpose: what for, for the record.
        unconfirmed: those too that nobody has confirmed, or that are disputed.

    Raises:
        Malformed: no purpose, or a form that is not written.
        Conflict: there is a file already, or its folder cannot be written to.
    """
    if not purpose.strip():
        raise Malformed("Say what the list is for: it goes on the record.", reference="purpose")
    first = formats.header(list_format)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Conflict(f"The file cannot be made ({error.strerror}): name one that is not there yet.") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(first)
            position = await database.run(MACHINE, lambda tx: _record(tx, list_format, purpose, unconfirmed))
            written = 0
            async for page in _pages(database, position, unconfirmed=unconfirmed):
                file.writelines(formats.write_line(signal, list_format) for signal in page)
                written += len(page)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(path)  # noqa: PTH108 - at the machine nothing else waits; half a list is worse than none
        raise
    return written


async def import_file(settings: Settings, file: BinaryIO, how: Reading, source: str, say: Say) -> Imported:
    """Read a list into the database of the settings, with a jail of one child."""
    jail = Jail(size=1, cache_directory=settings.data_directory / "cache", accept_missing=settings.jail_accept_missing)
    try:
        return await at_the_machine(settings, lambda database: import_list(database, file, how, source, say, jail))
    finally:
        await jail.stop()


async def _pages(database: Database, last: int, *, unconfirmed: bool) -> AsyncIterator[list[Signal]]:
    after = 0

    async def next_page(tx: Transaction) -> list[Signal]:
        return await store.page(tx, after, last, _PAGE, unconfirmed=unconfirmed)

    while page := await database.run(MACHINE, next_page):
        yield page
        after = page[-1].number


async def _record(tx: Transaction, list_format: ListFormat, purpose: str, unconfirmed: bool) -> int:
    identity, position = tx.new(ListId), await tx.answer(store.newest_position())
    await write_detail(tx, identity, steps.LIST_PART, {"purpose": purpose.strip(), "account": _account()})
    await tx.append(
        ListExported(
            list=identity,
            list_format=list_format,
            signals=await store.count_in_use(tx, unconfirmed=unconfirmed),
            position=position,
        )
    )
    return position


def _account() -> str:
    try:
        return getpass.getuser()
    except OSError:  # an account without a name, as in some containers
        return str(os.getuid())
