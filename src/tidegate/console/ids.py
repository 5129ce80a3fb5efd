"""Every kind of id that people meet on a page. May decide: nothing."""

from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import (
    AppealId,
    CaseId,
    ContentId,
    DecisionId,
    FlagId,
    Id,
    InstructionId,
    KeyId,
    ListId,
    NoticeId,
    ProposalId,
    ServiceId,
    SignalId,
    StaffId,
    VoteId,
)
from tidegate.people.model import PasskeyId, SessionId

KINDS: dict[str, type[Id]] = {
    kind.word: kind
    for kind in (
        AppealId, CaseId, ContentId, DecisionId, FlagId, InstructionId, KeyId, ListId, NoticeId, PasskeyId,
        ProposalId, ServiceId, SessionId, SignalId, StaffId, VoteId,
    )
}  # fmt: skip


def any_id(text: str) -> Id:
    """Read an id of any kind.

    Raises:
        Malformed: it is none.
    """
    kind = KINDS.get(text.rpartition("_")[0])
    if kind is None:
        raise Malformed(
            "An id begins with one of %(words)s.", values={"words": ", ".join(sorted(KINDS))}, reference="about"
        )
    return kind.parse(text)
