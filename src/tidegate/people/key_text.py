"""How the text of an API key is built, so that secret scanners find one that leaked.

May decide: the form. ``tidegate_``, 43 random URL-safe characters (256 bits, RFC 4648 section 5), and a
checksum of six (CRC-32 in base 62): scanners, and we, can tell a mistyped key from an unknown one offline.
"""

import binascii
import re
import string
from base64 import urlsafe_b64encode

from tidegate.kernel.errors import Unauthenticated
from tidegate.kernel.ids import Randomness
from tidegate.kernel.keys import token_hash

PREFIX = "tidegate_"

_FORM = re.compile(r"tidegate_([A-Za-z0-9_-]{43})([A-Za-z0-9]{6})")
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def make(randomness: Randomness) -> str:
    """Make the text of a new key."""
    secret = urlsafe_b64encode(randomness(32)).rstrip(b"=").decode()
    return PREFIX + secret + _checksum(secret)


def hash_of(text: str) -> bytes:
    """Give what a key is known by.

    Raises:
        Unauthenticated: this was never a key: another form, or its checksum is wrong.
    """
    found = _FORM.fullmatch(text)
    if found is None or _checksum(found[1]) != found[2]:
        raise Unauthenticated('This is not an API key of Tidegate: one begins with "tidegate_"; copy the whole of it.')
    return token_hash(text.encode())


def _checksum(secret: str) -> str:
    number = binascii.crc32(secret.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
