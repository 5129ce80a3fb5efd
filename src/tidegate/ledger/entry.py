"""The leaf: the one form in which anything becomes public, fixed for ever.

May decide: which bytes the log may hold. Every field is a closed enumeration, a number, a day or random hex,
so that nobody outside can choose a byte of a list that can never be shortened. May not decide which events
become leaves (``leaf.py``), nor their order.

A leaf is written as RFC 8785 canonical JSON. Every field is always there; one that does not apply is ``none``
or null. A new field or word is a new ``version``, never a change to this one.
"""

import json
import re
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from tidegate.kernel.canonical import canonical
from tidegate.kernel.errors import IntegrityError, Malformed

VERSION = 1
#: No leaf comes near this; longer bytes are refused before they are parsed.
LONGEST = 2048
_LARGEST_COUNT = 2**53 - 1

_TAG = re.compile(r"[0-9a-f]{32}")
_COMMITMENT = re.compile(r"[0-9a-f]{64}")


class LeafKind(StrEnum):
    """What happened."""

    HOLD = "hold"
    LAPSED = "lapsed"
    RELEASED = "released"
    REMOVAL = "removal"
    RESTORATION = "restoration"
    GEO_LIMIT = "geo_limit"
    ACCOUNT_ACTION = "account_action"
    ORDER_RECEIVED = "order_received"
    ORDER_ANSWERED = "order_answered"
    ORDER_CONTESTED = "order_contested"
    APPEAL_OPENED = "appeal_opened"
    APPEAL_DECIDED = "appeal_decided"
    EVIDENCE_OPENED = "evidence_opened"
    SIGNAL_ADDED = "signal_added"
    SIGNAL_WITHDRAWN = "signal_withdrawn"
    POLICY_CHANGED = "policy_changed"
    FUSE_TRIPPED = "fuse_tripped"
    TALLY = "tally"
    CORRECTION = "correction"


class LeafContent(StrEnum):
    """What kind of thing it happened to."""

    PICTURE = "picture"
    VIDEO = "video"
    TEXT = "text"
    LINK = "link"
    ACCOUNT = "account"
    NONE = "none"


class Measure(StrEnum):
    """What was done to it, in public words."""

    NONE = "none"
    HOLD = "hold"
    REMOVE = "remove"
    GEO_LIMIT = "geo_limit"
    SUSPEND_ACCOUNT = "suspend_account"
    TERMINATE_ACCOUNT = "terminate_account"
    RESTORE = "restore"
    REINSTATE_ACCOUNT = "reinstate_account"
    UPHOLD = "uphold"
    REVERSE = "reverse"


class Basis(StrEnum):
    """How it came up."""

    NONE = "none"
    EXACT_MATCH = "exact_match"
    LOOK_ALIKE = "look_alike"
    DECIDED_BEFORE = "decided_before"
    FLAG = "flag"
    TRUSTED_FLAG = "trusted_flag"
    REFERRAL = "referral"
    ORDER = "order"
    OWN_FINDING = "own_finding"
    APPEAL = "appeal"
    WITHDRAWN_SIGNAL = "withdrawn_signal"
    TIME_LIMIT = "time_limit"


class Ground(StrEnum):
    """Whether a law or a rule of the platform was the reason."""

    NONE = "none"
    LAW = "law"
    HOUSE_RULE = "house_rule"


class DecidedBy(StrEnum):
    """Who decided; ``other_people`` judged a complaint against a decision they took no part in."""

    NONE = "none"
    MACHINE = "machine"
    ONE_PERSON = "one_person"
    TWO_PEOPLE = "two_people"
    OTHER_PEOPLE = "other_people"


class Tallied(StrEnum):
    """What a tally counts."""

    NONE = "none"
    CLEAR = "clear"
    REVIEW = "review"
    HOLD = "hold"
    UNCHECKED = "unchecked"
    MATCH_WITHOUT_RECORD = "match_without_record"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One public entry. Making one with a value outside its fixed form raises Malformed."""

    leaf: str
    kind: LeafKind
    content_kind: LeafContent = LeafContent.NONE
    measure: Measure = Measure.NONE
    basis: Basis = Basis.NONE
    ground: Ground = Ground.NONE
    decided_by: DecidedBy = DecidedBy.NONE
    tallied: Tallied = Tallied.NONE
    day: date
    count: int = 1
    cites: str | None = None
    account: str | None = None
    commitment: str

    def __post_init__(self) -> None:
        _hex("leaf", _TAG, self.leaf)
        _hex("commitment", _COMMITMENT, self.commitment)
        if self.cites is not None:
            _hex("cites", _TAG, self.cites)
            if self.cites == self.leaf:
                raise Malformed("A leaf cannot cite itself: cite the leaf it reverses or answers.", reference="cites")
        if self.account is not None:
            _hex("account", _TAG, self.account)
            # On a leaf about a post the tag would show how often one person was moderated.
            if self.content_kind is not LeafContent.ACCOUNT:
                raise Malformed(
                    "Only a leaf about an account may carry an account tag: leave it out.",
                    reference="account",
                )
        if type(self.count) is not int or not 1 <= self.count <= _LARGEST_COUNT:
            raise Malformed("The count of a leaf is a whole number from 1.", reference="count")


def _hex(name: str, form: re.Pattern[str], value: object) -> None:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Malformed(f"{name} must be lower-case hex of fixed length.", reference=name)


#: Every field of a written leaf, in the order RFC 8785 writes them.
FIELDS: tuple[str, ...] = tuple(sorted(["version", *(field.name for field in fields(Leaf))]))


def encode(leaf: Leaf) -> bytes:
    """Write a leaf as the bytes that are hashed into the log."""
    return canonical(
        {
            "version": VERSION,
            **{name: getattr(leaf, name) for name in FIELDS if name not in {"version", "day"}},
            "day": leaf.day.isoformat(),
        }
    )


def decode(data: bytes) -> Leaf:
    """Read a leaf back, refusing everything that ``encode`` would not have written.

    Raises:
        IntegrityError: the bytes are not the one canonical form of a leaf of this version.
    """
    if len(data) > LONGEST:
        raise IntegrityError("An entry is longer than any leaf.")
    try:
        document = json.loads(data.decode("ascii"))
        if not isinstance(document, dict) or tuple(sorted(document)) != FIELDS:
            raise IntegrityError("An entry does not have the fields of a leaf.")
        # True equals 1 in Python, but not in the log.
        if type(document["version"]) is not int or document["version"] != VERSION:
            raise IntegrityError("An entry is of another version: upgrade, then read it again.")
        leaf = Leaf(
            leaf=document["leaf"],
            kind=LeafKind(document["kind"]),
            content_kind=LeafContent(document["content_kind"]),
            measure=Measure(document["measure"]),
            basis=Basis(document["basis"]),
            ground=Ground(document["ground"]),
            decided_by=DecidedBy(document["decided_by"]),
            tallied=Tallied(document["tallied"]),
            day=date.fromisoformat(document["day"]),
            count=document["count"],
            cites=document["cites"],
            account=document["account"],
            commitment=document["commitment"],
        )
    except (ValueError, TypeError, RecursionError, Malformed) as error:
        raise IntegrityError("An entry is not a leaf.") from error
    # Sorted ASCII text and small whole numbers: here the standard library writes what RFC 8785 asks for, ten
    # times faster; a test holds the two equal. Doubled fields, spaces and other forms of a day show here.
    if (
        leaf.day.isoformat() != document["day"]
        or json.dumps(document, sort_keys=True, separators=(",", ":")).encode() != data
    ):
        raise IntegrityError("An entry is not written in canonical form.")
    return leaf
