"""The only SQL that names verdict's tables. May decide: nothing."""

from collections.abc import Sequence
from datetime import datetime

from tidegate.content.facts import facts_part, fingerprints_of
from tidegate.content.model import ContentErased
from tidegate.content.store import uploader_digest
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Projection, Question, Row, Transaction
from tidegate.kernel.backlog import NOTHING, Backlog
from tidegate.kernel.event import Event, decode
from tidegate.kernel.ids import ContentId, DecisionId, ServiceId, SignalId
from tidegate.match.model import Match
from tidegate.signal.model import Label
from tidegate.verdict.model import (
    RETRIED,
    BytesAllowed,
    BytesDoubted,
    BytesForgotten,
    BytesRemembered,
    Hold,
    HoldConfirmed,
    HoldLapsed,
    HoldReleased,
    HoldState,
    LookAlikeHoldsSwitched,
    Reason,
    VerdictGiven,
)


async def holds_of(tx: Transaction, content: ContentId | None, uploader: bytes, sha256: bytes) -> list[Hold]:
    """Give every hold ever of a content, and of an uploader with these bytes.

    What people allowed is a hold of no length that was released. It counts for the uploader and the bytes, never for
    the content: other bytes put in their place were not allowed.
    """
    rows = await tx.rows(
        """
        SELECT * FROM hold WHERE (content = %(content)s AND expires_at > started_at)
          OR (uploader = %(uploader)s AND sha256 = %(sha256)s)
        """,
        content=content,
        uploader=uploader,
        sha256=sha256,
    )
    return [_hold(row) for row in rows]


async def running_hold(tx: Transaction, content: ContentId) -> Hold | None:
    """Give the hold a content is under, locked until the commit."""
    row = await tx.row("SELECT * FROM hold WHERE content = %(content)s AND state = 'held' FOR UPDATE", content=content)
    return None if row is None else _hold(row)


async def holds_due(tx: Transaction, now: datetime, most: int = 100) -> list[ContentId]:
    """List contents whose hold is over."""
    rows = await tx.rows(
        "SELECT content FROM hold WHERE state = 'held' AND expires_at <= %(now)s ORDER BY expires_at LIMIT %(most)s",
        now=now,
        most=most,
    )
    return [ContentId(row["content"]) for row in rows]


def removed_as(sha256: bytes) -> Question[frozenset[Label]]:
    """Ask as what our people decided to remove these very bytes, by decisions not in doubt; none when they did not."""
    return Question(
        "SELECT DISTINCT label FROM removed_bytes WHERE sha256 = %(sha256)s AND NOT doubted",
        {"sha256": sha256},
        lambda rows: frozenset(Label(row["label"]) for row in rows),
    )


async def removed_with(tx: Transaction, sha256: bytes) -> ContentId | None:
    """Give the first content with these bytes that people decided to remove."""
    row = await tx.row(
        "SELECT content FROM removed_bytes WHERE sha256 = %(sha256)s AND NOT doubted ORDER BY content LIMIT 1",
        sha256=sha256,
    )
    return None if row is None else ContentId(row["content"])


async def is_removed(tx: Transaction, content: ContentId, revision: int) -> bool:
    """Say whether people decided to remove this very revision, by a decision that stands, in doubt or not."""
    return (
        await tx.row(
            "SELECT 1 FROM removed_bytes WHERE content = %(content)s AND revision = %(revision)s LIMIT 1",
            content=content,
            revision=revision,
        )
        is not None
    )


async def remembered_by(tx: Transaction, content: ContentId, revision: int) -> list[DecisionId]:
    """Give the decisions because of which the bytes of a revision are remembered."""
    rows = await tx.rows(
        """
        SELECT decision FROM removed_bytes WHERE content = %(content)s AND revision = %(revision)s ORDER BY decision
        """,
        content=content,
        revision=revision,
    )
    return [DecisionId(row["decision"]) for row in rows]


