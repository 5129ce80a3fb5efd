"""Values of fingerprinting. May decide: nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Rotation(StrEnum):
    """The eight rotations and flips of a picture, in the order of the PDQ reference."""

    ORIGINAL = "original"
    ROTATE_90 = "rotate_90"
    ROTATE_180 = "rotate_180"
    ROTATE_270 = "rotate_270"
    FLIP_X = "flip_x"
    FLIP_Y = "flip_y"
    FLIP_PLUS_1 = "flip_plus_1"
    FLIP_MINUS_1 = "flip_minus_1"


class Unchecked(StrEnum):
    """Why bytes could not be checked (floor rule 2). Never the same as ``clear``."""

    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    ENGINE_DOWN = "engine_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdq:
    """A PDQ value (32 bytes, the most significant bit first) and how much detail it rests on (0 to 100)."""

    value: bytes
    quality: int


#: What says nothing of the bytes: they are worth another try.
PASSING = frozenset({Unchecked.TIMEOUT, Unchecked.ENGINE_DOWN})
