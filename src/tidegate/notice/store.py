"""The only SQL that names notice's table. May decide: nothing."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.decision.model import Provision
from tidegate.kernel.errors import NotFound
from tidegate.kernel.event import Event
from tidegate.kernel.ids import ContentId, NoticeId
from tidegate.kernel.keys import token_hash
from tidegate.notice import policy_text
from tidegate.notice.model import Cause, NoticeEnded, NoticeIssued, NoticeRead


def statement_part(notice: NoticeId) -> str:
    """Name the sealed detail with a notice's statement; it belongs to the content."""
    return f"notice/{notice}"


async def statement(tx: Transaction, content: ContentId, notice: NoticeId) -> dict[str, Any] | None:
    """Open a notice's statement of reasons; None when erased.

    One from before the rules' texts were sealed along is given the present words.
    """
    said = await read_detail(tx, content, statement_part(notice))
    return said and {"policy": policy_text.as_it_stands(Provision(str(said["provision"]))), **said}


async def by_token(tx: Transaction, token: str) -> Row:
    """Find a notice by the secret of its link.

    Raises:
        NotFound: no notice has this link.
    """
    try:
        secret = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        secret = b""
    row = await tx.row("SELECT * FROM notice WHERE token_hash = %(hash)s", hash=token_hash(secret))
    if row is None:
        raise NotFound("There is no notice under this link: check that it is complete.")
    return row


async def load(tx: Transaction, notice: NoticeId) -> Row | None:
    """Load a notice."""
    return await tx.row("SELECT * FROM notice WHERE id = %(id)s", id=notice)


async def standing_on(tx: Transaction, content: ContentId) -> list[Row]:
    """Give the notices about a content whose restriction is not over."""
    return await tx.rows(
        "SELECT * FROM notice WHERE content = %(content)s AND state = 'standing' ORDER BY id", content=content
    )


async def latest_complaint_until(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, datetime]:
    """Give, for each content, the end of the latest window to complain."""
    rows = await tx.rows(
        "SELECT content, max(complaint_until) AS until FROM notice WHERE content = ANY(%(ids)s) GROUP BY content",
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): row["until"] for row in rows}


async def _issued(tx: Transaction, happened: NoticeIssued) -> None:
    await tx.execute(
        """
        INSERT INTO notice (id, content, revision, cause, decision, state, issued_at, complaint_until, token_hash)
        VALUES (%(id)s, %(content)s, %(revision)s, %(cause)s, %(decision)s, 'standing', %(at)s, %(until)s, %(hash)s)
        """,
        id=happened.notice,
        content=happened.content,
        revision=happened.revision,
        cause=Cause(happened.cause),
        decision=happened.decision,
        at=tx.now,
        until=happened.complaint_until,
        hash=token_hash(tx.keys.link_token(happened.notice)),
    )


async def _ended(tx: Transaction, happened: NoticeEnded) -> None:
    await tx.execute(
        "UPDATE notice SET state = 'ended', ended = %(ended)s, ended_at = %(at)s WHERE id = %(id)s",
        id=happened.notice,
        ended=happened.ended,
        at=tx.now,
    )


async def _read(tx: Transaction, happened: NoticeRead) -> None:
    await tx.execute("UPDATE notice SET read_at = %(at)s WHERE id = %(id)s", id=happened.notice, at=tx.now)


VIEWS = ("notice",)
PROJECTIONS: dict[type[Event], Projection] = {NoticeIssued: _issued, NoticeEnded: _ended, NoticeRead: _read}
