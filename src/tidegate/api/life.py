"""The whole life of a content, in order, as its platform may read it. May decide: what a platform may not see."""

from collections.abc import Mapping
from typing import Any

from tidegate.checking import store as checking
from tidegate.checking.model import Waiting
from tidegate.content import store as contents
from tidegate.content.model import WordsRead
from tidegate.db.transaction import Transaction
from tidegate.enforcement import store as enforcement
from tidegate.fingerprint.model import Unchecked
from tidegate.kernel.errors import NotFound
from tidegate.kernel.ids import ContentId, ServiceId
from tidegate.verdict import store as verdicts
from tidegate.verdict.model import VerdictKind

#: Stands where a verdict, or a standing, will stand once the check is over.
CHECKING = "checking"
#: Why the words around a content were not looked up, or not all of them.
WORDS_UNCHECKED: Mapping[WordsRead, Unchecked | None] = {
    WordsRead.WHOLE: None,
    WordsRead.PARTLY: Unchecked.TOO_LARGE,
    WordsRead.NOT_YET: Unchecked.ENGINE_DOWN,
}
#: Who voted, and how, stays among those who vote: a platform learns what was decided, not by whom.
_NOT_FOR_PLATFORMS = (
    "decision.vote_cast",
    "decision.vote_withdrawn",
    "decision.made",
    "decision.undone",
    "appeal.vote_cast",
)
#: The same words whether it is nobody's or another service's, or one could ask what others have.
_NOTHING = "Your service never showed us such a content, or it was clear and its day is over."
_HIDDEN_FIELDS = frozenset({"voter", "voters", "votes", "by"})


async def life_of(tx: Transaction, content: ContentId, service: ServiceId) -> dict[str, Any]:
    """Give what became of a content of a service, event by event.

    Raises:
        NotFound: this service never showed us such a content, or it was clear and its day is over.
    """
    loaded = await contents.load(tx, content)
    waiting = await checking.load(tx, content)
    if waiting is not None and waiting.submission.service != service:
        raise NotFound(_NOTHING)
    if loaded is None:
        return await _clear_life(tx, content, service) if waiting is None else _life_to_come(waiting)
    if loaded.service != service:
        raise NotFound(_NOTHING)
    restriction, sequence = await enforcement.restriction(tx, content)
    hold = await verdicts.running_hold(tx, content)
    last = await verdicts.latest(tx, content)
    rows = await tx.rows(
        """
        SELECT at, kind, data FROM event WHERE about @> ARRAY[%(content)s] AND kind <> ALL(%(hidden)s) ORDER BY id
        """,
        content=content,
        hidden=list(_NOT_FOR_PLATFORMS),
    )
    return {
        "content": str(content),
        "revision": loaded.revision,
        "standing": loaded.standing,
        # Recorded without a verdict: it was clear until someone flagged it.
        "verdict": last["verdict"] if last else VerdictKind.CLEAR,
        "reason": last and last["reason"],
        "restriction": restriction,
        "sequence": sequence,
        "held_until": hold.expires_at.isoformat() if hold else None,
        "bytes_kept": loaded.bytes_kept,
        "checking": waiting and _progress(waiting),
        "words_unchecked": WORDS_UNCHECKED[loaded.words],
        "life": [
            {"at": row["at"].isoformat(), "event": row["kind"], "data": _visible(row["data"], content)} for row in rows
        ],
    }


async def _clear_life(tx: Transaction, content: ContentId, service: ServiceId) -> dict[str, Any]:
    clear = await contents.find_clear(tx, content)
    if clear is None or clear.submission.service != service:
        raise NotFound(_NOTHING)
    return {
        "content": str(content),
        "revision": clear.revision,
        "standing": "shown",
        "verdict": VerdictKind.CLEAR,
        "reason": None,
        "restriction": "none",
        "sequence": 0,
        "held_until": None,
        "bytes_kept": False,
        "checking": None,
        "words_unchecked": WORDS_UNCHECKED[clear.words.read],
        "life": [],
    }


def _life_to_come(waiting: Waiting) -> dict[str, Any]:
    """Give what there is to say of an upload before its first verdict."""
    return {
        "content": str(waiting.content),
        "revision": waiting.revision,
        "standing": CHECKING,
        "verdict": CHECKING,
        "reason": None,
        "restriction": "none",
        "sequence": 0,
        "held_until": None,
        "bytes_kept": True,
        "checking": _progress(waiting),
        # They are read with it.
        "words_unchecked": None,
        "life": [],
    }


def _progress(waiting: Waiting) -> dict[str, Any]:
    """Say how far a check came; times of the video in seconds, unknown until it was opened."""
    return {
        "revision": waiting.revision,
        "since": waiting.received_at.isoformat(),
        "checked_seconds": waiting.read.reached / 1000,
        "of_seconds": waiting.read.duration / 1000 if waiting.read.duration else None,
    }


def _visible(data: dict[str, Any], content: ContentId) -> dict[str, Any]:
    """Leave out who, and the other contents of the same decision: they may be another platform's."""
    shown = {name: value for name, value in data.items() if name not in _HIDDEN_FIELDS}
    if isinstance(shown.get("contents"), list):
        shown["contents"] = [item for item in shown["contents"] if str(content) in str(item)]
    return shown
