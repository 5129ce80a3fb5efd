"""The only SQL that names case's tables. May decide: nothing."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from tidegate.case import rules
from tidegate.case.model import (
    Case,
    CaseClaimed,
    CaseClosed,
    CaseDecided,
    CaseFacts,
    CaseJoined,
    CaseLeft,
    CaseLetGo,
    CaseOpened,
    CaseReopened,
    Reason,
    State,
    Urgency,
)
from tidegate.content.model import AccountClass, ContentErased, ContentReachChanged, ContentSubmitted
from tidegate.db.transaction import Projection, Row, Transaction
from tidegate.flag.model import FlagAnswered, FlagRaised
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Event
from tidegate.kernel.ids import CaseId, ContentId, Id, SignalId, StaffId
from tidegate.verdict.model import HoldConfirmed, HoldLapsed, HoldReleased, VerdictGiven


async def load(tx: Transaction, case: CaseId, *, lock: bool = False) -> Case | None:
    """Load a case and its members, locked until the commit if asked."""
    facts = await load_facts(tx, case, lock=lock)
    if facts is None:
        return None
    rows = await tx.rows('SELECT content FROM case_member WHERE "case" = %(id)s ORDER BY content', id=case)
    members = tuple(ContentId(row["content"]) for row in rows)
    return Case(members=members, **{field.name: getattr(facts, field.name) for field in fields(facts)})


async def load_facts(tx: Transaction, case: CaseId, *, lock: bool = False) -> CaseFacts | None:
    """Load a case without its members, locked until the commit if asked."""
    if lock:
        row = await tx.row('SELECT * FROM "case" WHERE id = %(id)s FOR UPDATE', id=case)
    else:
        row = await tx.row('SELECT * FROM "case" WHERE id = %(id)s', id=case)
    return None if row is None else _facts(row)


async def is_member(tx: Transaction, case: CaseId, content: ContentId) -> bool:
    """Say whether a content is in a case."""
    return await _member(tx, case, content) is not None


async def lock_claims(tx: Transaction, person: StaffId) -> None:
    """Let one writer at a time change which cases someone is on."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=int.from_bytes(person.value.bytes[-8:], signed=True))


async def claimed_by(tx: Transaction, person: StaffId) -> list[CaseId]:
    """List the open cases someone is on, in the queue's order."""
    rows = await tx.rows(
        """
        SELECT id FROM "case" WHERE claimed_by = %(person)s AND claimed_until > %(now)s AND state = 'open'
        ORDER BY held_until NULLS LAST, place, id
        """,
        person=person,
        now=tx.now,
    )
    return [CaseId(row["id"]) for row in rows]


