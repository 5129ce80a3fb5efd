"""The demonstration's pictures: the same each time, unlike each other, and alike to their edits."""

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from tidegate.demonstration.pictures import Edit, bomb, broken, edited, picture
from tidegate.fingerprint.pdq import pdq_dihedral
from tidegate.fingerprint.picture.decoder import fingerprint
from tidegate.fingerprint.picture.reading import PictureFingerprint


def hashes(data: bytes) -> tuple[list[bytes], int]:
    with Image.open(io.BytesIO(data)) as image:
        found = pdq_dihedral(np.asarray(image.convert("RGB")))
    return [value.value for _, value in found], found[0][1].quality


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def test_the_same_number_makes_the_same_picture() -> None:
    assert picture(3) == picture(3)
    assert picture(3) != picture(4)


def test_pictures_are_full_of_detail_and_far_apart() -> None:
    found = [hashes(picture(seed)) for seed in [1, *range(100, 120)]]
    assert min(quality for _, quality in found) >= 80
    for (one, _), (other, _) in combinations(found, 2):
        assert min(distance(one[0], turned) for turned in other) > 62


def looks(data: bytes) -> list[bytes]:
    """Hash a picture as an upload is: whole, and without its border if it has one."""
    return [value for look in PictureFingerprint.unpack(fingerprint(data, b"")).looks for value in look.pdq]


@pytest.mark.parametrize("edit", list(Edit))
def test_each_edit_stays_within_the_radius(edit: Edit) -> None:
    original, _ = hashes(picture(1))
    other = looks(edited(picture(1), edit))
    assert edited(picture(1), edit) != picture(1)
    assert min(distance(original[0], turned) for turned in other) <= 31


def test_the_bomb_is_small_and_the_broken_file_breaks_off() -> None:
    assert len(bomb()) < 10_000
    with pytest.raises(OSError, match="truncated"), Image.open(io.BytesIO(broken())) as image:
        image.load()
