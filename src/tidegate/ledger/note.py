"""Signed notes: text, and who signed it (C2SP signed-note v1.0.0, Ed25519 signatures, type 0x01).

May decide: whether a text was signed by a given key. Signatures of unknown keys are ignored, as the
specification asks, so that witnesses can add theirs; a bad signature of a known key refuses the whole note.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tidegate.kernel.errors import IntegrityError, Malformed

_ED25519 = b"\x01"
_ID_BYTES = 4
_KEY_BYTES = 32
_DASH = "\u2014 "
#: The specification asks for at least 16; a larger number of lines is an attack, not a note.
_MOST_SIGNATURES = 100
_LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name its signatures carry."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not valid_name(self.name) or len(self.public) != _KEY_BYTES:
            raise Malformed("A verifier key needs a name without spaces or plus signs, and 32 bytes.")

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> "Verifier":
        """Give the public half of a signing key."""
        return cls(name, key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read a verifier key from its one line of text.

        Raises:
            Malformed: the text is not an Ed25519 verifier key, or its parts contradict each other.
        """
        # The name holds no plus sign, but the base64 may.
        parts = vkey.split("+", 2)
        try:
            name, identity, encoded = parts
            material = strict_base64(encoded)
            if material[:1] != _ED25519:
                raise Malformed("This verifier key is not an Ed25519 key: ask the log for its Ed25519 key.")
            verifier = cls(name, material[1:])
        except (ValueError, IntegrityError) as error:
            raise Malformed('A verifier key looks like "name+0123abcd+A...": copy the whole line.') from error
        if verifier.key_id.hex() != identity:
            raise Malformed("The verifier key's parts do not belong together: copy the whole line again.")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key in a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text, to hand to others."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


def valid_name(name: str) -> bool:
    """Say whether a key may have this name."""
    return bool(name) and name.isprintable() and "+" not in name and not any(letter.isspace() for letter in name)


def strict_base64(text: str) -> bytes:
    """Decode base64 that has one spelling only.

    Raises:
        IntegrityError: it has stray characters, or bits that nothing would notice being changed.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError("A line is not base64.") from error
    if base64.b64encode(data).decode() != text:
        raise IntegrityError("A line is not base64 in its one proper spelling.")
    return data


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """Sign a text that ends in a newline.

    Raises:
        Malformed: the text or the name cannot stand in a note.
    """
    if not text.endswith("\n") or _has_control(text) or not valid_name(name):
        raise Malformed("A note's text ends in a newline and holds no control characters; its signer has a name.")
    signature = Verifier.of(name, key).key_id + key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, verifier: Verifier) -> str:
    """Check a note's signature and give its text.

    Raises:
        IntegrityError: it is no note, or this key did not sign it.
    """
    text, signatures = _split(note)
    public = Ed25519PublicKey.from_public_bytes(verifier.public)
    signed = False
    for name, signature in signatures:
        if name != verifier.name or signature[:_ID_BYTES] != verifier.key_id:
            continue
        try:
            public.verify(signature[_ID_BYTES:], text.encode())
        except InvalidSignature as error:
            raise IntegrityError("The signature does not belong to this text.") from error
        signed = True
    if not signed:
        raise IntegrityError("The note is not signed by the expected key.")
    return text


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > _LONGEST or _has_control(note):
        raise IntegrityError("This is not a signed note.")
    # The last empty line divides text from signatures; the text may hold empty lines of its own.
    head, divider, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not divider or lines.pop() or not lines or len(lines) > _MOST_SIGNATURES:
        raise IntegrityError("This is not a signed note.")
    return head + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not valid_name(name):
        raise IntegrityError("A signature line of the note is damaged.")
    signature = strict_base64(encoded)
    if len(signature) <= _ID_BYTES:
        raise IntegrityError("A signature line of the note is damaged.")
    return name, signature


def _has_control(text: str) -> bool:
    return any(letter < " " and letter != "\n" for letter in text) or any("\ud800" <= c <= "\udfff" for c in text)
