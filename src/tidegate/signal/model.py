"""Signals: a fingerprint asserted to be of terrorist content, with labels, provenance and standing.

May decide: the closed list of what a signal may be of (floor rule 14). Nothing outside this list can hold, be shared
or be counted under this name; a new label is a change of code that everyone can read.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.kernel.event import Event, event
from tidegate.kernel.ids import DecisionId, ListId, SignalId, StaffId


class Label(StrEnum):
    """What the content does: the kinds of Regulation (EU) 2021/784 Article 2(7), and perpetrators' own content.

    Article 2(7)(a) is split: inciting by glorifying alone can never support a machine's hold (floor rule 1).
    """

    INCITES = "incites"
    GLORIFIES = "glorifies"
    SOLICITS_OFFENCE = "solicits_offence"
    SOLICITS_GROUP = "solicits_group"
    INSTRUCTS = "instructs"
    THREATENS = "threatens"
    PERPETRATOR = "perpetrator"


class FingerprintKind(StrEnum):
    """What is compared, and so what a signal's value is.

    ``video``: packed frames; ``text``: a normalised text in UTF-8; ``url``: the canonical form of a link; ``domain``: a
    host. The other two are 32 bytes.
    """

    SHA256 = "sha256"
    PDQ = "pdq"
    VIDEO = "video"
    TEXT = "text"
    URL = "url"
    DOMAIN = "domain"


class Provenance(StrEnum):
    """Where a signal comes from."""

    OWN = "own"
    IMPORT = "import"


class ListFormat(StrEnum):
    """How a list of signals is written (``formats.py``)."""

    CSV = "csv"
    LOCAL = "local"
    TE = "te"


class Standing(StrEnum):
    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


#: state -> what may happen to it -> next state
STANDINGS: dict[Standing, dict[str, Standing]] = {
    Standing.UNCONFIRMED: {"signal.confirmed": Standing.CONFIRMED, "signal.withdrawn": Standing.WITHDRAWN},
    # Members may have confirmed it first; our own people confirm it anew.
    Standing.CONFIRMED: {"signal.confirmed": Standing.CONFIRMED, "signal.withdrawn": Standing.WITHDRAWN},
    Standing.WITHDRAWN: {"signal.confirmed": Standing.CONFIRMED},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A signal as the view knows it.

    ``position`` is that of its latest change; ``number`` is that of its first, and so never changes: other programs
    that want a whole number for a name are given it. ``second`` is the second, unlike hash of a picture that was made
    here, or empty.
    """

    id: SignalId
    kind: FingerprintKind
    value: bytes
    labels: frozenset[Label]
    provenance: Provenance
    standing: Standing
    decision: DecisionId | None
    own_people: bool
    members: int
    disputed: bool
    position: int
    number: int = 0
    second: bytes = b""


@event("signal.added")
class SignalAdded(Event):
    """Its value is sealed."""

    signal: SignalId
    position: int
    fingerprint_kind: FingerprintKind
    labels: tuple[Label, ...]
    provenance: Provenance


@event("signal.confirmed")
class SignalConfirmed(Event):
    """Our own people found it to be terrorist content: by a decision, or two of them together, for a domain."""

    signal: SignalId
    position: int
    decision: DecisionId | None
    labels: tuple[Label, ...]
    by: StaffId | None = None
    second: StaffId | None = None


@event("signal.withdrawn")
class SignalWithdrawn(Event):
    """It matches nothing any more: a decision was reversed, or someone took back a domain."""

    signal: SignalId
    position: int
    decision: DecisionId | None
    by: StaffId | None = None


@event("signal.list_imported")
class ListImported(Event):
    """A list was read to its end. Where it came from, and which account of the machine read it, is sealed."""

    list: ListId
    list_format: ListFormat
    added: int
    known: int
    wrong: int
    negative: int
    disputed: int
    other_type: int


@event("signal.list_exported")
class ListExported(Event):
    """Values are about to leave the node, at the machine; what for, and by which account of it, is sealed."""

    list: ListId
    list_format: ListFormat
    signals: int
    position: int
