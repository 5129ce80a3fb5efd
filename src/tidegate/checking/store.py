"""The only SQL that names the table of uploads being checked. May decide: nothing."""

from datetime import datetime

from tidegate.checking.model import Waiting
from tidegate.content.facts import facts_of, fingerprints_of, submission_from
from tidegate.content.model import Fingerprints, Words
from tidegate.db.sealing import erase_part, read_bytes, read_detail, write_bytes, write_detail
from tidegate.db.transaction import Row, Transaction
from tidegate.fingerprint.model import Unchecked
from tidegate.fingerprint.video.reading import VideoRead
from tidegate.kernel.ids import ContentId


async def write_facts(tx: Transaction, waiting: Waiting) -> None:
    """Seal what a platform says of an upload that waits."""
    submission = waiting.submission
    facts = facts_of(submission, Fingerprints(sha256=waiting.sha256), Words()) | {
        "account_class": submission.account_class,
        "surface": submission.surface,
        "reach": submission.reach,
        "language": submission.language and str(submission.language),
        "country": submission.country and str(submission.country),
    }
    await write_detail(tx, waiting.content, _facts_part(waiting.revision), facts)


async def add(tx: Transaction, waiting: Waiting, lookup: bytes) -> None:
    """Write down an upload that waits."""
    submission = waiting.submission
    await write_facts(tx, waiting)
    await tx.execute(
        """
        INSERT INTO checking (content, revision, service, kind, lookup, received_at, reached, duration, width, height,
            broken, tries, looking_back)
        VALUES (%(content)s, %(revision)s, %(service)s, %(kind)s, %(lookup)s, %(at)s, 0, 0, 0, 0, 0, 0,
            %(looking_back)s)
        """,
        content=waiting.content,
        revision=waiting.revision,
        service=submission.service,
        kind=submission.kind,
        lookup=lookup,
        at=waiting.received_at,
        looking_back=waiting.looking_back,
    )


async def load(tx: Transaction, content: ContentId, *, lock: bool = False) -> Waiting | None:
    """Load an upload that waits, locked until the commit if asked."""
    sql = "SELECT * FROM checking WHERE content = %(content)s"
    if lock:
        row = await tx.row(sql + " FOR UPDATE", content=content)
    else:
        row = await tx.row(sql, content=content)
    return None if row is None else await _waiting(tx, row)


async def known_by(tx: Transaction, lookup: bytes) -> Waiting | None:
    """Load the upload that waits under what a content is known by."""
    row = await tx.row("SELECT * FROM checking WHERE lookup = %(lookup)s FOR UPDATE", lookup=lookup)
    return None if row is None else await _waiting(tx, row)


async def take(tx: Transaction, content: ContentId, until: datetime) -> bool:
    """Take an upload to work on, if nobody has it."""
    taken = await tx.execute(
        """
        UPDATE checking SET taken_until = %(until)s
        WHERE content = %(content)s AND (taken_until IS NULL OR taken_until < %(now)s)
        """,
        content=content,
        until=until,
        now=tx.now,
    )
    return taken > 0


async def leave(tx: Transaction, content: ContentId) -> None:
    """Let others take an upload."""
    await tx.execute("UPDATE checking SET taken_until = NULL WHERE content = %(content)s", content=content)


async def advance(tx: Transaction, waiting: Waiting, until: datetime) -> bool:
    """Write down how far the check came; say whether the upload still waits."""
    await write_bytes(tx, waiting.content, _frames_part(waiting.revision), waiting.read.frames)
    still = await tx.execute(
        """
        UPDATE checking SET reached = %(reached)s, duration = %(duration)s, width = %(width)s, height = %(height)s,
            broken = %(broken)s, tries = 0, taken_until = %(until)s
        WHERE content = %(content)s AND revision = %(revision)s
        """,
        content=waiting.content,
        revision=waiting.revision,
        reached=waiting.read.reached,
        duration=waiting.read.duration,
        width=waiting.read.width,
        height=waiting.read.height,
        broken=waiting.read.broken,
        until=until,
    )
    return still > 0


async def fail(tx: Transaction, content: ContentId, reason: Unchecked) -> None:
    """Write down that a part could not be checked for a reason that says nothing of the bytes."""
    await tx.execute(
        """
        UPDATE checking SET tries = tries + 1, last_failure = %(reason)s, taken_until = NULL
        WHERE content = %(content)s
        """,
        content=content,
        reason=reason,
    )


async def remove(tx: Transaction, waiting: Waiting) -> None:
    """Forget that it waited, and what was kept for that alone; its bytes are not among it."""
    await tx.execute("DELETE FROM checking WHERE content = %(content)s", content=waiting.content)
    await erase_part(tx, waiting.content, _facts_part(waiting.revision))
    await erase_part(tx, waiting.content, _frames_part(waiting.revision))


async def forget(tx: Transaction, content: ContentId) -> None:
    """Forget that it waited, where nothing else of it is left."""
    await tx.execute("DELETE FROM checking WHERE content = %(content)s", content=content)


async def left_alone(tx: Transaction, since: datetime, most: int = 100) -> list[ContentId]:
    """List uploads that nobody works on and that came in before this."""
    rows = await tx.rows(
        """
        SELECT content FROM checking
        WHERE received_at < %(since)s AND (taken_until IS NULL OR taken_until < %(now)s)
        ORDER BY received_at LIMIT %(most)s
        """,
        since=since,
        now=tx.now,
        most=most,
    )
    return [ContentId(row["content"]) for row in rows]


async def _waiting(tx: Transaction, row: Row) -> Waiting | None:
    content, revision = ContentId(row["content"]), int(row["revision"])
    facts = await read_detail(tx, content, _facts_part(revision))
    if facts is None:
        return None
    return Waiting(
        content=content,
        revision=revision,
        # Until it is judged, all that was said of it is sealed.
        submission=submission_from(row | facts, facts),
        sha256=fingerprints_of(facts).sha256,
        received_at=row["received_at"],
        read=VideoRead(
            frames=await read_bytes(tx, content, _frames_part(revision)) or b"",
            reached=row["reached"],
            duration=row["duration"],
            width=row["width"],
            height=row["height"],
            broken=row["broken"],
        ),
        looking_back=row["looking_back"],
        tries=row["tries"],
        last_failure=row["last_failure"] and Unchecked(row["last_failure"]),
    )


def _facts_part(revision: int) -> str:
    return f"checking/{revision}"


def _frames_part(revision: int) -> str:
    return f"checking-frames/{revision}"
