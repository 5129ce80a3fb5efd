"""A proof that one entry is in the log, as a small text that can be checked offline (C2SP tlog-proof).

May decide: whether an entry is in the tree that the log signed. Asks nobody: the proof carries the signed
checkpoint.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.kernel.errors import IntegrityError
from tidegate.ledger import tree
from tidegate.ledger.checkpoint import Checkpoint, open_checkpoint
from tidegate.ledger.note import Verifier, strict_base64

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA = "extra "
_MOST_HASHES = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry is, the path to the root, and the checkpoint as it was signed, word for word."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    #: Not covered by any signature; means nothing here.
    extra: bytes | None = None

    def write(self) -> str:
        """Write the proof as text."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(_EXTRA + base64.b64encode(self.extra).decode())
        lines.append(f"index {self.index}")
        lines.extend(base64.b64encode(item).decode() for item in self.path)
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def read(cls, text: str) -> "Proof":
        """Read a proof from its text.

        Raises:
            IntegrityError: the text is not a proof.
        """
        head, divider, checkpoint = text.partition("\n\n")
        header, *lines = head.split("\n")
        if header != _HEADER or not divider:
            raise IntegrityError("This is not a proof of inclusion.")
        extra = None
        if lines and lines[0].startswith(_EXTRA):
            extra = strict_base64(lines.pop(0).removeprefix(_EXTRA))
        index = _INDEX.fullmatch(lines[0]) if lines else None
        path = tuple(strict_base64(line) for line in lines[1:])
        if not index or len(path) > _MOST_HASHES or any(len(item) != tree.HASH_BYTES for item in path):
            raise IntegrityError("This proof of inclusion is damaged.")
        return cls(int(index[1]), path, checkpoint, extra)

    def verify(self, entry: bytes, verifier: Verifier | str) -> Checkpoint:
        """Check that the entry is in the log that this key signs, and give the checkpoint that says so.

        Raises:
            IntegrityError: the checkpoint is not this log's, or the path does not lead to its root.
        """
        checkpoint = open_checkpoint(self.checkpoint, verifier)
        tree.check_inclusion(tree.leaf_hash(entry), self.index, checkpoint.size, self.path, checkpoint.root)
        return checkpoint


def prove(index: int, signed: str, size: int, node: tree.Node) -> Proof:
    """Make the proof for an entry under a signed checkpoint of this size."""
    path: Sequence[bytes] = tree.inclusion_proof(index, size, node)
    return Proof(index, tuple(path), signed)