async def lock_anchor(tx: Transaction, anchor: Id) -> None:
    """Let one writer at a time open or join the cases around an anchor."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(key)s)", key=int.from_bytes(anchor.value.bytes[-8:], signed=True))


async def open_around(
    tx: Transaction, anchor: Id, account_class: AccountClass, caption: bytes | None
) -> CaseFacts | None:
    """Find the case around an anchor, not yet closed, for this kind of account and these words."""
    row = await tx.row(
        """
        SELECT c.* FROM "case" c
        WHERE c.state <> 'closed' AND coalesce(c.signal, c.content) = %(anchor)s AND c.account_class = %(account_class)s
          AND c.caption IS NOT DISTINCT FROM %(caption)s
        LIMIT 1
        """,
        anchor=anchor,
        account_class=account_class,
        caption=caption,
    )
    return None if row is None else _facts(row)


async def of_content(tx: Transaction, content: ContentId) -> CaseFacts | None:
    """Find the case a content is in that is not closed, else the newest it was in."""
    row = await tx.row(
        """
        SELECT c.* FROM "case" c JOIN case_member m ON m."case" = c.id WHERE m.content = %(content)s
        ORDER BY (c.state = 'closed'), c.opened_at DESC LIMIT 1
        """,
        content=content,
    )
    return None if row is None else _facts(row)


async def contested(tx: Transaction, contents: Sequence[ContentId]) -> set[ContentId]:
    """Say which of these contents are in a case that is not closed."""
    rows = await tx.rows(
        """
        SELECT DISTINCT m.content FROM case_member m JOIN "case" c ON c.id = m."case"
        WHERE c.state <> 'closed' AND m.content = ANY(%(ids)s)
        """,
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]) for row in rows}


async def around(tx: Transaction, contents: Sequence[ContentId]) -> dict[ContentId, CaseId]:
    """Say in which case, not yet closed, each of these contents is."""
    rows = await tx.rows(
        """
        SELECT m.content, c.id FROM case_member m JOIN "case" c ON c.id = m."case"
        WHERE c.state <> 'closed' AND m.content = ANY(%(ids)s)
        """,
        ids=[content.value for content in contents],
    )
    return {ContentId(row["content"]): CaseId(row["id"]) for row in rows}


async def with_signal(tx: Transaction, signal: SignalId, most: int = 20) -> list[tuple[CaseId, State]]:
    """List the newest cases around a signal, and how they stand."""
    rows = await tx.rows(
        'SELECT id, state FROM "case" WHERE signal = %(signal)s ORDER BY id DESC LIMIT %(most)s',
        signal=signal,
        most=most,
    )
    return [(CaseId(row["id"]), State(row["state"])) for row in rows]


async def open_backlog(tx: Transaction, reason: Reason | None = None) -> Backlog:
    """Count the cases that wait for votes: all, or those there for one reason."""
    return await tx.backlog(
        """
        SELECT count(*) AS n, min(opened_at) AS since FROM "case"
        WHERE state <> 'closed' AND state = 'open' AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        """,
        reason=reason,
    )


def _facts(row: Row) -> CaseFacts:
    return CaseFacts(
        id=CaseId(row["id"]),
        state=State(row["state"]),
        reason=Reason(row["reason"]),
        signal=row["signal"] and SignalId(row["signal"]),
        content=row["content"] and ContentId(row["content"]),
        account_class=AccountClass(row["account_class"]),
        caption=None if row["caption"] is None else bytes(row["caption"]),
        opened_at=row["opened_at"],
        size=row["size"],
        claimed_by=row["claimed_by"] and StaffId(row["claimed_by"]),
        claimed_until=row["claimed_until"],
    )


def urgency_in(row: Row) -> Urgency:
    """Read what a case's place rests on."""
    return Urgency(
        reason=Reason(row["reason"]),
        account_class=AccountClass(row["account_class"]),
        reach=row["reach"],
        distance=row["distance"],
        reports=row["reports"] - row["trusted_reports"],
        trusted_reports=row["trusted_reports"],
    )


async def _opened(tx: Transaction, happened: CaseOpened) -> None:
    first = await tx.row("SELECT caption FROM content WHERE id = %(id)s", id=happened.first)
    await tx.execute(
        """
        INSERT INTO "case" (id, state, reason, signal, content, first, account_class, caption, opened_at)
        VALUES (%(id)s, 'open', %(reason)s, %(signal)s, %(content)s, %(first)s, %(account_class)s, %(caption)s, %(at)s)
        """,
        id=happened.case,
        reason=happened.reason,
        signal=happened.signal,
        content=happened.content,
        first=happened.first,
        account_class=happened.account_class,
        caption=first and first["caption"],
        at=tx.now,
    )


async def _joined(tx: Transaction, happened: CaseJoined) -> None:
    # Who changes a content now has not seen that it is in this case, and we have not seen the change: wait for it.
    await tx.execute("SELECT 1 FROM content WHERE id = %(id)s FOR NO KEY UPDATE", id=happened.content)
    await _take_in(tx, happened.case, happened.content, happened.distance)


async def _left(tx: Transaction, happened: CaseLeft) -> None:
    case = await _lock_for_sums(tx, happened.case)
    before = await _member(tx, happened.case, happened.content)
    await tx.execute(
        'DELETE FROM case_member WHERE "case" = %(case)s AND content = %(content)s',
        case=happened.case,
        content=happened.content,
    )
    if case is not None and before is not None:
        await _place(tx, case, before, None)


