"""Borders and bars: what surrounds a picture does not hide it, and what is no border is left."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fingerprint.pictures import Pixels, distance, encoded, scene
from tidegate.content.model import LookKind
from tidegate.fingerprint.border import Box, without_border
from tidegate.fingerprint.pdq import pdq
from tidegate.fingerprint.picture import decoder
from tidegate.fingerprint.picture.reading import FULL_SIZE, PictureFingerprint
from tidegate.match.model import PDQ_RADIUS

SCENE = scene(600, 800, 3)
COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (200, 30, 30)}


def framed(picture: Pixels, sides: tuple[int, int, int, int], colour: tuple[int, int, int]) -> Pixels:
    """Put so many pixels above, below, left and right."""
    rows, columns = picture.shape[:2]
    above, below, left, right = sides
    out = np.empty((rows + above + below, columns + left + right, 3), dtype=np.uint8)
    out[:] = colour
    out[above : above + rows, left : left + columns] = picture
    return out


def looks(data: bytes, arguments: bytes = b"") -> dict[LookKind, bytes]:
    found = PictureFingerprint.unpack(decoder.fingerprint(data, arguments))
    return {look.kind: look.pdq[0] for look in found.looks}


def grey(picture: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(picture).convert("L"))


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS)
@pytest.mark.parametrize("quality", [55, 90])
@pytest.mark.parametrize("arguments", [b"", FULL_SIZE])
@pytest.mark.parametrize("larger", [1, 2])
def test_a_border_of_a_twentieth_does_not_hide_a_picture(
    colour: tuple[int, int, int], quality: int, arguments: bytes, larger: int
) -> None:
    picture = np.ascontiguousarray(SCENE.repeat(larger, axis=0).repeat(larger, axis=1))
    original = pdq(picture).value
    sides = (30 * larger, 30 * larger, 40 * larger, 40 * larger)
    found = looks(encoded(framed(picture, sides, colour), "JPEG", quality=quality), arguments)
    assert distance(found[LookKind.AS_STORED], original) > PDQ_RADIUS
    assert distance(found[LookKind.WITHOUT_BORDER], original) <= 16


@pytest.mark.parametrize(
    "sides", [(150, 150, 0, 0), (0, 0, 250, 250), (90, 0, 0, 0), (0, 0, 0, 120), (900, 700, 0, 0)], ids=str
)
def test_bars_and_single_sides(sides: tuple[int, int, int, int]) -> None:
    found = looks(encoded(framed(SCENE, sides, (0, 0, 0)), "JPEG", quality=80))
    assert distance(found[LookKind.WITHOUT_BORDER], pdq(SCENE).value) <= 16


def test_a_frame_within_a_frame() -> None:
    picture = framed(framed(SCENE, (30,) * 4, (255, 255, 255)), (20,) * 4, (0, 0, 0))
    found = looks(encoded(picture, "JPEG", quality=80))
    assert distance(found[LookKind.WITHOUT_BORDER], pdq(SCENE).value) <= 16


def test_a_picture_framed_by_others_has_both_looks_in_common() -> None:
    """What was known with a border is found in another border, and without one."""
    known = looks(encoded(framed(SCENE, (40,) * 4, (255, 255, 255))), FULL_SIZE)
    other = looks(encoded(framed(SCENE, (60, 60, 10, 10), (0, 0, 0)), "JPEG", quality=80))
    plain = looks(encoded(SCENE, "JPEG", quality=80))
    assert distance(known[LookKind.WITHOUT_BORDER], other[LookKind.WITHOUT_BORDER]) <= PDQ_RADIUS
    assert distance(known[LookKind.WITHOUT_BORDER], plain[LookKind.AS_STORED]) <= PDQ_RADIUS


def gradient(rows: int, columns: int) -> Pixels:
    down = np.linspace(0, 255, rows)[:, None, None]
    return np.broadcast_to(down, (rows, columns, 3)).astype(np.uint8)


NIGHT = np.zeros((600, 800), dtype=np.uint8)
NIGHT[300:303, 400:403] = 250


@pytest.mark.parametrize(
    "picture",
    [
        grey(SCENE),
        np.zeros((600, 800), dtype=np.uint8),
        np.full((600, 800), 255, dtype=np.uint8),
        grey(gradient(600, 800)),
        grey(gradient(900, 300)).T,
        grey(gradient(150, 800)),
        NIGHT,
        np.zeros((1, 1), dtype=np.uint8),
        np.zeros((3, 900), dtype=np.uint8),
    ],
    ids=["scene", "black", "white", "gradient", "sideways", "steep", "night", "a pixel", "a line"],
)
def test_what_is_no_border_is_left(picture: Pixels) -> None:
    assert without_border(np.ascontiguousarray(picture)) is None


def test_little_is_not_taken_for_a_picture() -> None:
    small = framed(scene(50, 50), (200, 200, 200, 200), (0, 0, 0))
    assert without_border(grey(small)) is None


@given(
    st.tuples(*[st.integers(0, 200)] * 4),
    st.integers(0, 255),
    st.integers(0, 2**32),
    st.sampled_from([1, 2, 4]),
)
@settings(max_examples=60, deadline=None)
def test_a_border_never_reaches_into_a_picture_by_more_than_noise(
    sides: tuple[int, int, int, int], shade: int, seed: int, scale: int
) -> None:
    """With grain in it, no line of the picture is of one grey."""
    grainy = np.random.default_rng(seed).integers(0, 256, (300, 300), dtype=np.uint8)
    above, below, left, right = sides
    picture = np.full((300 + above + below, 300 + left + right), shade, dtype=np.uint8)
    picture[above : above + 300, left : left + 300] = grainy
    found = without_border(picture, scale) or Box(0, len(picture), 0, picture.shape[1])
    assert found.top <= above
    assert found.left <= left
    assert found.bottom >= above + 300
    assert found.right >= left + 300
    if max(above + below, left + right) >= 12 and above + below <= 800 and left + right <= 800:
        assert found == Box(above, above + 300, left, left + 300)
