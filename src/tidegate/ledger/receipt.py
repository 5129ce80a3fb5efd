"""The receipt: what a person holds to show that their case is in the log, and what was recorded about it.

May decide: whether a receipt is genuine. It opens only the fields it was given: another reader of the same
leaf gets another receipt. Until the leaf is published the receipt is ``pending``: a promise with nothing in
it yet to check, except by looking for its leaf in the log.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tidegate.kernel.canonical import Json
from tidegate.kernel.errors import IntegrityError
from tidegate.ledger import commitment
from tidegate.ledger.checkpoint import Checkpoint
from tidegate.ledger.commitment import OpenedField
from tidegate.ledger.entry import Leaf, decode
from tidegate.ledger.note import Verifier, strict_base64
from tidegate.ledger.proof import Proof

VERSION = 1
_LEAF = re.compile(r"[0-9a-f]{32}")
_MEMBERS = {"version", "origin", "status", "leaf", "entry", "proof", "fields"}


class Status(StrEnum):
    """Whether the leaf is already in the public log."""

    PENDING = "pending"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One reader's proof. ``entry`` and ``proof`` are there once it is published."""

    origin: str
    leaf: str
    fields: tuple[OpenedField, ...] = ()
    entry: bytes | None = None
    proof: str | None = None

    @property
    def status(self) -> Status:
        """Whether it can be checked yet."""
        return Status.PENDING if self.entry is None or self.proof is None else Status.PUBLISHED

    def document(self) -> dict[str, Json]:
        """Write it as JSON."""
        return {
            "version": VERSION,
            "origin": self.origin,
            "status": self.status,
            "leaf": self.leaf,
            "entry": None if self.entry is None else base64.b64encode(self.entry).decode(),
            "proof": self.proof,
            "fields": [field.document() for field in self.fields],
        }

    def verify(self, verifier: Verifier | str) -> tuple[Leaf, Checkpoint]:
        """Check a published receipt offline, and give what it proves.

        Raises:
            IntegrityError: it is pending, altered, or of another log.
        """
        if self.entry is None or self.proof is None:
            raise IntegrityError("This receipt is pending: check it again when its leaf has been published.")
        checkpoint = Proof.read(self.proof).verify(self.entry, verifier)
        if checkpoint.origin != self.origin:
            raise IntegrityError("This receipt names another log than the one that signed it.")
        leaf = decode(self.entry)
        self.check_fields(leaf)
        return leaf, checkpoint

    def check_fields(self, leaf: Leaf) -> None:
        """Check the opened fields against a leaf of the log.

        Raises:
            IntegrityError: the leaf is another one, or a field is not what was committed to.
        """
        if leaf.leaf != self.leaf:
            raise IntegrityError("This receipt is of another leaf.")
        if len({field.name for field in self.fields}) != len(self.fields):
            raise IntegrityError("This receipt opens one field twice.")
        for field in self.fields:
            commitment.check(leaf.commitment, field)


def pending(origin: str, leaf: str, fields: Sequence[OpenedField]) -> Receipt:
    """Promise that a leaf will be published."""
    return Receipt(origin, leaf, tuple(fields))


def published(origin: str, entry: bytes, proof: Proof, fields: Sequence[OpenedField]) -> Receipt:
    """Prove that a leaf was published."""
    return Receipt(origin, decode(entry).leaf, tuple(fields), entry, proof.write())


def read(data: bytes | str) -> Receipt:
    """Read a receipt from its file.

    Raises:
        IntegrityError: it is not a receipt of this version.
    """
    try:
        document = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise IntegrityError("This file is not a receipt: it is not JSON.") from error
    match document:
        case {
            "version": int(version),
            "origin": str(origin),
            "status": str(status),
            "leaf": str(leaf),
            "entry": str() | None as entry,
            "proof": str() | None as proof,
            "fields": list(opened),
        } if document.keys() == _MEMBERS and version == VERSION and version is not True and _LEAF.fullmatch(leaf):
            fields = tuple(OpenedField.read(item) for item in opened)
            found = Receipt(origin, leaf, fields, None if entry is None else strict_base64(entry), proof)
            if found.status == status and (entry is None) == (proof is None):
                return found
    raise IntegrityError("This file is not a receipt of this version.")


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("A member is given twice.")
    return members