async def _set_state(tx: Transaction, case: CaseId, state: State) -> None:
    await tx.execute('UPDATE "case" SET state = %(state)s WHERE id = %(id)s', id=case, state=state)


async def _claimed(tx: Transaction, happened: CaseClaimed) -> None:
    await _set_claim(tx, happened.case, happened.by, happened.until)


async def _let_go(tx: Transaction, happened: CaseLetGo) -> None:
    await _set_claim(tx, happened.case, None, None)


async def _set_claim(tx: Transaction, case: CaseId, by: StaffId | None, until: datetime | None) -> None:
    await tx.execute(
        'UPDATE "case" SET claimed_by = %(by)s, claimed_until = %(until)s WHERE id = %(id)s',
        id=case,
        by=by,
        until=until,
    )


async def _decided(tx: Transaction, happened: CaseDecided) -> None:
    await _set_state(tx, happened.case, State.DECIDED)


async def _reopened(tx: Transaction, happened: CaseReopened) -> None:
    await _set_state(tx, happened.case, State.OPEN)


async def _closed(tx: Transaction, happened: CaseClosed) -> None:
    """Take it out of the queue: nothing of what its place rested on is followed any more."""
    await tx.execute(
        """
        UPDATE "case" SET state = 'closed', size = 0, reach = 0, held_until = NULL, distance = NULL, reports = 0,
            trusted_reports = 0, languages = '{}', place = NULL, claimed_by = NULL, claimed_until = NULL
        WHERE id = %(id)s
        """,
        id=happened.case,
    )
    await tx.execute(
        """
        UPDATE case_member SET reach = 0, language = NULL, held_until = NULL, reports = 0, trusted_reports = 0
        WHERE "case" = %(id)s
        """,
        id=happened.case,
    )


async def _erased(tx: Transaction, happened: ContentErased) -> None:
    await tx.execute('UPDATE "case" SET caption = NULL WHERE first = %(first)s', first=happened.content)


# --- the queue ---

_Changed = (
    ContentSubmitted | ContentReachChanged | VerdictGiven | HoldLapsed | HoldReleased | HoldConfirmed | FlagRaised
)  # fmt: skip


async def _content_changed(tx: Transaction, happened: _Changed) -> None:
    await _place_of(tx, happened.content)


async def _flag_answered(tx: Transaction, happened: FlagAnswered) -> None:
    row = await tx.row("SELECT content FROM flag WHERE id = %(id)s", id=happened.flag)
    assert row is not None
    await _place_of(tx, ContentId(row["content"]))


async def _place_of(tx: Transaction, content: ContentId) -> None:
    """Place the case anew that a content is in."""
    await tx.execute("SELECT 1 FROM content WHERE id = %(id)s FOR NO KEY UPDATE", id=content)
    rows = await tx.rows(
        """
        SELECT c.id FROM "case" c JOIN case_member m ON m."case" = c.id
        WHERE m.content = %(content)s AND c.state <> 'closed' ORDER BY c.id
        """,
        content=content,
    )
    for row in rows:
        await _take_in(tx, CaseId(row["id"]), content, None)


async def _take_in(tx: Transaction, case_id: CaseId, content: ContentId, distance: int | None) -> None:
    """Write down what a member adds to a case, and place the case by the rules.

    The case is locked first and its members are read after: of two that change at once, the second sees what the first
    wrote. However many members there are, a few rows are read.
    """
    case = await _lock_for_sums(tx, case_id)
    before = await _member(tx, case_id, content)
    if distance is None and before is None:
        return  # It left before we had the lock.
    if distance is None:
        assert before is not None
        distance = before["distance"]
    await tx.execute(
        """
        INSERT INTO case_member ("case", content, distance, reach, language, held_until, reports, trusted_reports)
        SELECT %(case)s, n.id, %(distance)s, n.reach, n.language,
            (SELECT h.expires_at FROM hold h WHERE h.content = n.id AND h.state = 'held'),
            count(f.id), count(f.id) FILTER (WHERE f.trusted)
        FROM content n LEFT JOIN flag f ON f.content = n.id AND f.state = 'raised'
        WHERE n.id = %(content)s GROUP BY n.id
        ON CONFLICT ("case", content) DO UPDATE SET (distance, reach, language, held_until, reports, trusted_reports)
          = (EXCLUDED.distance, EXCLUDED.reach, EXCLUDED.language, EXCLUDED.held_until, EXCLUDED.reports,
             EXCLUDED.trusted_reports)
        """,
        case=case_id,
        content=content,
        distance=distance,
    )
    after = await _member(tx, case_id, content)
    if case is not None and after != before:
        await _place(tx, case, before, after)


