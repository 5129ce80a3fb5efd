"""The queue: which cases wait, for whose vote, in the order of their places.

May decide: nothing; ``case.rules`` place each case, ``rules.check_voter`` says whose vote is still wanted. Stands here
and not in ``case``, because only this stage knows who voted. The only SQL besides the stores', because a page of the
queue must be one query however many cases wait.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import LiteralString

from tidegate.case.model import HeadStart, Reason, State
from tidegate.case.rules import head_starts
from tidegate.case.store import urgency_in
from tidegate.content.model import AccountClass
from tidegate.db.transaction import Row, Transaction
from tidegate.decision.rules import DISAGREEING
from tidegate.kernel.backlog import Backlog
from tidegate.kernel.event import Language
from tidegate.kernel.ids import CaseId, StaffId

#: Open, not voted on by this person, and not for senior reviewers alone: what ``rules.check_voter`` lets them vote on.
#: Asked of each open case by its index: all votes ever cast are many more.
_WAITS_FOR: LiteralString = """
    c.state = 'open' AND (
        SELECT coalesce(bool_and(v.voter <> %(person)s), true) AND (%(senior)s OR count(*) < %(disagreeing)s)
        FROM vote v WHERE v."case" = c.id AND NOT v.withdrawn)
"""
_IDS: LiteralString = 'SELECT c.id FROM "case" c WHERE '
_BACKLOG: LiteralString = 'SELECT count(*) AS n, min(c.held_until) AS since FROM "case" c WHERE '
_ORDER: LiteralString = " ORDER BY c.held_until NULLS LAST, c.place, c.id "
#: Down the queue from where a case stands, and then from its beginning.
_ORDER_BEYOND: LiteralString = """
    AND c.id <> %(beyond)s ORDER BY coalesce(
        (c.held_until IS NULL, coalesce(c.held_until, c.place), c.place, c.id)
        > (SELECT b.held_until IS NULL, coalesce(b.held_until, b.place), b.place, b.id FROM "case" b
            WHERE b.id = %(beyond)s), false) DESC, c.held_until NULLS LAST, c.place, c.id
"""
_ROWS: LiteralString = 'SELECT c.*, votes.someone, votes.reader FROM (SELECT c.* FROM "case" c WHERE '
_VOTES: LiteralString = """ LIMIT %(most)s OFFSET %(skip)s) c CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS someone, coalesce(bool_or(v.voter = %(person)s), false) AS reader
        FROM vote v WHERE v."case" = c.id AND NOT v.withdrawn
    ) votes
"""
_COUNTS: LiteralString = """
    SELECT (SELECT count(*) FROM "case" c WHERE c.state <> 'closed') AS whole,
        ARRAY(SELECT DISTINCT unnest(c.languages) FROM "case" c WHERE c.state <> 'closed' ORDER BY 1) AS languages,
        count(*) AS passing
    FROM "case" c WHERE
"""


async def first_free(tx: Transaction, person: StaffId, *, senior: bool, beyond: CaseId | None = None) -> CaseId | None:
    """Find the first case that waits for someone and that nobody is on, locked until the commit.

    The first in the queue; or, where they pass one over, the first ``beyond`` it.

    Cases that others are taking at this moment are passed over, so that two people never get the same.
    """
    row = await tx.row(
        _IDS
        + _WAITS_FOR
        + " AND "
        + _FREE
        + (_ORDER if beyond is None else _ORDER_BEYOND)
        + "LIMIT 1 FOR UPDATE OF c SKIP LOCKED",
        beyond=beyond,
        person=person,
        senior=senior,
        disagreeing=DISAGREEING,
        now=tx.now,
    )
    return None if row is None else CaseId(row["id"])


async def waiting_for(tx: Transaction, person: StaffId, *, senior: bool) -> Backlog:
    """Count the cases that wait for someone's vote; ``since`` is when the first hold among them ends."""
    return await tx.backlog(
        _BACKLOG + _WAITS_FOR,
        person=person,
        senior=senior,
        disagreeing=DISAGREEING,
    )


