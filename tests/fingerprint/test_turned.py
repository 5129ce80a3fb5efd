"""A turned picture's value from the picture's: the same but for a few bits."""

import numpy as np
import pytest

from fingerprint.pictures import scene
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq import pdq_dihedral
from tidegate.fingerprint.turned import turned


@pytest.mark.parametrize("rotation", Rotation)
def test_turning_the_value_is_nearly_turning_the_picture(rotation: Rotation) -> None:
    apart = []
    for seed in range(20):
        values = {turn: value.value for turn, value in pdq_dihedral(scene(128, 128, seed))}
        own = np.frombuffer(values[Rotation.ORIGINAL], np.uint8)[None]
        found = turned(own, rotation)
        apart.append(int(np.bitwise_count(found ^ np.frombuffer(values[rotation], np.uint8)).sum()))
    assert np.median(apart) <= 8
    assert max(apart) <= 24
    if rotation is Rotation.ORIGINAL:
        assert max(apart) == 0
