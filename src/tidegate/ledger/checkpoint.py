"""Checkpoints: how long the log is and what its root is, signed (C2SP tlog-checkpoint v1.0.0).

May decide: whether a text is a checkpoint of this log. The name in the key is the log's origin: a checkpoint
of another origin is refused even when the signature holds. May not decide when to sign; whoever signs must
never sign two that disagree.
"""

import base64
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger import note, tree

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LEAST_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at one moment."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or not self.origin.isprintable():
            raise Malformed("A log's origin is one line of text, such as example.org/ledger.")
        if not 0 <= self.size <= tree.LARGEST_SIZE or len(self.root) != tree.HASH_BYTES:
            raise Malformed("A checkpoint has a size and a root of 32 bytes.")

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Sign a checkpoint with the log's key, under the log's origin."""
    return note.sign(checkpoint.text, checkpoint.origin, key)


def open_checkpoint(signed: str, verifier: note.Verifier | str, *, origin: str | None = None) -> Checkpoint:
    """Check a signed checkpoint and read it; ``origin`` is for a log whose key has another name than the log.

    Raises:
        IntegrityError: it is not a checkpoint of the log that this key belongs to.
        Malformed: the verifier key is not one.
    """
    if isinstance(verifier, str):
        verifier = note.Verifier.parse(verifier)
    # A text must not be read before its signature has been checked.
    text = note.open_note(signed, verifier)
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LEAST_LINES or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise IntegrityError("The signed text is not a checkpoint.")
    if lines[0] != (verifier.name if origin is None else origin):
        raise IntegrityError("The checkpoint is of another log than the key.")
    try:
        # Further lines are allowed by the specification and mean nothing here.
        checkpoint = Checkpoint(lines[0], int(lines[1]), note.strict_base64(lines[2]))
    except Malformed as error:
        raise IntegrityError("The signed text is not a checkpoint.") from error
    if checkpoint.size == 0 and checkpoint.root != tree.EMPTY_ROOT:
        raise IntegrityError("The checkpoint of an empty log has another root than that of nothing.")
    return checkpoint
