"""What stands around a content: the words of its caption, and the address in its link field.

May decide: what of that is searched, and for which kinds. Words are for people: what is found here is never a reason to
hold anything (floor rule 1), whatever the content itself is. An address is parsed in the jail; a caption arrived as
text, checked for its form, and is only looked up character by character.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tidegate.content.model import Fingerprints
from tidegate.fingerprint.words.letters import normalise
from tidegate.fingerprint.words.link import domain_of
from tidegate.fingerprint.words.text import ReadText, read_text
from tidegate.match.index import Index, compare
from tidegate.match.model import Match, Where
from tidegate.signal.model import FingerprintKind, Signal

_IN_LINK: Final = frozenset({FingerprintKind.URL, FingerprintKind.DOMAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the words around a content come down to: the letters of its caption, the canonical form of its link."""

    letters: str = ""
    address: str = ""

    def search(self, index: Index) -> list[Match]:
        """Find the known texts in the caption and the known addresses in the link field.

        Raises:
            IndexDown: the index must not be asked.
        """
        if not self.letters and not self.address:
            return []
        return _placed(index.search(self._fingerprints, self._text)[0])

    def compare(self, signals: Sequence[Signal]) -> list[Match]:
        """Match against a few signals directly, for those newer than the index."""
        if not signals or not (self.letters or self.address):
            return []
        return _placed(compare(self._fingerprints, signals, self._text))

    @property
    def _text(self) -> ReadText | None:
        return read_text(self.letters) if self.letters else None

    @property
    def _fingerprints(self) -> Fingerprints:
        # No bytes are asked for: the words are no content of their own.
        return Fingerprints(sha256=b"", address=self.address, host=domain_of(self.address))


#: Of a content with nothing beside it.
NOTHING: Final = Beside()


def letters_of(caption: str) -> str:
    """Reduce a caption to its letters."""
    return normalise(caption) if caption else ""


def _placed(found: Sequence[Match]) -> list[Match]:
    return [
        replace(match, where=Where.LINK if match.fingerprint_kind in _IN_LINK else Where.CAPTION) for match in found
    ]
