"""How the ledger stands: what waits, what is public, and why it is not signed any further.

May decide: when nothing more may be signed. The public has seen what the files show; a database that knows less must
not sign another log under the same name, for that would be a fork.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.ledger.checkpoint import Checkpoint


class Trouble(StrEnum):
    """Why nothing is signed; each ends only by what people do."""

    #: The files show a longer log than the database knows, as after restoring an older backup.
    AHEAD = "ahead"
    #: The files show another log of the same length.
    FORKED = "forked"
    #: The files were signed with another key than this node's.
    OTHER_KEY = "other_key"
    #: The folder cannot be read.
    UNREADABLE = "unreadable"


def trouble(shown: Checkpoint | None, size: int, root: bytes | None) -> Trouble | None:
    """Say why nothing may be signed after what the public has seen.

    Args:
        shown: what the files show; None before the first publication.
        size: how many entries the database has.
        root: of the database's log; None before its first checkpoint.
    """
    if shown is None:
        return None
    if shown.size > size:
        return Trouble.AHEAD
    # A longer log of ours is compared when it is written: the export folds the old root from the new entries.
    return Trouble.FORKED if shown.size == size and root is not None and shown.root != root else None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How the ledger stands at one moment."""

    #: Leaves queued, without a place yet, and since when the oldest waits.
    waiting: int
    oldest_waiting: datetime | None
    #: Entries in the database, and entries that the public files show; None before the first publication.
    size: int
    shown: int | None
    root: bytes | None
    published_at: datetime | None
    trouble: Trouble | None

    @property
    def behind(self) -> int:
        """How many entries have their place but are not public yet."""
        return max(0, self.size - (self.shown or 0))
