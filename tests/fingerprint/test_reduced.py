"""Decoding smaller: what it finds is near to the full size, and what is certain is the same bit for bit."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fingerprint.pictures import distance, encoded, noise, scene
from tidegate.fingerprint import pdq_kernels
from tidegate.fingerprint.pdq import luma_of, pdq, pdq_dihedral
from tidegate.fingerprint.picture import decoder
from tidegate.fingerprint.picture.reading import FULL_SIZE, PictureFingerprint
from tidegate.fingerprint.picture.reduced import pdq_if_certain, pdq_of_reduced
from tidegate.match.model import PDQ_DRIFT


def hashed(data: bytes, arguments: bytes = b"") -> PictureFingerprint:
    return PictureFingerprint.unpack(decoder.fingerprint(data, arguments))


def test_every_colour_has_the_luma_of_the_reference() -> None:
    """In double precision, rounded once: what NumPy does in the Python reference."""
    for red in range(256):
        green, blue = np.mgrid[0:256, 0:256].astype(np.uint8)
        strip = np.stack([np.full_like(green, red), green, blue], axis=2)
        expected = (strip[..., 0] * 0.299 + strip[..., 1] * 0.587 + strip[..., 2] * 0.114).astype(np.float32)
        assert (pdq_kernels.luma(pdq_kernels.read_only(strip)) == expected).all()
        padded = np.concatenate([strip, np.full_like(strip[..., :1], red)], axis=2)
        luma, greys = pdq_kernels.luma_and_greys(pdq_kernels.read_only(padded))
        assert (luma == expected).all()
        assert (greys == expected.astype(np.uint8)).all()


@given(st.integers(128, 500), st.integers(128, 500), st.integers(0, 2**32), st.sampled_from([noise, scene]))
@settings(max_examples=60, deadline=None)
def test_what_is_certain_is_the_reference_value(rows: int, columns: int, seed: int, make: object) -> None:
    picture = make(rows, columns, seed)  # type: ignore[operator]
    found = pdq_if_certain(luma_of(picture))
    assert found is None or found == pdq_dihedral(picture)


def test_most_pictures_are_certain_and_flat_ones_never() -> None:
    found = [pdq_if_certain(luma_of(scene(300, 400, seed))) is not None for seed in range(20)]
    assert sum(found) > 8
    assert pdq_if_certain(luma_of(np.full((300, 400, 3), 90, dtype=np.uint8))) is None


@given(
    st.integers(600, 1400),
    st.integers(600, 1400),
    st.sampled_from([1, 2, 4]),
    st.integers(0, 2**32),
)
@settings(max_examples=25, deadline=None)
def test_a_smaller_picture_has_nearly_the_value_of_the_full_size(
    rows: int, columns: int, scale: int, seed: int
) -> None:
    picture = scene(rows, columns, seed)
    full = pdq_dihedral(picture)
    padded = np.pad(picture, ((0, -rows % scale), (0, -columns % scale), (0, 0)), mode="edge").astype(np.float64)
    smaller = padded.reshape(len(padded) // scale, scale, -1, scale, 3).mean(axis=(1, 3))
    grey = np.rint(smaller @ [0.299, 0.587, 0.114]).astype(np.uint8)
    found = pdq_of_reduced(grey, rows, columns, scale)
    assert [rotation for rotation, _ in found] == [rotation for rotation, _ in full]
    for (_, one), (_, other) in zip(found, full, strict=True):
        assert distance(one.value, other.value) <= PDQ_DRIFT


@pytest.mark.parametrize(
    ("size", "reduced"), [((1023, 1400), False), ((1024, 1400), True), ((2048, 2300), True), ((500, 3000), False)]
)
def test_only_large_pictures_are_decoded_smaller(size: tuple[int, int], *, reduced: bool) -> None:
    data = encoded(scene(*size), "JPEG", quality=85)
    found, full = hashed(data), hashed(data, FULL_SIZE)
    assert found.reduced is reduced
    assert not full.reduced
    assert (found.width, found.height) == (full.width, full.height) == size[::-1]
    assert full.looks[0].pdq[0] == pdq(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))).value
    for one, other in zip(found.looks[0].pdq, full.looks[0].pdq, strict=True):
        assert distance(one, other) <= (PDQ_DRIFT if reduced else 0)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_of_other_colours_are_the_same_picture(mode: str) -> None:
    data = encoded(Image.fromarray(scene(1100, 1300)).convert(mode), "JPEG", quality=90)
    assert distance(hashed(data).looks[0].pdq[0], hashed(data, FULL_SIZE).looks[0].pdq[0]) <= PDQ_DRIFT
    assert hashed(data).reduced is (mode == "L")


def test_what_is_no_jpeg_is_never_decoded_smaller() -> None:
    for kind in ("PNG", "WEBP"):
        assert not hashed(encoded(scene(1100, 1300), kind)).reduced


def test_too_little_detail_is_decided_by_the_full_size() -> None:
    """A smaller decoding could be on the other side of the floor."""
    faint = (scene(1100, 1300).astype(np.float64) * 0.12 + 100).astype(np.uint8)
    data = encoded(faint, "JPEG", quality=90)
    assert hashed(data, FULL_SIZE).quality < 60
    assert not hashed(data).reduced
    assert hashed(data) == hashed(data, FULL_SIZE)
