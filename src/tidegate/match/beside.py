"""What stands around a content: the words of its caption, and the address in its link field.

May decide: what of that is searched, and for which kinds. Words are for people: what is found here is never a reason to
hold anything (floor rule 1), whatever the content itself is. A caption is a text like any other, and read like one: its
letters and the addresses in it, in the jail, where the address in the link field is parsed, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.content.model import Fingerprints, Words, WordsRead
from tidegate.fingerprint.model import PASSING, Unchecked
from tidegate.fingerprint.words.link import digests_of, domain_of
from tidegate.fingerprint.words.text import SHORTEST_KNOWN, ReadText
from tidegate.match.index import Index, compare
from tidegate.match.model import Match, Where
from tidegate.signal.model import FingerprintKind, Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the words around a content come down to: its caption as it is compared, the canonical form of its link.

    ``unchecked`` says why they were not read, or not looked up, or not all of them.
    """

    caption: ReadText | None = None
    address: str = ""
    unchecked: Unchecked | None = None

    def search(self, index: Index) -> list[Match]:
        """Find the known texts and addresses in the caption, and the known address in the link field.

        Raises:
            IndexDown: the index must not be asked.
        """
        if not self._any:
            return []
        return _placed(index.search(self._fingerprints, self.caption)[0])

    def compare(self, signals: Sequence[Signal]) -> list[Match]:
        """Match against a few signals directly, for those newer than the index."""
        if not signals or not self._any:
            return []
        return _placed(compare(self._fingerprints, signals, self.caption))

    @property
    def kept(self) -> Words:
        """Give what is kept of them for looking back."""
        if self.unchecked in PASSING:
            return Words(read=WordsRead.NOT_YET)
        written = [each.address for each in self.caption.addresses] if self.caption is not None else []
        known = self.caption is not None and self.caption.units >= SHORTEST_KNOWN
        return Words(
            read=WordsRead.PARTLY if self.unchecked else WordsRead.WHOLE,
            sketch=self.caption.sketch.pack() if self.caption is not None and known else b"",
            leads_to=digests_of([*written, self.address] if self.address else written),
        )

    @property
    def _any(self) -> bool:
        return self.caption is not None or bool(self.address)

    @property
    def _fingerprints(self) -> Fingerprints:
        # No bytes are asked for: the words are no content of their own.
        return Fingerprints(sha256=b"", address=self.address, host=domain_of(self.address))


#: Of a content with nothing beside it.
NOTHING: Final = Beside()


def _placed(found: Sequence[Match]) -> list[Match]:
    return [replace(match, where=_place(match)) for match in found]


def _place(match: Match) -> Where:
    # An address that is searched by itself is that of the link field.
    of_caption = match.where is Where.INSIDE or match.fingerprint_kind is FingerprintKind.TEXT
    return Where.CAPTION if of_caption else Where.LINK
