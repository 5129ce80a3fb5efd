"""Ids: time-ordered, typed, and readable where people meet them.

May decide: how an id looks. Follows the TypeID idea (a word for the kind, then a UUIDv7, RFC 9562, in Crockford
base 32): ``case_01k...``. In the database an id is a plain ``uuid``; outside it carries its kind, so that a case
id can never be taken for a content id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Self
from uuid import UUID

from tidegate.kernel.errors import Malformed

#: Gives n random bytes. An argument everywhere, so that a test can replay what happened.
Randomness = Callable[[int], bytes]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26


@dataclass(frozen=True, slots=True, order=True)
class Id:
    """The id of one thing of one kind; subclasses name the kind."""

    value: UUID
    word: ClassVar[str] = "id"

    @classmethod
    def new(cls, now: datetime, randomness: Randomness) -> Self:
        """Make an id that sorts after those made in earlier milliseconds (UUIDv7, RFC 9562 section 5.7)."""
        milliseconds = int(now.timestamp() * 1000)
        number = (milliseconds << 80) | int.from_bytes(randomness(10))
        number = number & ~(0xF << 76) | (0x7 << 76)
        number = number & ~(0x3 << 62) | (0x2 << 62)
        return cls(UUID(int=number))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id back from its text.

        Raises:
            Malformed: the text is not an id of this kind.
        """
        word, _, digits = text.rpartition("_")
        if word != cls.word or len(digits) != _LENGTH or not set(digits) <= set(_ALPHABET) or digits[0] > "7":
            raise Malformed(
                'This is not a %(kind)s id: one looks like "%(kind)s_" and 26 letters and digits.',
                values={"kind": cls.word},
            )
        number = 0
        for digit in digits:
            number = number << 5 | _ALPHABET.index(digit)
        return cls(UUID(int=number))

    @property
    def time(self) -> datetime:
        """When it was made, to the millisecond (RFC 9562 section 5.7); of an id without a time it says nothing."""
        return datetime.fromtimestamp((self.value.int >> 80) / 1000, UTC)

    def __str__(self) -> str:
        number = self.value.int
        digits = "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
        return f"{self.word}_{digits}"


class ServiceId(Id):
    """A platform's service: the one that shows us content and receives our instructions."""

    word = "service"


class ContentId(Id):
    word = "content"


class SignalId(Id):
    word = "signal"


class ListId(Id):
    """A list of signals that came in or went out."""

    word = "list"


class AskId(Id):
    """One time that a platform was asked for the bytes of a content."""

    word = "ask"


class FlagId(Id):
    word = "flag"


class CaseId(Id):
    word = "case"


class VoteId(Id):
    word = "vote"


class DecisionId(Id):
    word = "decision"


class InstructionId(Id):
    word = "instruction"


class NoticeId(Id):
    word = "notice"


class AppealId(Id):
    word = "appeal"


class StaffId(Id):
    word = "staff"


class KeyId(Id):
    """An API key's id, not the key."""

    word = "key"


class ProposalId(Id):
    """Something one person proposed and another must approve."""

    word = "proposal"


class LeafId(Id):
    """A leaf of the public ledger: random in all its bits, so that it says nothing of when or what."""

    word = "leaf"

    @classmethod
    def new(cls, now: datetime, randomness: Randomness) -> Self:  # noqa: ARG003 - a leaf id must not carry the time
        """Make an id from randomness alone (UUIDv4 layout): time of day must not leak into the ledger."""
        return cls(UUID(bytes=randomness(16), version=4))
