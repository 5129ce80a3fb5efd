"""The commitment: one hash in a leaf that hides the details, and can be opened field by field.

May decide: whether an opened field is what was committed to. The root is an RFC 6962 tree over one salted
leaf for each field, ordered by name, so that a receipt opens only its reader's fields and says nothing of the
others beyond their number. Every field has its own 32 random bytes, never derived from the record: without
them no amount of guessing ids, addresses or order numbers confirms one, and once the salts are erased what
stays in the log says nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.kernel.canonical import Json, canonical
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.kernel.ids import Randomness
from tidegate.ledger import tree

_SALT_BYTES = 32
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
#: A field tree has a handful of leaves; a longer path is not worth hashing.
_HIGHEST = 16


@dataclass(frozen=True, slots=True)
class Commitment:
    """``root`` (64 hex digits) goes into the leaf; ``salts`` are kept sealed beside the fields."""

    root: str
    salts: dict[str, str]


@dataclass(frozen=True, slots=True)
class OpenedField:
    """One field, with what it takes to check it against the commitment."""

    name: str
    salt: str
    value: Json
    index: int
    size: int
    path: tuple[str, ...]

    def document(self) -> dict[str, Json]:
        """Write it as JSON."""
        return {
            "name": self.name,
            "salt": self.salt,
            "value": self.value,
            "index": self.index,
            "size": self.size,
            "path": list(self.path),
        }

    @classmethod
    def read(cls, document: object) -> "OpenedField":
        """Read it back from JSON.

        Raises:
            IntegrityError: it has not this form.
        """
        if isinstance(document, dict) and document.keys() == set(cls.__slots__):
            name, salt, value, path = (document[word] for word in ("name", "salt", "value", "path"))
            index, size = document["index"], document["size"]
            texts = isinstance(name, str) and isinstance(salt, str)
            # True equals 1 in Python, so the type is asked for exactly.
            numbers = type(index) is int and type(size) is int
            if texts and numbers and isinstance(path, list) and all(isinstance(item, str) for item in path):
                return cls(name, salt, value, index, size, tuple(path))
        raise IntegrityError("An opened field has not the form of one.")


def commit(fields: Mapping[str, Json], randomness: Randomness) -> Commitment:
    """Commit to details, each under a fresh salt.

    Raises:
        Malformed: no field, a name that is not a plain lower-case word, or a value with no canonical form.
    """
    if not fields:
        raise Malformed("Commit to at least one field: a root over nothing is the same for everyone.")
    salts = {name: randomness(_SALT_BYTES).hex() for name in sorted(fields)}
    return Commitment(tree.root(_hashes(fields, salts)).hex(), salts)


def open_field(fields: Mapping[str, Json], salts: Mapping[str, str], name: str) -> OpenedField:
    """Open one field for a reader; the others stay hidden.

    Raises:
        Malformed: there is no such field, or the salts are of other fields.
    """
    if name not in fields or fields.keys() != salts.keys():
        raise Malformed("This field was not committed to, or its salts are of another record.", reference=name)
    hashes = _hashes(fields, salts)
    index = sorted(fields).index(name)

    def node(level: int, position: int) -> bytes:
        return tree.root(hashes[position << level : position + 1 << level])

    path = tree.inclusion_proof(index, len(hashes), node)
    return OpenedField(name, salts[name], fields[name], index, len(hashes), tuple(item.hex() for item in path))


def check(root: str, opened: OpenedField) -> None:
    """Check an opened field against the commitment in a leaf.

    Raises:
        IntegrityError: the field, its salt or its path was altered, or it belongs to another leaf.
    """
    if not _HASH.fullmatch(opened.salt) or not all(_HASH.fullmatch(item) for item in opened.path):
        raise IntegrityError("An opened field's salt or path is not hex of fixed length.")
    if len(opened.path) > _HIGHEST:
        raise IntegrityError("An opened field's path is longer than any commitment is high.")
    try:
        hashed = _field_hash(opened.name, opened.salt, opened.value)
    except (Malformed, RecursionError) as error:
        raise IntegrityError("An opened field has a value that cannot have been committed to.") from error
    path = [bytes.fromhex(item) for item in opened.path]
    if tree.root_from_inclusion(hashed, opened.index, opened.size, path).hex() != root:
        raise IntegrityError("An opened field is not what the log committed to.")


def _hashes(fields: Mapping[str, Json], salts: Mapping[str, str]) -> list[bytes]:
    return [_field_hash(name, salts[name], fields[name]) for name in sorted(fields)]


def _field_hash(name: str, salt: str, value: Json) -> bytes:
    if not _NAME.fullmatch(name):
        raise Malformed("The name of a committed field is a plain lower-case word.")
    return tree.leaf_hash(canonical({"name": name, "salt": salt, "value": value}))
