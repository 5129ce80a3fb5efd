"""How hard a picture is to look at, by what it is said to do.

May decide: nothing about content. The numbers weigh the looking of people, and nothing else: no queue, hold or decision
reads them. Every label is in the table; what nobody has said anything about counts as the middle.
"""

from collections.abc import Iterable

from tidegate.signal.model import Label

SEVERITY: dict[Label, int] = {
    Label.PERPETRATOR: 3,
    Label.INSTRUCTS: 2,
    Label.THREATENS: 2,
    Label.INCITES: 2,
    Label.GLORIFIES: 2,
    Label.SOLICITS_OFFENCE: 1,
    Label.SOLICITS_GROUP: 1,
}
UNKNOWN_SEVERITY = 2


def severity_of(labels: Iterable[Label]) -> int:
    """Give the heaviest of what a picture was matched, reported or decided to be."""
    return max((SEVERITY[label] for label in labels), default=UNKNOWN_SEVERITY)