async def latest(tx: Transaction, content: ContentId) -> Row | None:
    """Give the newest verdict on a content: revision, verdict, reason, position, given_at."""
    return await tx.row(
        "SELECT * FROM verdict WHERE content = %(content)s ORDER BY revision DESC LIMIT 1", content=content
    )


async def latest_of(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, Row]:
    """Give the newest verdict on each of many contents."""
    rows = await tx.rows(
        """
        SELECT DISTINCT ON (content) * FROM verdict WHERE content = ANY(%(ids)s) ORDER BY content, revision DESC
        """,
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): row for row in rows}


async def resting_on(tx: Transaction, signal: SignalId) -> list[ContentId]:
    """List contents whose verdict matched a signal."""
    rows = await tx.rows(
        "SELECT DISTINCT content FROM verdict WHERE %(signal)s = ANY(signals) ORDER BY content", signal=signal
    )
    return [ContentId(row["content"]) for row in rows]


async def caused_by(tx: Transaction, signal: SignalId) -> tuple[int, int]:
    """Count the contents whose verdict matched a signal, and those of them that were held."""
    row = await tx.row(
        """
        SELECT count(DISTINCT content) AS matched, count(DISTINCT content) FILTER (WHERE verdict = 'hold') AS held
        FROM verdict WHERE signals @> ARRAY[%(signal)s::uuid]
        """,
        signal=signal,
    )
    assert row is not None
    return int(row["matched"]), int(row["held"])


async def unchecked_to_retry(tx: Transaction, most: int = 20) -> list[ContentId]:
    """List contents whose newest verdict is one that is tried again by itself, but for what people removed."""
    rows = await tx.rows(
        """
        SELECT v.content FROM verdict v WHERE v.verdict = 'unchecked' AND v.reason IN ('timeout', 'engine_down')
          AND NOT EXISTS (SELECT 1 FROM verdict w WHERE w.content = v.content AND w.revision > v.revision)
          AND NOT EXISTS (SELECT 1 FROM removed_bytes r WHERE r.content = v.content AND r.revision = v.revision)
        ORDER BY v.content LIMIT %(most)s
        """,
        most=most,
    )
    return [ContentId(row["content"]) for row in rows]


async def unchecked_backlog(tx: Transaction) -> int:
    """Count what could not be checked and still waits to be."""
    waiting = await unchecked_by_reason(tx, since=tx.now)
    return sum(waiting[reason].count for reason in RETRIED)


async def unchecked_by_reason(tx: Transaction, since: datetime) -> dict[Reason, Backlog]:
    """Count what could not be checked: where it is tried again, all that waits; else what came in since then.

    What people removed waits for nothing.
    """
    rows = await tx.rows(
        """
        SELECT v.reason, count(*) AS n, min(v.given_at) AS since FROM verdict v
        WHERE v.verdict = 'unchecked' AND (v.reason = ANY(%(retried)s) OR v.given_at >= %(since)s)
          AND NOT EXISTS (SELECT 1 FROM verdict w WHERE w.content = v.content AND w.revision > v.revision)
          AND NOT EXISTS (SELECT 1 FROM removed_bytes r WHERE r.content = v.content AND r.revision = v.revision)
        GROUP BY v.reason
        """,
        retried=sorted(RETRIED),
        since=since,
    )
    found = {Reason(row["reason"]): Backlog(int(row["n"]), row["since"]) for row in rows}
    return {reason: found.get(reason, NOTHING) for reason in (*sorted(RETRIED), Reason.UNDECODABLE, Reason.TOO_LARGE)}


async def holds_ending(tx: Transaction, before: datetime, most: int = 1000) -> list[tuple[ContentId, datetime]]:
    """List the running holds that end before then, the soonest first; what is over already is not among them."""
    rows = await tx.rows(
        """
        SELECT content, expires_at FROM hold
        WHERE state = 'held' AND expires_at > %(now)s AND expires_at <= %(before)s ORDER BY expires_at LIMIT %(most)s
        """,
        now=tx.now,
        before=before,
        most=most,
    )
    return [(ContentId(row["content"]), row["expires_at"]) for row in rows]


