"""Decoding: every kind of picture gives the value of what it shows, and what is no picture says so."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from fingerprint.pictures import DATA, distance, encoded, needs_data, noise, scene
from tidegate.fingerprint.pdq import pdq
from tidegate.fingerprint.picture import decoder
from tidegate.fingerprint.picture.reading import (
    COPY_SIDE,
    FULL_SIZE,
    LARGEST_COPY,
    LARGEST_PREVIEW,
    PIXELS,
    Filter,
    PictureFingerprint,
    PreviewArguments,
    Size,
)
from tidegate.jail import Reason, Refusal
from tidegate.jail.child import run
from tidegate.jail.model import TOO_LARGE, UNDECODABLE

SCENE = scene(300, 420)
RGB = Image.fromarray(SCENE)
VALUE = pdq(SCENE).value


def hashed(data: bytes) -> PictureFingerprint:
    return PictureFingerprint.unpack(decoder.fingerprint(data, FULL_SIZE))


def status_of(data: bytes) -> int:
    return run(decoder.fingerprint, data, b"", 1 << 20)[0]


def png_of(width: int, height: int) -> bytes:
    """Make a picture of one colour without ever having it in memory: a few KB that unfold to gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))

    squeeze = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    header = struct.pack("!IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def sixteen_bits() -> bytes:
    grey = np.asarray(RGB.convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey))


