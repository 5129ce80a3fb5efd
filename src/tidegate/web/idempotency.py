"""Idempotency keys: the same request sent again gets the same answer, for 24 hours.

May decide: whether a request is the same. The key belongs to one API key; what is compared is a digest of the whole
request. Same key and same request: the answer given before. Same key and another request: a conflict.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from tidegate.db.transaction import Transaction
from tidegate.kernel.errors import Conflict, Malformed
from tidegate.kernel.ids import KeyId

KEPT = timedelta(hours=24)
_LONGEST = 255

Answer = dict[str, Any]


async def once(
    tx: Transaction,
    key: KeyId,
    idempotency_key: str | None,
    request: tuple[str | bytes, ...],
    act: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Act, unless this was asked before; then give the answer given then.

    Raises:
        Malformed: the key is empty or too long.
        Conflict: the key was used for another request.
    """
    if idempotency_key is None:
        return await act()
    if not 0 < len(idempotency_key) <= _LONGEST:
        raise Malformed(f"An Idempotency-Key has 1 to {_LONGEST} characters.", reference="Idempotency-Key")
    name = tx.keys.lookup("idempotency", key.value.bytes, idempotency_key)
    digest = tx.keys.lookup("request", *request)
    # Two of the same at once: the second waits for the first and then finds its answer.
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=int.from_bytes(name[:8], signed=True))
    row = await tx.row(
        "SELECT * FROM idempotency WHERE name = %(name)s AND at > %(since)s", name=name, since=tx.now - KEPT
    )
    if row is not None:
        if bytes(row["request"]) != digest:
            raise Conflict(
                "This Idempotency-Key was used for another request: use a new one.",
                reference="Idempotency-Key",
            )
        answer: Answer = json.loads(row["answer"])
        return answer
    answer = await act()
    await tx.execute(
        """
        INSERT INTO idempotency (name, request, answer, at) VALUES (%(name)s, %(request)s, %(answer)s, %(at)s)
        ON CONFLICT (name) DO UPDATE SET (request, answer, at) = (EXCLUDED.request, EXCLUDED.answer, EXCLUDED.at)
        """,
        name=name,
        request=digest,
        answer=json.dumps(answer),
        at=tx.now,
    )
    return answer


async def forget_old(tx: Transaction) -> None:
    """Drop answers older than they are kept."""
    await tx.execute("DELETE FROM idempotency WHERE at <= %(since)s", since=tx.now - KEPT)
