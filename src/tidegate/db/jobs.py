"""Jobs: what comes after a commit, deferred in the transaction it follows from.

May decide: nothing. A job is a row written on the same connection, so it exists exactly when what it follows from does.
"""

from typing import Any

from procrastinate import App, PsycopgConnector

from tidegate.db.transaction import Transaction

#: Only names tasks and writes rows on connections it is handed; workers have their own, with the code of each task.
_DEFERRER = App(connector=PsycopgConnector())


async def defer(tx: Transaction, task: str, *, lock: str | None = None, **arguments: Any) -> None:  # noqa: ANN401 - JSON
    """Defer a job; those with the same lock run one at a time, in the order they were deferred."""
    await _DEFERRER.configure_task(task, lock=lock, allow_unknown=True, connection=tx.connection).defer_async(
        **arguments
    )