def transparent(mode: str) -> bytes:
    alpha = Image.fromarray((np.mgrid[0:300, 0:420][1] * 255 // 419).astype(np.uint8))
    image = RGB.convert(mode)
    image.putalpha(alpha)
    return encoded(image)


@pytest.mark.parametrize(
    ("make", "near"),
    [
        (lambda: encoded(RGB), 0),
        (lambda: encoded(RGB, "WEBP", lossless=True), 0),
        (lambda: encoded(RGB.convert("RGBA")), 0),
        (lambda: transparent("RGB"), 0),
        (lambda: transparent("L"), 10),
        (lambda: encoded(RGB.convert("L")), 10),
        (sixteen_bits, 10),
        (lambda: encoded(RGB, "JPEG", quality=90), 10),
        (lambda: encoded(RGB, "JPEG", quality=90, progressive=True), 10),
        (lambda: encoded(RGB.convert("CMYK"), "JPEG", quality=95), 10),
        (lambda: encoded(RGB, "WEBP", quality=80), 10),
        (lambda: encoded(RGB.quantize(256)), 31),
        (lambda: encoded(RGB.quantize(256), "GIF"), 31),
        (lambda: encoded(RGB.convert("1")), 31),
    ],
)
def test_the_same_picture_in_any_mode_is_the_same_picture(make: Callable[[], bytes], near: int) -> None:
    found = hashed(make())
    assert distance(found.looks[0].pdq[0], VALUE) <= near
    assert (found.width, found.height) == (420, 300)
    assert found.quality >= 50


def test_a_large_picture_is_hashed_in_strips_like_a_whole_one() -> None:
    large = scene(1400, 1900)
    found = hashed(encoded(large, "PNG", compress_level=1))
    assert found.looks[0].pdq[0] == pdq(large).value


@needs_data
def test_real_photographs_have_their_published_values() -> None:
    found = hashed((DATA / "pictures" / "dihedral" / "bridge-1-original.jpg").read_bytes())
    assert found.looks[0].pdq[0].hex() == "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
    assert found.quality == 100


def test_exif_does_not_turn_what_is_hashed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = hashed(encoded(RGB, "PNG", exif=exif))
    assert found.looks[0].pdq[0] == VALUE
    assert (found.width, found.height) == (420, 300)


@pytest.mark.parametrize("ink", [0, 255])
def test_a_picture_drawn_in_transparency_alone_has_a_value(ink: int) -> None:
    drawing = Image.new("RGBA", RGB.size, (ink, ink, ink, 0))
    drawing.putalpha(RGB.convert("L"))
    found = hashed(encoded(drawing))
    assert found.quality >= 50
    inverse = pdq(255 - np.repeat(np.asarray(RGB.convert("L"))[:, :, None], 3, axis=2)).value
    assert min(distance(found.looks[0].pdq[0], VALUE), distance(found.looks[0].pdq[0], inverse)) <= 31


def test_of_a_moving_picture_the_first_frame_counts() -> None:
    other = Image.fromarray(scene(300, 420, seed=9))
    for kind, near in (("GIF", 31), ("WEBP", 10)):
        data = encoded(RGB, kind, save_all=True, append_images=[other], duration=100)
        assert distance(hashed(data).looks[0].pdq[0], VALUE) <= near


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"hello, this is no picture",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        encoded(RGB)[:-2000],
        encoded(RGB, "JPEG")[: len(encoded(RGB, "JPEG")) // 2],
        encoded(RGB, "WEBP")[:-100],
        encoded(RGB)[:200] + bytes(100) + encoded(RGB)[300:],
        # Real pictures, of kinds whose decoders we do not open to strangers.
        encoded(RGB, "TIFF"),
        encoded(RGB, "BMP"),
        encoded(RGB, "PPM"),
        encoded(RGB, "ICO"),
        encoded(RGB, "JPEG2000"),
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    ],
)
def test_what_cannot_be_decoded_says_so(data: bytes) -> None:
    assert status_of(data) == UNDECODABLE


def test_a_bomb_is_refused_by_its_header() -> None:
    bomb = png_of(60_000, 6_000)[:4096]
    declared = bomb[:16] + struct.pack("!II", 60_000, 60_000) + bomb[24:29]
    bomb = declared + struct.pack("!I", zlib.crc32(declared[12:29])) + bomb[33:]
    assert len(bomb) < 10_000
    assert status_of(bomb) == TOO_LARGE


def test_the_limit_on_pixels_is_exact() -> None:
    with pytest.raises(Refusal) as caught:
        decoder.fingerprint(png_of(PIXELS // 1000 + 1, 1000), b"")
    assert caught.value.reason is Reason.TOO_LARGE
    assert hashed(png_of(PIXELS // 1000, 1000)).quality == 0


def test_a_polyglot_is_the_picture_it_shows() -> None:
    archive = b"PK\x03\x04" + bytes(200) + b"<html><script>alert(1)</script>"
    assert hashed(encoded(RGB) + archive).looks[0].pdq[0] == VALUE
    assert status_of(archive + encoded(RGB)) == UNDECODABLE


def preview(data: bytes, filter_: Filter = Filter.CLEAR, size: Size = Size.LARGE) -> bytes:
    return decoder.preview(data, PreviewArguments(filter=filter_, size=size).pack())


def shown(data: bytes, filter_: Filter = Filter.CLEAR, size: Size = Size.LARGE) -> Image.Image:
    return Image.open(io.BytesIO(preview(data, filter_, size)))


@pytest.mark.parametrize("filter_", Filter)
@pytest.mark.parametrize(("size", "expected"), [(Size.SMALL, (144, 240)), (Size.LARGE, (576, 960))])
def test_a_preview_is_upright_and_carries_nothing_along(filter_: Filter, size: Size, expected: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "where it was taken"
    data = encoded(scene(900, 1500), "JPEG", exif=exif, comment=b"who took it", icc_profile=b"x" * 200)
    small = shown(data, filter_, size)
    assert small.format == "JPEG"
    assert small.size == expected
    assert not small.getexif()
    for word in (b"where", b"who", b"xxxx"):
        assert word in data
        assert word not in preview(data, filter_, size)


def test_a_copy_is_upright_legible_and_carries_nothing_along() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "where it was taken"
    data = encoded(scene(1800, 3000), "JPEG", exif=exif, comment=b"who took it") + b"<script>what else was in it"
    made = decoder.copy(data, b"")
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == (1229, COPY_SIDE)
        assert not image.getexif()
    for word in (b"where", b"who", b"what else"):
        assert word in data
        assert word not in made
    assert len(decoder.copy(encoded(noise(3000, 3000), "JPEG", quality=70), b"")) < LARGEST_COPY


def test_a_small_picture_is_not_enlarged() -> None:
    assert shown(encoded(scene(40, 60))).size == (60, 40)


@pytest.mark.parametrize("filter_", Filter)
@pytest.mark.parametrize("sides", [(1, 1), (1, 900), (900, 1), (2, 3)])
def test_the_smallest_pictures_have_every_filter(filter_: Filter, sides: tuple[int, int]) -> None:
    assert shown(encoded(noise(*sides)), filter_).size == sides[::-1]


def slopes(picture: Image.Image) -> float:
    """Say how much neighbours differ: what a blur takes away."""
    return float(np.abs(np.diff(np.asarray(picture.convert("L")).astype(int))).mean())


@pytest.mark.parametrize("size", Size)
def test_each_filter_spares_in_its_own_way(size: Size) -> None:
    data = encoded(scene(700, 1100))
    blur, lines, grey, clear = (shown(data, filter_, size) for filter_ in Filter)
    assert [picture.mode for picture in (blur, lines, grey, clear)] == ["L", "L", "L", "RGB"]
    assert slopes(blur) < slopes(grey) / 3
    assert slopes(grey) == pytest.approx(slopes(clear), rel=0.1)


@pytest.mark.parametrize("size", Size)
def test_a_blur_leaves_nothing_fine(size: Size) -> None:
    """Stripes a fiftieth of the side wide, as of a face in a crowd, or of words, are gone."""
    pixels = np.full((1000, 1000, 3), 40, np.uint8)
    pixels[:, np.arange(1000) // 20 % 2 == 0] = 220
    blur, grey = (
        np.asarray(shown(encoded(pixels), filter_, size)).astype(int) for filter_ in (Filter.BLUR, Filter.GREY)
    )
    edge = blur.shape[1] // 8
    assert blur[:, edge:-edge].std() < 4
    assert grey.std() > 60


@pytest.mark.parametrize("size", Size)
def test_a_drawing_has_lines_where_edges_are_and_paper_elsewhere(size: Size) -> None:
    pixels = np.full((1000, 1000, 3), 90, np.uint8)
    pixels[:, 500:] = (200, 140, 30)
    drawn = np.asarray(shown(encoded(pixels), Filter.LINES, size)).astype(int)
    middle = drawn.shape[1] // 2
    assert drawn[:, middle - 1 : middle + 1].max() < 200
    assert drawn[:, : middle - middle // 8].min() > 245
    assert drawn[:, middle + middle // 8 :].min() > 245
    # What has no edges stays empty: its grain is not drawn large.
    faint = np.full((600, 600, 3), 120, np.uint8) + np.random.default_rng(0).integers(0, 3, (600, 600, 3), np.uint8)
    assert np.asarray(shown(encoded(faint), Filter.LINES, size)).min() > 240


@pytest.mark.parametrize("filter_", Filter)
def test_the_noisiest_picture_fits(filter_: Filter) -> None:
    assert len(preview(encoded(noise(1920, 1920)[::2, ::2]), filter_)) < LARGEST_PREVIEW


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "CMYK"])
def test_a_preview_of_any_mode(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert shown(encoded(RGB.convert(mode), kind)).size == (420, 300)
    assert shown(sixteen_bits()).size == (420, 300)


def test_broken_exif_does_not_hide_a_picture() -> None:
    data = encoded(RGB, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(30))
    assert shown(data).size == (420, 300)
    assert hashed(data).quality >= 50
