"""How much of something waits, and since when: what every alarm begins with. May decide: nothing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many wait, and the moment of the one that has waited longest or is due soonest."""

    count: int
    since: datetime | None


NOTHING = Backlog(0, None)
