"""The node's own keys, and sealing with them.

May decide: which algorithm, and which purpose a key serves; a key made for one purpose never serves another.
The files, and what breaks when one is lost:

- ``node.key`` (32 bytes): seals every item's own key, and makes look-up digests and notice links. Lost: every
  sealed detail and picture, and every notice link already sent, is lost. Back it up apart from the database.
- ``ledger.key`` (Ed25519): signs checkpoints. Lost: the log ends; begin a new one and say so in its first entry.
- ``webhook.key`` (Ed25519): signs instructions. Lost: platforms must be given the new public key.

Sealing is AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D); keys are derived by HKDF-SHA256 (RFC 5869).
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tidegate.kernel.errors import ConfigurationError, IntegrityError
from tidegate.kernel.ids import Id, Randomness

KEY_BYTES = 32
_NONCE_BYTES = 12


def seal(key: bytes, plain: bytes | memoryview, *, bound_to: bytes, randomness: Randomness) -> bytes:
    """Encrypt, bound to what it belongs to, so that it cannot be passed off as another item's."""
    nonce = randomness(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """Decrypt what ``seal`` made.

    Raises:
        IntegrityError: another key, another item, or altered bytes.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:  # a ValueError where it is shorter than a nonce
        raise IntegrityError("A sealed item does not open with this node's key.") from error


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys a node holds."""

    node: bytes = field(repr=False)
    ledger: Ed25519PrivateKey
    webhook: Ed25519PrivateKey

    @classmethod
    def open(cls, directory: Path) -> "Keyring":
        """Read the keys from their folder, making those that are not there yet.

        Raises:
            ConfigurationError: the folder or a file cannot be read or written, or a file is not a key.
        """
        return cls(
            node=_read_or_make(directory / "node.key"),
            ledger=Ed25519PrivateKey.from_private_bytes(_read_or_make(directory / "ledger.key")),
            webhook=Ed25519PrivateKey.from_private_bytes(_read_or_make(directory / "webhook.key")),
        )

    def _derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"tidegate/1/" + purpose.encode()).derive(self.node)

    def wrap(self, item_key: bytes, owner: Id, randomness: Randomness) -> bytes:
        """Seal an item's own key."""
        return seal(self._derive("item-keys"), item_key, bound_to=owner.value.bytes, randomness=randomness)

    def unwrap(self, wrapped: bytes, owner: Id) -> bytes:
        """Open an item's own key.

        Raises:
            IntegrityError: it was sealed by another node, or altered.
        """
        return unseal(self._derive("item-keys"), wrapped, bound_to=owner.value.bytes)

    def lookup(self, what: str, *parts: str | bytes) -> bytes:
        """Digest text we must find again but need not keep: 32 bytes, useless without the node's key."""
        raw = [part.encode() if isinstance(part, str) else part for part in parts]
        # Lengths in front, so that two different lists of parts never make the same message.
        message = b"".join(len(part).to_bytes(4) + part for part in raw)
        return hmac.digest(self._derive(f"lookup/{what}"), message, "sha256")

    def link_token(self, thing: Id) -> bytes:
        """Make the secret of a personal link again each time it is needed, so that it is stored nowhere."""
        return hmac.digest(self._derive("links"), str(thing).encode(), "sha256")

    def link_text(self, thing: Id) -> str:
        """Give the secret of a personal link as it stands in the link."""
        return base64.urlsafe_b64encode(self.link_token(thing)).rstrip(b"=").decode()


def token_hash(token: bytes) -> bytes:
    """Hash a secret token of at least 128 random bits for storage; it needs no salt or slowness."""
    return hashlib.sha256(b"tidegate/token/" + token).digest()


def _read_or_make(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_bytes()
        else:
            key = os.urandom(KEY_BYTES)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(
            f"The key file {path.name} cannot be read or written ({error.strerror}): give the node its folder.",
            reference=path.name,
        ) from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{path.name} is not a key of {KEY_BYTES} bytes: restore it from a backup.", reference=path.name
        )
    return key