async def holds_overdue(tx: Transaction) -> Backlog:
    """Count the holds whose time is over and that nobody ended."""
    return await tx.backlog(
        "SELECT count(*) AS n, min(expires_at) AS since FROM hold WHERE state = 'held' AND expires_at <= %(now)s",
        now=tx.now,
    )


async def answered_anything(tx: Transaction) -> bool:
    """Say whether any platform was ever given an answer."""
    return await tx.row("SELECT 1 AS one FROM tally LIMIT 1") is not None


def look_alike_holds() -> Question[bool]:
    """Ask whether two people let look-alikes be held too."""
    return Question("SELECT is_on FROM look_alike_holds", {}, lambda rows: bool(rows and rows[0]["is_on"]))


def add_to_tally(tx: Transaction, what: str, count: int = 1) -> None:
    """Count an answer, or several; sixteen rows a day share the load."""
    tx.put(
        """
        INSERT INTO tally (day, what, shard, count) VALUES (%(day)s, %(what)s, %(shard)s, %(count)s)
        ON CONFLICT (day, what, shard) DO UPDATE SET count = tally.count + EXCLUDED.count
        """,
        day=tx.now.date(),
        what=what,
        shard=tx.randomness(1)[0] % 16,
        count=count,
    )


async def holds_until(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, datetime]:
    """Say of which contents a hold is running, and until when."""
    rows = await tx.rows(
        "SELECT content, expires_at FROM hold WHERE content = ANY(%(ids)s) AND state = 'held'",
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): row["expires_at"] for row in rows}


async def matches_on(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, tuple[Match, ...]]:
    """Give, for each content, the matches of the newest verdict on it, the nearest first."""
    rows = await tx.rows(
        """
        SELECT DISTINCT ON (subject) data FROM event
        WHERE kind = 'verdict.given' AND about && %(ids)s AND subject = ANY(%(ids)s)
        ORDER BY subject, id DESC
        """,
        ids=[content.value for content in contents],
    )
    given = [decode(VerdictGiven.kind, row["data"]) for row in rows]
    return {happened.content: happened.matches for happened in given if isinstance(happened, VerdictGiven)}


