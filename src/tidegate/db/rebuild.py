"""Rebuilding every view from the events, and proving that it is equal.

May decide: nothing. State is a fold of events: each event is projected again, in order, at its own time, into empty
copies of the views; then every table is compared row by row with the one in use.
"""

from collections.abc import Sequence

from psycopg import sql

from tidegate.db.transaction import MACHINE, Database, Transaction
from tidegate.kernel.event import decode

_PAGE = 1000


async def rebuild(owner: Database, views: Sequence[str]) -> dict[str, int]:
    """Fold all events again and compare; give the number of rows that differ, by view.

    Args:
        owner: opened as the owning role, because the copies are made in a schema of their own.
        views: the tables that are views.
    """
    async with owner.transaction(MACHINE) as tx:
        # Nobody writes while we fold, or the two would be compared at different times.
        await tx.execute("LOCK TABLE event IN SHARE MODE")
        await tx.execute("DROP SCHEMA IF EXISTS rebuild CASCADE")
        await tx.execute("CREATE SCHEMA rebuild")
        for view in views:
            await _run(tx, "CREATE TABLE rebuild.{} (LIKE public.{} INCLUDING ALL)", view, view)
        await tx.execute("SET LOCAL search_path TO rebuild, public")
        await _fold(tx)
        await tx.execute("SET LOCAL search_path TO public")
        differing = {view: await _compare(tx, view) for view in views}
        await tx.execute("DROP SCHEMA rebuild CASCADE")
    return differing


async def _fold(tx: Transaction) -> None:
    after = 0
    while True:
        rows = await tx.rows(
            "SELECT id, at, kind, data FROM public.event WHERE id > %(after)s ORDER BY id LIMIT %(most)s",
            after=after,
            most=_PAGE,
        )
        for row in rows:
            tx.now = row["at"]
            await tx.project(decode(row["kind"], row["data"]))
            after = row["id"]
        if len(rows) < _PAGE:
            return


async def _compare(tx: Transaction, view: str) -> int:
    return await _run(
        tx,
        """
        SELECT count(*) AS n FROM (
            (SELECT to_jsonb(a) FROM public.{0} a EXCEPT ALL SELECT to_jsonb(b) FROM rebuild.{0} b)
            UNION ALL
            (SELECT to_jsonb(b) FROM rebuild.{0} b EXCEPT ALL SELECT to_jsonb(a) FROM public.{0} a)
        ) AS differing
        """,
        view,
    )


async def _run(tx: Transaction, statement: str, *names: str) -> int:
    composed = sql.SQL(statement).format(*(sql.Identifier(name) for name in names))
    cursor = await (await tx.connection()).execute(composed)
    if cursor.description is None:
        return 0
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0
