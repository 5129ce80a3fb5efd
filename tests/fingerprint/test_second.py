"""The second hash: it follows every rotation, holds through edits, and tells apart what is only of one make."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.made_pictures import EDITS, of_template, photograph
from fingerprint.pictures import Pixels, noise, scene
from tidegate.fingerprint import grey_kernels
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq_kernels import read_only
from tidegate.fingerprint.picture import second

TURNS: dict[Rotation, Callable[[Pixels], Pixels]] = {
    Rotation.ORIGINAL: lambda picture: picture,
    Rotation.ROTATE_90: np.rot90,
    Rotation.ROTATE_180: lambda picture: np.rot90(picture, 2),
    Rotation.ROTATE_270: lambda picture: np.rot90(picture, 3),
    Rotation.FLIP_X: np.flipud,
    Rotation.FLIP_Y: np.fliplr,
    Rotation.FLIP_PLUS_1: lambda picture: picture.swapaxes(0, 1),
    Rotation.FLIP_MINUS_1: lambda picture: np.rot90(picture, 2).swapaxes(0, 1),
}


def value_of(grey: Pixels) -> bytes:
    return second.pack(grey_kernels.cells(read_only(np.ascontiguousarray(grey)), second.SIDES))


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 99))
def test_cells_are_means_and_take_every_pixel_once(rows: int, columns: int, seed: int) -> None:
    grey = noise(rows, columns, seed)[..., 0]
    cells = grey_kernels.cells(read_only(grey), second.SIDES)
    assert cells.min() >= grey.min() - 0.01
    assert cells.max() <= grey.max() + 0.01
    assert cells.mean() == pytest.approx(grey.mean(), abs=0.01)


def test_whole_cells_are_what_numpy_says() -> None:
    grey = noise(45, 60)[..., 0]
    assert np.allclose(grey_kernels.cells(read_only(grey), 15), grey.reshape(15, 3, 15, 4).mean(axis=(1, 3)))


@pytest.mark.parametrize("rotation", Rotation)
def test_it_follows_every_rotation_by_the_name_pdq_gives_it(rotation: Rotation) -> None:
    grey = scene(300, 420, 5)[..., 1]
    known = value_of(TURNS[rotation](grey))
    apart = {other: second.distance(value_of(grey), known, other) or 0 for other in Rotation}
    assert apart.pop(rotation) < 10
    assert min(apart.values()) > second.SECOND_RADIUS


@given(st.binary(min_size=225, max_size=225), st.binary(min_size=225, max_size=225), st.sampled_from(Rotation))
def test_distances_are_bounded_and_a_value_is_itself(one: bytes, other: bytes, rotation: Rotation) -> None:
    assert second.distance(one, one, Rotation.ORIGINAL) == 0
    apart = second.distance(one, other, rotation)
    assert apart is not None
    assert 0 <= apart <= second.FARTHEST


@pytest.mark.parametrize("known", [b"", bytes(224), bytes(226)])
def test_where_one_side_has_none_nothing_is_said(known: bytes) -> None:
    assert second.distance(bytes(225), known, Rotation.ORIGINAL) is None
    assert second.distance(known, bytes(225), Rotation.ORIGINAL) is None


def test_flat_pictures_have_a_value_and_no_noise_of_their_own() -> None:
    flat = np.full((200, 300), 77, dtype=np.uint8)
    assert value_of(flat) == bytes([128]) * second.SECOND_BYTES
    assert second.distance(value_of(flat), value_of(flat + 1), Rotation.ORIGINAL) == 0


#: Which of these are doubted depends on the picture.
DOUBTED = {"cropped 1 %", "cropped 2 %", "equalized", "words", "mark", "several"}


@pytest.mark.parametrize("name", [name for name in EDITS if name not in DOUBTED])
def test_usual_edits_are_not_doubted(name: str) -> None:
    picture = photograph(600, 450, 8)
    grey, edited = np.asarray(picture.convert("L")), np.asarray(EDITS[name](picture).convert("L"))
    apart = second.distance(value_of(edited), value_of(grey), Rotation.ORIGINAL)
    assert apart is not None
    assert apart <= second.SECOND_RADIUS, name


def test_most_of_one_template_are_told_apart() -> None:
    values = [value_of(np.asarray(of_template("card", 1, content).convert("L"))) for content in range(10)]
    apart = [second.distance(one, other, Rotation.ORIGINAL) for one in values for other in values if one is not other]
    assert np.mean([value is not None and value > second.SECOND_RADIUS for value in apart]) > 0.5
