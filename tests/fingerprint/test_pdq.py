"""PDQ is everybody's PDQ: bit for bit the reference's values, on any picture."""

import csv
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from fingerprint.pictures import DATA, Pixels, distance, needs_data, noise, scene
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq import PdqStream, pdq, pdq_dihedral, warm

try:
    import pdqhash
except ImportError:
    pdqhash = None

needs_oracle = pytest.mark.skipif(pdqhash is None, reason="the reference (pdqhash) is not installed")
RADIUS = 31
#: What the reference gives for a picture made of gradients.
KNOWN = ("1da849fb4d99cee86f7d47cdfde87fc87ec9f248f659b348f248964832401000", 100)


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    warm()


def of_bits(vector: Any) -> bytes:
    return np.packbits(vector.astype(np.uint8)).tobytes()


def agrees(picture: Pixels) -> None:
    vector, quality = pdqhash.compute(picture)
    found = pdq_dihedral(picture)
    assert pdq(picture) == found[0][1]
    assert found[0][1].value == of_bits(vector)
    assert {value.quality for _, value in found} == {quality}
    # Of 64 x 64 points the reference hashes the picture as it is, but blurs it before turning it.
    if picture.shape[:2] != (64, 64):
        vectors, _ = pdqhash.compute_dihedral(picture)
        assert [value.value for _, value in found] == [of_bits(vector) for vector in vectors]


@needs_oracle
@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 2**32), st.sampled_from([noise, scene]))
@settings(max_examples=150, deadline=None)
def test_any_picture_has_the_reference_value(rows: int, columns: int, seed: int, make: Any) -> None:
    agrees(make(rows, columns, seed))


@needs_oracle
@given(arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3))))
@settings(max_examples=150, deadline=None)
def test_any_small_picture_has_the_reference_value(picture: Pixels) -> None:
    agrees(picture)


@needs_oracle
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (5, 5),
        (4, 900),
        (5, 4000),
        (4000, 5),
        (20_000, 7),
        (7, 20_000),
        (63, 64),
        (64, 64),
        (65, 64),
        (127, 128),
        (128, 128),
        (129, 257),
        (1024, 1024),
        (1201, 1607),
    ],
)
@pytest.mark.parametrize("make", [noise, scene])
def test_odd_sizes_have_the_reference_value(rows: int, columns: int, make: Any) -> None:
    agrees(make(rows, columns))


@needs_oracle
@pytest.mark.parametrize("grey", [0, 1, 127, 255])
def test_flat_pictures_have_the_reference_value_and_no_quality(grey: int) -> None:
    flat = np.full((200, 300, 3), grey, dtype=np.uint8)
    agrees(flat)
    assert pdq(flat).quality == 0


@needs_oracle
@needs_data
@pytest.mark.slow
def test_photographs_have_the_reference_value() -> None:
    for path in sorted((DATA / "pictures").rglob("*.jpg")):
        agrees(np.asarray(Image.open(path).convert("RGB")))


@needs_data
def test_the_published_values() -> None:
    with (DATA / "hashes" / "pdq-reference.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 8
    for row in rows:
        found = pdq(np.asarray(Image.open(DATA / row["file"]).convert("RGB")))
        assert (found.value.hex(), found.quality) == (row["pdq"], int(row["quality"]))


@needs_data
def test_every_rotation_finds_the_original_by_its_own_name() -> None:
    files = sorted((DATA / "pictures" / "dihedral").glob("*.jpg"))
    original = dict(pdq_dihedral(np.asarray(Image.open(files[0]).convert("RGB"))))
    for file, rotation in zip(files, Rotation, strict=True):
        turned = pdq(np.asarray(Image.open(file).convert("RGB")))
        near = {name: distance(turned.value, value.value) for name, value in original.items()}
        assert near[rotation] <= RADIUS
        assert min(near, key=lambda name: near[name]) is rotation


@needs_data
def test_every_change_of_the_bridge_is_still_the_bridge() -> None:
    folder = DATA / "pictures" / "bridge-mods"
    original = pdq(np.asarray(Image.open(folder / "aaa-orig.jpg").convert("RGB")))
    changed = sorted(folder.glob("*.jpg"))
    assert len(changed) == 12
    for path in changed:
        found = pdq(np.asarray(Image.open(path).convert("RGB")))
        assert distance(found.value, original.value) <= RADIUS, path.name


def test_without_a_reference_a_known_value_stays() -> None:
    rows, columns = np.mgrid[0:120, 0:200]
    picture = np.stack([rows * 2, columns, (rows * columns) % 256], axis=2).astype(np.uint8)
    found = pdq(picture)
    assert (found.value.hex(), found.quality) == KNOWN


@given(st.integers(5, 200), st.integers(5, 200), st.lists(st.integers(1, 50), min_size=1), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_strips_of_any_height_give_the_same(rows: int, columns: int, heights: list[int], seed: int) -> None:
    picture = noise(rows, columns, seed)
    stream = PdqStream(rows, columns)
    top = 0
    while top < rows:
        height = heights[top % len(heights)]
        stream.take(picture[top : top + height])
        top += height
    assert stream.dihedral() == pdq_dihedral(picture)


def test_rows_that_are_not_next_to_each_other_in_memory_are_taken() -> None:
    picture = noise(90, 140)
    assert pdq(picture[::2, ::2]) == pdq(np.ascontiguousarray(picture[::2, ::2]))
    assert pdq(picture[:, :, ::-1]) == pdq(np.ascontiguousarray(picture[:, :, ::-1]))


def test_luma_is_taken_as_it_is() -> None:
    grey = noise(90, 140)[:, :, 0]
    assert distance(pdq(grey).value, pdq(np.repeat(grey[:, :, None], 3, axis=2)).value) <= 4
    assert pdq(grey) == pdq(grey.astype(np.float32))


def test_missing_rows_are_refused() -> None:
    stream = PdqStream(20, 20)
    stream.take(noise(19, 20))
    with pytest.raises(ValueError, match="rows"):
        stream.dihedral()


def test_too_small_a_picture_has_an_empty_value() -> None:
    assert {value for _, value in pdq_dihedral(noise(4, 400))} == {pdq(noise(400, 4))}
    assert pdq(noise(4, 4)).value == bytes(32)
    assert pdq(noise(4, 4)).quality == 0