async def _lock_for_sums(tx: Transaction, case: CaseId) -> Row | None:
    """Lock a case and give it, if it is not closed."""
    row = await tx.row('SELECT * FROM "case" WHERE id = %(id)s FOR UPDATE', id=case)
    return None if row is None or row["state"] == State.CLOSED else row


async def _member(tx: Transaction, case: CaseId, content: ContentId) -> Row | None:
    return await tx.row(
        'SELECT * FROM case_member WHERE "case" = %(case)s AND content = %(content)s', case=case, content=content
    )


async def _place(tx: Transaction, case: Row, before: Row | None, after: Row | None) -> None:
    """Add what a member adds now, less what it added before, and place the case by the rules."""
    sums = {name: case[name] + _of(after, name) - _of(before, name) for name in ("reports", "trusted_reports")}
    sums["size"] = case["size"] + (after is not None) - (before is not None)
    if not sums["size"]:
        return  # Its last member left: it is closed next.
    row = await tx.row(
        """
        SELECT
            (SELECT reach FROM case_member WHERE "case" = %(case)s ORDER BY reach DESC LIMIT 1) AS reach,
            (SELECT distance FROM case_member WHERE "case" = %(case)s ORDER BY distance LIMIT 1) AS distance,
            (SELECT held_until FROM case_member WHERE "case" = %(case)s AND held_until IS NOT NULL
                ORDER BY held_until LIMIT 1) AS held_until,
            ARRAY(SELECT language FROM unnest(%(languages)s::text[]) AS language WHERE EXISTS
                (SELECT 1 FROM case_member m WHERE m."case" = %(case)s AND m.language = language.language)
                ORDER BY language) AS languages
        """,
        case=case["id"],
        languages=sorted({*case["languages"], *([after["language"]] if after and after["language"] else [])}),
    )
    assert row is not None
    now = {**case, **row, **sums}
    await tx.execute(
        """
        UPDATE "case" SET size = %(size)s, reach = %(reach)s, held_until = %(held_until)s, distance = %(distance)s,
            reports = %(reports)s, trusted_reports = %(trusted_reports)s, languages = %(languages)s, place = %(place)s
        WHERE id = %(id)s
        """,
        id=case["id"],
        place=rules.place(case["opened_at"], urgency_in(now)),
        **{name: now[name] for name in _SUMS},
    )


def _of(member: Row | None, name: str) -> int:
    return 0 if member is None else int(member[name])


_SUMS = ("size", "reach", "held_until", "distance", "reports", "trusted_reports", "languages")

VIEWS = ("case", "case_member")
PROJECTIONS: dict[type[Event], Projection] = {
    CaseOpened: _opened,
    CaseJoined: _joined,
    CaseLeft: _left,
    CaseClaimed: _claimed,
    CaseLetGo: _let_go,
    CaseDecided: _decided,
    CaseReopened: _reopened,
    CaseClosed: _closed,
    ContentErased: _erased,
    ContentSubmitted: _content_changed,
    ContentReachChanged: _content_changed,
    VerdictGiven: _content_changed,
    HoldLapsed: _content_changed,
    HoldReleased: _content_changed,
    HoldConfirmed: _content_changed,
    FlagRaised: _content_changed,
    FlagAnswered: _flag_answered,
}
