"""Look-alike characters: the skeleton of Unicode Technical Standard #39, section 4.

May decide: which characters look the same. The data is Unicode's (``confusables.txt`` beside this file says which
version, under which licence, and in what form). A skeleton is for comparing and never for showing.
"""

import unicodedata
from functools import cache
from importlib.resources import files

UNICODE_VERSION = "15.0.0"


@cache
def prototypes() -> dict[str, str]:
    """Give each character that looks like another, with what it looks like. Read once."""
    found: dict[str, str] = {}
    table = files("tidegate.fingerprint.words").joinpath("confusables.txt").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            prototype, _, characters = line.partition(": ")
            found |= dict.fromkeys(_characters(characters), "".join(_characters(prototype)))
    return found


def skeleton(text: str) -> str:
    """Give what a text looks like: texts with equal skeletons are hard to tell apart (UTS #39, section 4)."""
    table = prototypes()
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", "".join(table.get(character, character) for character in decomposed))


def _characters(hexadecimal: str) -> list[str]:
    return [chr(int(digits, 16)) for digits in hexadecimal.split()]
