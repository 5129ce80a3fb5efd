"""Canonical JSON: one value, one sequence of bytes (RFC 8785).

May decide: which values may be committed to or signed. Floats are refused (their text differs between languages)
and so is text that is not in Unicode normal form C (two texts that look the same must not differ).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785

from tidegate.kernel.errors import Malformed

type_error = "Canonical JSON takes text, whole numbers, true, false, null, lists and objects only."

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> bytes:
    """Encode a value as RFC 8785 canonical JSON, UTF-8.

    Raises:
        Malformed: a float, a number beyond 2**53, text not in normal form C, or anything that is not JSON.
    """
    return rfc8785.dumps(_checked(value))


def _checked(value: Json) -> Any:  # noqa: ANN401 - the library keeps the type of JSON to itself
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > 2**53 - 1:
            raise Malformed("A number beyond 2^53 has no canonical form: write it as text.")
        return value
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            raise Malformed("Text must be in Unicode normal form C (NFC): normalise it and send it again.")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise Malformed("Text must not hold half a character (a lone surrogate): mend it and send it again.")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise Malformed(type_error)  # a number as a name would read like the text of that number
        return {_checked(key): _checked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_checked(item) for item in value]
    raise Malformed(type_error)
