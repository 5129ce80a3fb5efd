"""Jobs: what comes after a commit, deferred in the transaction it follows from.

May decide: nothing. A job is a row written on the same connection, so it exists exactly when what it follows from does.
"""

from typing import Any, Final

from procrastinate import App, PsycopgConnector
from procrastinate.types import TimeDeltaParams

from tidegate.db.transaction import Transaction
from tidegate.kernel.backlog import Backlog

#: Where jobs wait that keep a locked child busy for long: nothing else waits behind them.
VIDEOS: Final = "videos"

#: Only names tasks and writes rows on connections it is handed; workers have their own, with the code of each task.
_DEFERRER = App(connector=PsycopgConnector())


async def defer(
    tx: Transaction,
    task: str,
    *,
    queue: str | None = None,
    lock: str | None = None,
    wait: float = 0,
    **arguments: Any,  # noqa: ANN401 - JSON
) -> None:
    """Defer a job, for some seconds if wanted; those with the same lock run one at a time, in the order deferred."""
    connection = await tx.connection()
    schedule: TimeDeltaParams | None = {"milliseconds": round(wait * 1000)} if wait else None
    await _DEFERRER.configure_task(
        task, queue=queue, lock=lock, schedule_in=schedule, allow_unknown=True, connection=connection
    ).defer_async(**arguments)


async def pending(tx: Transaction, task: str, argument: str) -> frozenset[str]:
    """Give what the jobs of a task are about that wait or run: the value of one of their arguments."""
    rows = await tx.rows(
        """
        SELECT args ->> %(argument)s AS about FROM procrastinate_jobs
        WHERE task_name = %(task)s AND status IN ('todo', 'doing')
        """,
        task=task,
        argument=argument,
    )
    return frozenset(row["about"] for row in rows)


async def failed(tx: Transaction) -> Backlog:
    """Count the jobs that were given up."""
    return await tx.backlog(
        """
        SELECT count(DISTINCT j.id) AS n, min(e.at) AS since FROM procrastinate_jobs j
        LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'failed' WHERE j.status = 'failed'
        """
    )


async def waiting(tx: Transaction) -> Backlog:
    """Count the jobs that could have begun; those that wait for their next attempt are not among them.

    Jobs go by the database's clock, so their age is told on the node's.
    """
    return await tx.backlog(
        """
        SELECT n, %(now)s::timestamptz - (now() - least(
            scheduled, (SELECT min(e.at) FROM procrastinate_events e WHERE e.job_id = first))) AS since
        FROM (
            SELECT count(*) AS n, min(scheduled_at) AS scheduled, min(id) FILTER (WHERE scheduled_at IS NULL) AS first
            FROM procrastinate_jobs WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
        ) AS due
        """,
        now=tx.now,
    )
