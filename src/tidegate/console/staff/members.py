"""The contents of a case, as its voters see them.

May decide: nothing. A case may have hundreds of members, so each stage is asked once for all of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.content import store as contents
from tidegate.content.model import Content
from tidegate.db.sealing import read_detail
from tidegate.db.transaction import Row, Transaction
from tidegate.decision.model import Shown
from tidegate.enforcement import store as enforcement
from tidegate.enforcement.model import Restriction
from tidegate.flag import store as flags
from tidegate.kernel.ids import ContentId
from tidegate.match.model import Match, Where
from tidegate.signal import store as signals
from tidegate.signal.model import Signal
from tidegate.verdict import store as verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A content of a case."""

    content: Content
    facts: dict[str, Any] | None
    restriction: Restriction
    held_until: datetime | None
    verdict: Row | None
    matches: list[tuple[Match, Signal | None]]
    reports: list[tuple[Row, str | None]]

    @property
    def shown(self) -> Shown:
        """What a vote about it covers."""
        return Shown(self.content.id, self.content.revision)

    @property
    def nearest(self) -> Match | None:
        """The nearest match, if a machine found one."""
        return self.matches[0][0] if self.matches else None


async def members_of(tx: Transaction, ids: Sequence[ContentId]) -> list[Member]:
    """Load contents with all that is said of them."""
    matches = await verdicts.matches_on(tx, ids)
    wanted = sorted({match.signal for found in matches.values() for match in found})
    known = {signal.id: signal for signal in await signals.load(tx, wanted)}
    ends = await verdicts.holds_until(tx, ids)
    given = await verdicts.latest_of(tx, ids)
    present = await enforcement.restrictions(tx, ids)
    reports = await _reports(tx, ids)
    return [
        Member(
            content=content,
            facts=await contents.facts(tx, content),
            restriction=present.get(content.id, Restriction.NONE),
            held_until=ends.get(content.id),
            verdict=given.get(content.id),
            # What was found in the words beside it comes after what was found in the content itself.
            matches=[
                (match, known.get(match.signal))
                for match in sorted(matches.get(content.id, ()), key=lambda match: match.where is not Where.CONTENT)
            ],
            reports=reports[content.id],
        )
        for content in await contents.load_many(tx, ids)
    ]


async def _reports(tx: Transaction, ids: Sequence[ContentId]) -> dict[ContentId, list[tuple[Row, str | None]]]:
    found: dict[ContentId, list[tuple[Row, str | None]]] = defaultdict(list)
    for row in await flags.listed(tx, ids):
        detail = await read_detail(tx, row["content"], f"flag/{row['flag']}")
        found[row["content"]].append((row, str(detail["words"]) if detail else None))
    return found