def _hold(row: Row) -> Hold:
    return Hold(
        content=ContentId(row["content"]),
        revision=row["revision"],
        started_at=row["started_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
        state=HoldState(row["state"]),
    )


async def _given(tx: Transaction, happened: VerdictGiven) -> None:
    await tx.execute(
        """
        INSERT INTO verdict (content, revision, verdict, reason, position, signals, given_at)
        VALUES (%(content)s, %(revision)s, %(verdict)s, %(reason)s, %(position)s, %(signals)s, %(at)s)
        ON CONFLICT (content, revision) DO UPDATE SET (verdict, reason, position, signals, given_at)
          = (EXCLUDED.verdict, EXCLUDED.reason, EXCLUDED.position, EXCLUDED.signals, EXCLUDED.given_at)
        """,
        content=happened.content,
        revision=happened.revision,
        verdict=happened.verdict,
        reason=happened.reason,
        position=happened.position,
        signals=[match.signal.value for match in happened.matches],
        at=tx.now,
    )
    await _end(tx, happened.content, HoldState.REPLACED, but_revision=happened.revision)
    if happened.held_until is not None:
        await _add_hold(tx, happened.content, happened.revision, happened.held_until, HoldState.HELD)


async def _add_hold(tx: Transaction, content: ContentId, revision: int, until: datetime, state: HoldState) -> None:
    service = await tx.row("SELECT service FROM content WHERE id = %(id)s", id=content)
    facts = await read_detail(tx, content, facts_part(revision))
    assert service is not None
    await tx.execute(
        """
        INSERT INTO hold (content, revision, uploader, sha256, started_at, expires_at, ended_at, state)
        VALUES (%(content)s, %(revision)s, %(uploader)s, %(sha256)s, %(at)s, %(until)s, %(ended)s, %(state)s)
        """,
        content=content,
        revision=revision,
        uploader=facts and uploader_digest(tx, ServiceId(service["service"]), str(facts["uploader"])),
        sha256=facts and fingerprints_of(facts).sha256,
        at=tx.now,
        until=until,
        ended=None if state is HoldState.HELD else tx.now,
        state=state,
    )


async def _end(tx: Transaction, content: ContentId, state: HoldState, *, but_revision: int | None = None) -> None:
    await tx.execute(
        """
        UPDATE hold SET state = %(state)s, ended_at = %(now)s
        WHERE content = %(content)s AND state = 'held' AND revision IS DISTINCT FROM %(but)s
        """,
        content=content,
        state=state,
        now=tx.now,
        but=but_revision,
    )


async def _lapsed(tx: Transaction, happened: HoldLapsed) -> None:
    await _end(tx, happened.content, HoldState.LAPSED)


async def _released(tx: Transaction, happened: HoldReleased) -> None:
    await _end(tx, happened.content, HoldState.RELEASED)


async def _confirmed(tx: Transaction, happened: HoldConfirmed) -> None:
    await _end(tx, happened.content, HoldState.CONFIRMED)


async def _remembered(tx: Transaction, happened: BytesRemembered) -> None:
    facts = await read_detail(tx, happened.content, facts_part(happened.revision))
    await tx.execute(
        """
        INSERT INTO removed_bytes (content, revision, decision, label, sha256, doubted)
        VALUES (%(content)s, %(revision)s, %(decision)s, %(label)s, %(sha256)s, false)
        ON CONFLICT DO NOTHING
        """,
        content=happened.content,
        revision=happened.revision,
        decision=happened.decision,
        label=happened.label,
        sha256=facts and fingerprints_of(facts).sha256,
    )


async def _forgotten(tx: Transaction, happened: BytesForgotten) -> None:
    await tx.execute(
        "DELETE FROM removed_bytes WHERE content = %(content)s AND decision = %(decision)s",
        content=happened.content,
        decision=happened.decision,
    )


async def _doubted(tx: Transaction, happened: BytesDoubted) -> None:
    await tx.execute(
        "UPDATE removed_bytes SET doubted = true WHERE content = %(content)s AND decision = %(decision)s",
        content=happened.content,
        decision=happened.decision,
    )


async def _allowed(tx: Transaction, happened: BytesAllowed) -> None:
    await _add_hold(tx, happened.content, happened.revision, tx.now, HoldState.RELEASED)


async def _switched(tx: Transaction, happened: LookAlikeHoldsSwitched) -> None:
    await tx.execute(
        """
        INSERT INTO look_alike_holds (single, is_on) VALUES (true, %(on)s)
        ON CONFLICT (single) DO UPDATE SET is_on = EXCLUDED.is_on
        """,
        on=happened.on,
    )


async def _erased(tx: Transaction, happened: ContentErased) -> None:
    await tx.execute("UPDATE removed_bytes SET sha256 = NULL WHERE content = %(content)s", content=happened.content)
    await tx.execute(
        "UPDATE hold SET uploader = NULL, sha256 = NULL WHERE content = %(content)s", content=happened.content
    )


VIEWS = ("verdict", "hold", "removed_bytes", "look_alike_holds")
PROJECTIONS: dict[type[Event], Projection] = {
    VerdictGiven: _given,
    HoldLapsed: _lapsed,
    HoldReleased: _released,
    HoldConfirmed: _confirmed,
    BytesRemembered: _remembered,
    BytesForgotten: _forgotten,
    BytesDoubted: _doubted,
    BytesAllowed: _allowed,
    LookAlikeHoldsSwitched: _switched,
    ContentErased: _erased,
}
