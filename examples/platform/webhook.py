"""Whether a webhook comes from the node: Standard Webhooks, Ed25519.

May decide: whether bytes are believed. The signature is over ``{id}.{timestamp}.{raw body}``, so it is
checked before anything reads the body; one older than five minutes is refused: nobody can play it again.
"""

import base64
import re
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_SECONDS = 300
_MOST_SIGNATURES = 16


class NotBelievedError(ValueError):
    """No key of the node signed this, or not lately."""


def read_key(text: str) -> Ed25519PublicKey:
    """Read ``whpk_...`` as the node shows it at GET /v1/webhook-key.

    Raises:
        ValueError: it is no such key.
    """
    if not text.startswith("whpk_"):
        raise ValueError('a public webhook key begins with "whpk_"')
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix("whpk_"), validate=True))


def believe(keys: Sequence[Ed25519PublicKey], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Check a webhook and give its id.

    Raises:
        NotBelievedError: saying why.
    """
    identity = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotBelievedError("the time of the signature is not within five minutes of now")
    signed = f"{identity}.{timestamp}.".encode() + body
    for item in headers.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]:
        version, _, encoded = item.partition(",")
        if version == "v1a" and any(_signed_by(key, encoded, signed) for key in keys):
            return identity
    raise NotBelievedError("no key of the node signed this")


def _signed_by(key: Ed25519PublicKey, encoded: str, signed: bytes) -> bool:
    try:
        key.verify(base64.b64decode(encoded, validate=True), signed)
    except (InvalidSignature, ValueError):
        return False
    return True
