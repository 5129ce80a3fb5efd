"""What we accept, and when we forget.

May decide: whether a submission is well formed and of a surface we look at at all (floor rule 13), and the day until
which a content is kept (floor rule 7). May not decide what content means.
"""

import unicodedata
from datetime import datetime, timedelta

from tidegate.content.model import Content, Standing, Submission, Surface
from tidegate.kernel.errors import Malformed, RuleBroken

MOST_ID_BYTES = 512
MOST_WORDS_BYTES = 20_000
#: Floor rule 7 (Regulation (EU) 2021/784, Article 6): 6 months after removal, 30 days after the complaint window.
KEPT_AFTER_REMOVAL = timedelta(days=184)
KEPT_AFTER_COMPLAINT_WINDOW = timedelta(days=30)
#: What was looked at and left up is forgotten sooner: nobody contests it, and we need it no longer.
KEPT_WHEN_LEFT_UP = timedelta(days=30)
_MOST_PEOPLE = 10_000_000_000


def check_submission(submission: Submission) -> None:
    """Accept a submission, or say what to mend.

    Raises:
        RuleBroken: the surface is private (floor rule 13).
        Malformed: an id or a text is empty, too long or not in normal form C, or the reach is negative.
    """
    check_surface(submission.surface)
    check_text("platform_id", submission.platform_id, most=MOST_ID_BYTES, needed=True)
    check_text("uploader", submission.uploader, most=MOST_ID_BYTES, needed=True)
    check_text("caption", submission.caption, most=MOST_WORDS_BYTES)
    check_text("link", submission.link, most=MOST_WORDS_BYTES)
    check_reach(submission.reach)


def check_surface(surface: Surface) -> None:
    """Refuse private messages, whoever asks.

    Raises:
        RuleBroken: the surface is private (floor rule 13).
    """
    if surface is Surface.PRIVATE:
        raise RuleBroken(
            "Private messages are never checked: send only what is shown to the public or to a group.",
            reference="rule 13",
        )


def check_text(field: str, text: str, *, most: int, needed: bool = False) -> None:
    """Check the form of a text from outside.

    Raises:
        Malformed: empty where needed, longer than ``most`` bytes, not in normal form C, or with control characters.
    """
    if needed and not text:
        raise Malformed("%(field)s must not be empty.", values={"field": field}, reference=field)
    if len(text.encode("utf-8", "surrogatepass")) > most:
        raise Malformed(
            "%(field)s may be at most %(most)s bytes of UTF-8.", values={"field": field, "most": most}, reference=field
        )
    if not unicodedata.is_normalized("NFC", text):
        raise Malformed(
            "%(field)s must be in Unicode normal form C (NFC): normalise it and send it again.",
            values={"field": field},
            reference=field,
        )
    if any(unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t" for character in text):
        raise Malformed("%(field)s must not hold control characters.", values={"field": field}, reference=field)


def check_reach(reach: int) -> None:
    """Check a number of people.

    Raises:
        Malformed: negative, or more than there are people.
    """
    if not 0 <= reach <= _MOST_PEOPLE:
        raise Malformed("reach is a number of people, 0 or more.", reference="reach")


def kept_until(
    *,
    removed_at: datetime | None,
    left_up_at: datetime | None,
    complaint_until: datetime | None,
    contested: bool,
) -> datetime | None:
    """Say until when a content is kept; None means there is no end yet (floor rule 7).

    Args:
        removed_at: when it was last removed and not restored since.
        left_up_at: when people last decided to leave it up, or restored it.
        complaint_until: the end of the latest complaint window of any notice about it.
        contested: a case, complaint or order about it is open.
    """
    if contested or (removed_at is None and left_up_at is None):
        return None
    ends = []
    if removed_at is not None:
        ends.append(removed_at + KEPT_AFTER_REMOVAL)
    if left_up_at is not None:
        ends.append(left_up_at + KEPT_WHEN_LEFT_UP)
    if complaint_until is not None:
        ends.append(complaint_until + KEPT_AFTER_COMPLAINT_WINDOW)
    return max(ends)


def may_erase(content: Content, kept: datetime | None, now: datetime) -> bool:
    """Say whether the time has come to destroy a content's key."""
    return content.standing is not Standing.ERASED and kept is not None and kept <= now
