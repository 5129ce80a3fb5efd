"""Policy: the numbers a node may choose, and the floor below which it may not.

May decide: whether a choice is allowed. A policy may only be stricter than the floor, never laxer.
"""

from dataclasses import dataclass
from datetime import timedelta

from tidegate.kernel.errors import ConfigurationError

#: Floor rule 4: reach from which two people decide. Policy may lower it, never raise it.
WIDEST_ALONE = 100_000
#: Floor rule 4: more items or accounts than this at once need two people.
MOST_ALONE = 50
SHORTEST_UNDO = timedelta(seconds=0)
LONGEST_UNDO = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A node's choices about deciding."""

    wide_reach: int = WIDEST_ALONE
    undo_for: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        """Refuse choices below the floor.

        Raises:
            ConfigurationError: the choice would weaken rule 4, or leave no sensible time to undo.
        """
        if not 0 <= self.wide_reach <= WIDEST_ALONE:
            raise ConfigurationError(
                f"wide_reach may be lowered but never raised above {WIDEST_ALONE} (floor rule 4).",
                reference="rule 4",
            )
        if not SHORTEST_UNDO <= self.undo_for <= LONGEST_UNDO:
            raise ConfigurationError("The undo time is between 0 seconds and 10 minutes.", reference="undo_seconds")
