"""What the report is made of: the published counts as they are read, and the period someone asks about.

May decide: which documents are counts at all. Every word is one of the ledger's closed lists and every other value a
number or a day, so that whatever shows them can never show what someone outside wrote.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger import counts
from tidegate.ledger.entry import Basis, DecidedBy, Ground, LeafContent, LeafKind, Measure, Tallied

#: The closed list of each column but the day.
LISTS: Mapping[str, type[StrEnum]] = {
    "kind": LeafKind,
    "content_kind": LeafContent,
    "measure": Measure,
    "basis": Basis,
    "ground": Ground,
    "decided_by": DecidedBy,
    "tallied": Tallied,
}
#: The columns in which rows can be told apart when days are added up.
COLUMNS = tuple(LISTS)
_WORDS = {column: {str(word): str(word) for word in words} for column, words in LISTS.items()}

#: One value of each of ``COLUMNS``.
What = tuple[str, ...]


class Row(NamedTuple):
    """A row of the published counts."""

    what: What
    day: date
    amount: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The published counts of one size of the log."""

    origin: str
    size: int
    root: str
    rows: tuple[Row, ...]
    #: How many accounts there were, told apart within one period of the ledger, by kind of leaf.
    accounts: Mapping[str, int]
    not_proven: tuple[str, ...]


def read(data: bytes) -> Counts:
    """Read the published counts, refusing what the ledger would not have written.

    Raises:
        IntegrityError: this is no counts file of this version.
    """
    try:
        document = json.loads(data)
        if document["version"] != counts.VERSION:
            raise IntegrityError("These counts are of another version: upgrade, then read them again.")
        days: dict[str, date] = {}
        return Counts(
            origin=str(document["origin"]),
            size=int(document["size"]),
            root=str(document["root"]),
            rows=tuple(_row(row, days) for row in document["rows"]),
            accounts={str(LeafKind(kind)): int(number) for kind, number in document["accounts"].items()},
            not_proven=tuple(map(str, document["not_proven"])),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise IntegrityError("This is not a file of published counts.") from error


def _row(row: Mapping[str, object], days: dict[str, date]) -> Row:
    # There are tens of thousands of rows over few days: each day is parsed once.
    text = str(row["day"])
    day = days.get(text)
    if day is None:
        day = days[text] = date.fromisoformat(text)
    number = row["count"]
    if type(number) is not int:
        raise ValueError("a count is a whole number")
    return Row(tuple([_WORDS[column][str(row[column])] for column in COLUMNS]), day, number)


@dataclass(frozen=True, slots=True)
class Period:
    """The days someone asks about, both ends included; None is no limit."""

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise Malformed("The first day is after the last one: swap them.", reference="from")

    @classmethod
    def parse(cls, first: str, last: str) -> "Period":
        """Read a period from an address.

        Raises:
            Malformed: a day is not one, or the first is after the last.
        """
        return cls(_day("from", first), _day("to", last))

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    @property
    def whole(self) -> bool:
        """Whether everything that was ever counted is in it."""
        return self.first is None and self.last is None


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # Python reads other forms of ISO 8601 too; an address has one.
    if day is None or day.isoformat() != text:
        raise Malformed("Give each day as year-month-day, such as 2026-11-24.", reference=name)
    return day
