"""Signing instructions and checking the signature: Standard Webhooks 1.0.0, Ed25519 (version ``v1a``).

May decide: whether bytes were signed by a given key, lately enough. What is signed is
``{id}.{timestamp}.{raw body}``: the raw bytes, before anything reads them, so that no two readers of JSON can
disagree about what was signed.
Source: https://github.com/standard-webhooks/standard-webhooks, ``spec/standard-webhooks.md``.
"""

import base64
import binascii
import re
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tidegate.kernel.errors import Malformed, Unauthenticated
from tidegate.kernel.keys import KEY_BYTES

PUBLIC_PREFIX = "whpk_"
PRIVATE_PREFIX = "whsk_"
#: How far a signature's time may be from now, in seconds, either way.
TOLERANCE = 300

_VERSION = "v1a"
#: A rotation needs two signatures; a header with many more is an attack on our time, not a rotation.
_MOST_SIGNATURES = 16
#: ASCII digits only, and no more than a time has: ``int`` alone takes signs, underscores, other scripts.
_SECONDS = re.compile(r"[0-9]{1,12}")


def sign(private_key: Ed25519PrivateKey, identity: str, timestamp: int, body: bytes) -> str:
    """Give the value of the header ``webhook-signature``.

    Raises:
        Malformed: the id has a dot or is empty, so that what is signed could be read in two ways.
    """
    signature = private_key.sign(_signed(identity, str(timestamp), body))
    return f"{_VERSION},{base64.b64encode(signature).decode()}"


def verify(
    public_keys: Iterable[Ed25519PublicKey],
    *,
    identity: str,
    timestamp: str,
    signatures: str,
    body: bytes,
    now: int,
) -> None:
    """Check the three headers against the raw body; one good signature of one known key is enough.

    Raises:
        Unauthenticated: no known key signed this, or its time is more than five minutes from ``now``.
    """
    if not _SECONDS.fullmatch(timestamp) or abs(now - int(timestamp)) > TOLERANCE:
        raise Unauthenticated(
            f"The signature is not within {TOLERANCE} seconds of now: check the clocks, or send it anew.",
            reference="webhook-timestamp",
        )
    try:
        signed = _signed(identity, timestamp, body)
    except Malformed as error:
        raise Unauthenticated(error.message, reference="webhook-id") from error
    keys = list(public_keys)
    for signature in _signatures(signatures):
        if any(_good(key, signature, signed) for key in keys):
            return
    raise Unauthenticated("No known key signed this: fetch the node's public key again.", reference="webhook-signature")


def public_text(key: Ed25519PublicKey) -> str:
    """Write a public key as text."""
    return PUBLIC_PREFIX + base64.b64encode(key.public_bytes_raw()).decode()


def private_text(key: Ed25519PrivateKey) -> str:
    """Write a private key as text. It is a secret."""
    return PRIVATE_PREFIX + base64.b64encode(key.private_bytes_raw()).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """Read a public key from its text.

    Raises:
        Malformed: it is not one.
    """
    return Ed25519PublicKey.from_public_bytes(_read(PUBLIC_PREFIX, text))


def read_private(text: str) -> Ed25519PrivateKey:
    """Read a private key from its text.

    Raises:
        Malformed: it is not one. The message does not repeat it.
    """
    return Ed25519PrivateKey.from_private_bytes(_read(PRIVATE_PREFIX, text))


def _signed(identity: str, timestamp: str, body: bytes) -> bytes:
    if not identity or "." in identity:
        raise Malformed("An id is not empty and has no dot in it.", reference="webhook-id")
    return f"{identity}.{timestamp}.".encode() + body


def _signatures(header: str) -> list[bytes]:
    found = []
    for item in header.split(" ")[:_MOST_SIGNATURES]:
        version, _, encoded = item.partition(",")
        if version == _VERSION:
            try:
                found.append(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found


def _good(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _read(prefix: str, text: str) -> bytes:
    problem = Malformed(f'A webhook key is "{prefix}" and the base64 of {KEY_BYTES} bytes: copy the whole of it.')
    if not text.startswith(prefix):
        raise problem
    try:
        raw = base64.b64decode(text.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        raise problem from None
    if len(raw) != KEY_BYTES:
        raise problem
    return raw
