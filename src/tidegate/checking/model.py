"""An upload that is being checked. May decide: nothing.

It has no events: what it says is over with the verdict, and before that a crash loses nothing, for it is a row.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tidegate.content.model import Submission
from tidegate.fingerprint.model import Unchecked
from tidegate.fingerprint.video.reading import VideoRead
from tidegate.kernel.ids import ContentId

#: Who works on an upload has it for so long from each progress; after that it is dead, and others take it.
TAKEN_FOR = timedelta(seconds=60)
#: So often a part may fail in a way that says nothing of the bytes, before that is the verdict.
MOST_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An acknowledged upload: its bytes are sealed where they stay if people must look at them."""

    content: ContentId
    revision: int
    submission: Submission
    sha256: bytes
    received_at: datetime
    #: What of it was read.
    read: VideoRead = field(default_factory=VideoRead)
    #: It was published long ago: only exact bytes may be held now.
    looking_back: bool = False
    #: How often the next part failed, and why it last did.
    tries: int = 0
    last_failure: Unchecked | None = None
