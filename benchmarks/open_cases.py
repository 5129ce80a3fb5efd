"""Many open cases at once: rows that look as events would have made them.

Stated honestly: these are rows of the views alone, written in bulk. No event stands behind them and nothing is sealed,
so the queue shows them as it would, a rebuild would not find them, and a case's own page says "erased".
"""

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from tidegate.case.model import Reason, Urgency
from tidegate.case.rules import place
from tidegate.content.model import AccountClass, WordsRead
from tidegate.kernel.ids import CaseId, ContentId, FlagId, ServiceId, SignalId, StaffId, VoteId

_LANGUAGES = ("en", "de", "fr", "ar", "zh", None)
#: Most accounts are ordinary; most content reaches few.
_CLASSES = (AccountClass.ORDINARY,) * 9 + (AccountClass.PRESS,)
_REACHES = (10, 80, 900, 4_000, 20_000, 300_000)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes cases from a seed, at a time, some voted on by these people."""

    chance: random.Random
    now: datetime
    voters: tuple[StaffId, ...]

    def case(self, number: int) -> Iterator[tuple[str, Row]]:
        """Give the rows of one case, each with its table."""
        opened = self.now - timedelta(minutes=self.chance.randrange(20_000))
        reason, account = self.chance.choice(list(Reason)), self.chance.choice(_CLASSES)
        identity, service = CaseId.new(opened, secrets.token_bytes), ServiceId.new(opened, secrets.token_bytes).value
        distance = self.chance.randrange(32) if reason is Reason.LOOK_ALIKE else 0
        language = self.chance.choice(_LANGUAGES)
        contents = [
            _content(
                ContentId.new(opened, secrets.token_bytes), service, account, self.chance.choice(_REACHES), language
            )
            for _ in range(self.chance.choice((1, 1, 1, 2, 5)))
        ]
        for content in contents:
            yield "content", content
            yield "case_member", {
                "case": identity.value, "content": content["id"], "distance": distance, "reach": content["reach"],
                "language": language,
            }  # fmt: skip
        first = contents[0]["id"]
        held = self._hold_until(reason, account)
        if held is not None:
            yield "hold", {"content": first, "revision": 1, "started_at": opened, "expires_at": held, "state": "held"}
        reports = self.chance.randrange(1, 5) if reason is Reason.FLAG else 0
        trusted = 1 if reports and number % 4 == 0 else 0
        for which in range(reports):
            flag = FlagId.new(opened, secrets.token_bytes).value
            yield "flag", {
                "id": flag, "content": first, "service": service, "trusted": which < trusted, "state": "raised",
                "raised_at": opened,
            }  # fmt: skip
        if self.voters and number % 10 == 0:
            yield "vote", self._vote(identity, opened)
        urgency = Urgency(
            reason=reason,
            account_class=account,
            reach=max(content["reach"] for content in contents),
            distance=distance,
            reports=reports - trusted,
            trusted_reports=trusted,
        )
        yield "case", {
            "id": identity.value, "state": "open", "reason": reason, "first": first, "account_class": account,
            "signal": SignalId.new(opened, secrets.token_bytes).value, "caption": identity.value.bytes,
            "opened_at": opened, "size": len(contents), "reach": urgency.reach, "held_until": held,
            "distance": distance, "reports": reports, "trusted_reports": trusted,
            "languages": [language] if language else [], "place": place(opened, urgency),
        }  # fmt: skip

    def _hold_until(self, reason: Reason, account: AccountClass) -> datetime | None:
        if reason is not Reason.EXACT_MATCH or account.protected or self.chance.random() > 1 / 3:
            return None
        return self.now + timedelta(minutes=self.chance.randrange(1, 1440))

    def _vote(self, case: CaseId, at: datetime) -> Row:
        return {
            "id": VoteId.new(at, secrets.token_bytes).value, "case": case.value, "measure": "remove",
            "voter": self.chance.choice(self.voters).value, "exempt": "none", "shown": "[]", "cast_at": at,
            "withdrawn": False,
        }  # fmt: skip


def _content(content: ContentId, service: UUID, account: AccountClass, reach: int, language: str | None) -> Row:
    return {
        "id": content.value, "revision": 1, "service": service, "kind": "picture", "standing": "shown",
        "surface": "public", "account_class": account, "reach": reach, "language": language,
        "sha256": content.value.bytes * 2, "quality": 80, "width": 640, "height": 480, "reduced": False,
        "words": WordsRead.WHOLE, "bytes_kept": True,
    }  # fmt: skip


def write_cases(url: str, count: int, now: datetime, voters: tuple[StaffId, ...] = (), *, seed: int = 1) -> None:
    """Write this many open cases into a node's database; a tenth were voted on by one of the voters."""
    maker = _Maker(random.Random(seed), now, voters)
    rows: dict[str, list[Row]] = {}
    for number in range(count):
        for table, row in maker.case(number):
            rows.setdefault(table, []).append(row)
    with psycopg.connect(url) as connection:
        for table, those in rows.items():
            columns = sql.SQL(", ").join(map(sql.Identifier, those[0]))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
            with connection.cursor().copy(statement) as copy:
                for row in those:
                    copy.write_row(tuple(row.values()))
    with psycopg.connect(url, autocommit=True) as connection:
        # A node's database gathers these numbers by itself; here all rows came at once.
        connection.execute("ANALYZE")
