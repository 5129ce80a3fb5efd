"""Content: one thing a platform shows us.

May decide: nothing; these are values and events. A content is known by service, kind and the platform's own id; the
same id with the same bytes is the same content, other bytes are a new revision.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tidegate.kernel.event import Country, Event, Language, event
from tidegate.kernel.ids import AskId, ContentId, ServiceId


class ContentKind(StrEnum):
    PICTURE = "picture"
    VIDEO = "video"
    TEXT = "text"
    LINK = "link"


class LookKind(StrEnum):
    """Which view of a picture was compared."""

    AS_STORED = "as_stored"
    WITHOUT_BORDER = "without_border"
    FRAME = "frame"


class Surface(StrEnum):
    """Where content is shown. ``private`` exists so that it can be refused by name (floor rule 13)."""

    PUBLIC = "public"
    LARGE_GROUP = "large_group"
    CLOSED_GROUP = "closed_group"
    PRIVATE = "private"


class AccountClass(StrEnum):
    """What the platform says of the account. All but ``ordinary`` are protected."""

    ORDINARY = "ordinary"
    PRESS = "press"
    RESEARCH = "research"
    PARLIAMENT = "parliament"
    PROTECTED = "protected"

    @property
    def protected(self) -> bool:
        """Protected accounts never meet a machine's hold (floor rule 1) and need two people (rule 4)."""
        return self is not AccountClass.ORDINARY


class Standing(StrEnum):
    """What has become of a content itself, whatever was decided about it."""

    SHOWN = "shown"
    DELETED_BY_USER = "deleted_by_user"
    ERASED = "erased"


#: state -> what may happen to it -> next state
STANDINGS: dict[Standing, dict[str, Standing]] = {
    Standing.SHOWN: {"content.deleted_by_user": Standing.DELETED_BY_USER, "content.erased": Standing.ERASED},
    Standing.DELETED_BY_USER: {"content.erased": Standing.ERASED, "content.submitted": Standing.SHOWN},
    Standing.ERASED: {"content.submitted": Standing.SHOWN},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a platform says of one content. Texts are in Unicode normal form C."""

    service: ServiceId
    kind: ContentKind
    platform_id: str
    uploader: str
    account_class: AccountClass
    surface: Surface
    reach: int
    caption: str = ""
    link: str = ""
    language: Language | None = None
    country: Country | None = None
    posted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One view of a picture: the PDQ values of its eight rotations and flips, 32 bytes each, and their quality.

    ``second`` is the value of a second, unlike hash, or empty.
    """

    pdq: tuple[bytes, ...]
    quality: int
    kind: LookKind = LookKind.AS_STORED
    second: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """What was computed from the bytes. Which of these there are depends on the kind of content.

    Attributes:
        sha256: of all the bytes, always.
        looks: of a picture, the first of the whole picture as stored.
        quality: how much detail the whole picture has, 0 to 100.
        width: in pixels, as stored.
        height: in pixels, as stored.
        reduced: the looks were taken from a smaller decoding; a signal is never made from those.
        partial: it moves for longer, or holds more addresses, than is looked at; not kept.
        frames: of a video, packed (``fingerprint/video/frames.py``).
        sketch: of a text, its MinHash (``fingerprint/words/text.py``).
        address: of a link, its canonical form (``fingerprint/words/link.py``).
        host: of a link, the host as a domain signal names it.
        leads_to: of a text, digests of the addresses in it and of their hosts (``fingerprint/words/link.py``).
    """

    sha256: bytes
    looks: tuple[Look, ...] = ()
    quality: int = 0
    width: int = 0
    height: int = 0
    reduced: bool = False
    partial: bool = False
    frames: bytes = b""
    sketch: bytes = b""
    address: str = ""
    host: str = ""
    leads_to: tuple[bytes, ...] = ()


class WordsRead(StrEnum):
    """How far the words around a content were read and looked up."""

    WHOLE = "whole"
    #: There is more in them than is read.
    PARTLY = "partly"
    #: They could not be, just now.
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What was computed of the words around a content, for looking back.

    Attributes:
        read: how far they were; what is not read yet, is as soon as that can be done.
        sketch: of the caption (``fingerprint/words/text.py``).
        leads_to: digests of the addresses in caption and link field, and of their hosts.
    """

    read: WordsRead = WordsRead.WHOLE
    sketch: bytes = b""
    leads_to: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A content as the views know it. Digests are keyed: they find, and say nothing."""

    id: ContentId
    revision: int
    service: ServiceId
    kind: ContentKind
    standing: Standing
    surface: Surface
    account_class: AccountClass
    reach: int
    uploader: bytes | None
    caption: bytes | None
    language: Language | None
    fingerprints: Fingerprints | None
    bytes_kept: bool
    words: WordsRead


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearUpload:
    """The one row of an upload that was clear."""

    id: ContentId
    revision: int
    submission: Submission
    fingerprints: Fingerprints
    words: Words


@dataclass(frozen=True, slots=True)
class BytesWanted:
    """Bytes the platform was asked for and did not send yet."""

    ask: AskId
    content: ContentId
    revision: int
    service: ServiceId
    asked_at: datetime


@event("content.submitted")
class ContentSubmitted(Event):
    """A revision of a content that someone must look at, or that is held. A clear upload is no event."""

    content: ContentId
    revision: int
    service: ServiceId
    content_kind: ContentKind
    surface: Surface
    account_class: AccountClass
    reach: int
    language: Language | None
    country: Country | None


@event("content.reach_changed")
class ContentReachChanged(Event):
    content: ContentId
    reach: int


@event("content.edited")
class ContentEdited(Event):
    """The words around a content changed; what they say is sealed, each edit apart."""

    content: ContentId
    revision: int
    edit: int


@event("content.bytes_kept")
class ContentBytesKept(Event):
    """The bytes of a revision are sealed here, so that people can look and nothing contested is destroyed."""

    content: ContentId
    revision: int


@event("content.bytes_wanted")
class ContentBytesWanted(Event):
    """The platform was asked for the bytes of a revision, because people must look at it and they are not here."""

    ask: AskId
    content: ContentId
    revision: int
    service: ServiceId


class NoBytes(StrEnum):
    """Why bytes that were wanted are not to be had."""

    GONE = "gone"
    TOO_LARGE = "too_large"


@event("content.bytes_missing")
class ContentBytesMissing(Event):
    """The bytes that were wanted will not come: people decide without them."""

    content: ContentId
    revision: int
    cause: NoBytes


@event("content.deleted_by_user")
class ContentDeletedByUser(Event):
    content: ContentId


@event("content.erased")
class ContentErased(Event):
    """Nothing could contest it any more; its key was destroyed."""

    content: ContentId
