"""Views and looks: who had what before their eyes. May decide: nothing; these are values."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tidegate.kernel.ids import Id, StaffId


class LookId(Id):
    """One picture given to one person once; how long it was looked at is reported under it."""

    word = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Someone on the staff had something before their eyes; ``kind`` is the word of its id.

    Severity and seconds are those of a picture; where no report of its seconds came, they are a fixed number.
    """

    number: int
    at: datetime
    staff: StaffId
    kind: str
    subject: UUID
    severity: int | None
    seconds: float | None
    reported: bool