class Claims(StrEnum):
    """Which cases to list, by who is on them."""

    MINE = "mine"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which cases to list; what is None leaves none out."""

    reason: Reason | None = None
    account_class: AccountClass | None = None
    state: State | None = None
    language: Language | None = None
    claims: Claims | None = None
    held: bool = False
    #: Only what waits for the reader's own vote.
    mine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A row of the queue: nothing of what others think, so that the second stays blind."""

    case: CaseId
    state: State
    reason: Reason
    account_class: AccountClass
    opened_at: datetime
    place: datetime
    held_until: datetime | None
    size: int
    reach: int
    languages: tuple[Language, ...]
    head_starts: tuple[tuple[HeadStart, int], ...]
    #: Someone is on it, and until when; None when nobody is.
    claimed_until: datetime | None
    claimed_by_reader: bool
    someone_voted: bool
    reader_voted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the queue, how many cases pass its filters, and how many wait at all."""

    rows: tuple[Waiting, ...]
    count: int
    whole: int
    languages: tuple[Language, ...]


PAGE = 50

_CLAIMED: LiteralString = "(c.claimed_by = %(person)s AND c.claimed_until > %(now)s)"
_FREE: LiteralString = "(c.claimed_until IS NULL OR c.claimed_until <= %(now)s)"


def _passing(filters: Filters) -> LiteralString:
    """Write the conditions of the filters that are set, and no others.

    One statement with "no filter, or it fits" for each would be planned once for all its uses, and then badly.
    """
    conditions: list[tuple[object, LiteralString]] = [
        (True, "c.state <> 'closed'"),
        (filters.reason, "c.reason = %(reason)s"),
        (filters.account_class, "c.account_class = %(account_class)s"),
        (filters.state, "c.state = %(state)s"),
        (filters.language, "%(language)s = ANY(c.languages)"),
        (filters.held, "c.held_until IS NOT NULL"),
        (filters.claims is Claims.MINE, _CLAIMED),
        (filters.claims is Claims.FREE, _FREE),
        (filters.mine, _WAITS_FOR),
    ]
    return " AND ".join([condition for wanted, condition in conditions if wanted])


async def page(tx: Transaction, reader: StaffId, filters: Filters, *, senior: bool, number: int = 1) -> Page:
    """Give one page of the queue as one person may see it, by two queries."""
    passing = _passing(filters)
    given = {
        "reason": filters.reason,
        "account_class": filters.account_class,
        "state": filters.state,
        "language": filters.language,
        "person": reader,
        "senior": senior,
        "disagreeing": DISAGREEING,
        "now": tx.now,
    }
    rows = await tx.rows(_ROWS + passing + _ORDER + _VOTES + _ORDER, most=PAGE, skip=(number - 1) * PAGE, **given)
    counts = await tx.row(_COUNTS + passing, **given)
    assert counts is not None
    return Page(
        rows=tuple(_waiting(row, reader, tx.now) for row in rows),
        count=counts["passing"],
        whole=counts["whole"],
        languages=tuple(Language(code) for code in counts["languages"]),
    )


def _waiting(row: Row, reader: StaffId, now: datetime) -> Waiting:
    claimed = row["claimed_until"] is not None and now < row["claimed_until"]
    return Waiting(
        case=CaseId(row["id"]),
        state=State(row["state"]),
        reason=Reason(row["reason"]),
        account_class=AccountClass(row["account_class"]),
        opened_at=row["opened_at"],
        place=row["place"],
        held_until=row["held_until"],
        size=row["size"],
        reach=row["reach"],
        languages=tuple(Language(code) for code in row["languages"]),
        head_starts=head_starts(urgency_in(row)),
        claimed_until=row["claimed_until"] if claimed else None,
        claimed_by_reader=claimed and StaffId(row["claimed_by"]) == reader,
        someone_voted=row["someone"],
        reader_voted=row["reader"],
    )
