"""The engine for pictures: decodes untrusted bytes, so it runs only in a locked child (see ``jail``).

May decide: what can be decoded at all. Four formats, a limit on pixels that is read from the header before
anything is decoded, and nothing that would need a file or the network.

Our values must be those that others compute of the same picture, so the hash is taken as the reference takes
it: of the stored pixels, without turning them by what EXIF says (the eight rotations of every query make that
harmless) and without the alpha channel. Only where that leaves nothing to hash (quality below the floor) are
the pixels hashed as a viewer sees them, over white or over black: otherwise a picture drawn in the alpha
channel alone would have no value.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from tidegate.fingerprint import pdq
from tidegate.fingerprint.model import Pdq, Rotation
from tidegate.fingerprint.picture import (
    COPY_SIDE,
    LARGEST_COPY,
    LARGEST_PREVIEW,
    PIXELS,
    Filter,
    PictureFingerprint,
    PreviewArguments,
    Size,
)
from tidegate.jail.model import Reason, Refusal

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

#: Pixels of a strip: converting strip by strip keeps one decoded picture in memory, not three.
_STRIP = 1 << 18
_SAYS_NOTHING_BELOW = 50
#: Parts of the longest side: a filter hides as much at each size.
_BLUR = 24
_LINE = 250
#: Slopes, in greys a pixel after smoothing: a picture without edges is not made to have some.
_FAINTEST_TOP = 12.0
#: Of the strongest slopes: below the first there is paper, from the second on a full line.
_PAPER, _FULL = 0.2, 0.7
#: How dark a full line is: pencil rather than ink.
_PENCIL = 130
#: Made smaller as they are, these would only lose pixels.
_WITHOUT_SHADES = ("1", "P")


def fingerprint(data: bytes, _arguments: bytes) -> bytes:
    """Decode a picture and give its eight values, packed (see ``PictureFingerprint``)."""
    with _opened(data) as image:
        # Of a moving picture the first frame; what it shows later is for an engine of its own.
        image.load()
        found = _hash(image, None)
        if _has_alpha(image):
            for background in (255, 0):
                if found[0][1].quality >= _SAYS_NOTHING_BELOW:
                    break
                found = max(found, _hash(image, background), key=lambda values: values[0][1].quality)
        width, height = image.size
    return PictureFingerprint(
        pdq=tuple(value.value for _, value in found), quality=found[0][1].quality, width=width, height=height
    ).pack()


def preview(data: bytes, arguments: bytes) -> bytes:
    """Decode a picture and encode it anew, filtered, upright and without metadata, for people to look at."""
    wanted = PreviewArguments.unpack(arguments)
    return written(filtered(_upright(data, wanted.size.side), wanted.filter), 80, LARGEST_PREVIEW)


def copy(data: bytes, _arguments: bytes) -> bytes:
    """Decode a picture and encode it anew, upright and without metadata, large enough to read what stands in it."""
    return written(_upright(data, COPY_SIDE), 85, LARGEST_COPY)


def _upright(data: bytes, side: int) -> Image.Image:
    """Decode a picture as people see it: over white, turned as EXIF says, at most so large."""
    with _opened(data) as image:
        if image.mode in _WITHOUT_SHADES:
            image = image.convert("RGBA" if _has_alpha(image) else "RGB")  # noqa: PLW2901 -- the opened one is closed
        image.thumbnail((side, side), reducing_gap=2.0)
        upright = image
        # Broken EXIF says nothing about how the picture stands.
        with suppress(ValueError, TypeError, KeyError, SyntaxError, OSError, struct.error, OverflowError):
            upright = ImageOps.exif_transpose(image)
        return _rgb(upright, 255)


def written(image: Image.Image, quality: int, most: int) -> bytes:
    """Encode a picture as JPEG, and nothing else that came with it.

    Raises:
        Refusal: it is larger than that.
    """
    # Comments and colour profiles would be written along.
    image.info.clear()
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    if out.tell() > most:
        raise Refusal(Reason.TOO_LARGE)
    return out.getvalue()


def filtered(picture: Image.Image, filter_: Filter) -> Image.Image:
    """Make a picture easier on the one who must look."""
    if filter_ is Filter.CLEAR:
        return picture
    grey = picture.convert("L")
    if filter_ is Filter.BLUR:
        return grey.filter(ImageFilter.GaussianBlur(max(grey.size) / _BLUR))
    return _drawn(grey) if filter_ is Filter.LINES else grey


def _drawn(grey: Image.Image) -> Image.Image:
    """Draw a picture with a pencil: lines where its greys change, paper everywhere else."""
    smooth = np.asarray(grey.filter(ImageFilter.GaussianBlur(max(grey.size) / _LINE)), dtype=np.float32)
    # One pixel more at each edge, so that a picture a single pixel wide has slopes, too.
    around = np.pad(smooth, 1, mode="edge")
    slope = np.hypot(around[1:-1, 2:] - around[1:-1, :-2], around[2:, 1:-1] - around[:-2, 1:-1])
    top = max(float(np.percentile(slope, 98)), _FAINTEST_TOP)
    line = np.clip((slope / top - _PAPER) / (_FULL - _PAPER), 0, 1)
    return Image.fromarray((255 - _PENCIL * line).astype(np.uint8))


def warm() -> None:
    """Compile or load every kernel, and have every codec and lazy import used once."""
    pdq.warm()
    Image.init()
    for mode, name in (
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("L", "PNG"),
        ("1", "PNG"),
        ("P", "PNG"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("I;16", "PNG"),
        ("RGB", "WEBP"),
        ("RGBA", "WEBP"),
        ("P", "GIF"),
    ):
        exif = Image.Exif()
        exif[0x0112] = 6
        out = io.BytesIO()
        Image.new(mode, (70, 66)).save(out, name, **({} if name == "GIF" else {"exif": exif}))
        fingerprint(out.getvalue(), b"")
        for filter_ in Filter:
            for size in Size:
                preview(out.getvalue(), PreviewArguments(filter=filter_, size=size).pack())
        copy(out.getvalue(), b"")
    # The way out of a broken file imports things, too.
    for broken in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\0\0WEBP"):
        with suppress(Exception):
            fingerprint(broken, b"")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Read the header, refuse what is too large, and turn what decoders raise into a refusal."""
    Image.MAX_IMAGE_PIXELS = PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > PIXELS:
                    raise Refusal(Reason.TOO_LARGE)
                yield image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Refusal(Reason.TOO_LARGE) from error


def _hash(image: Image.Image, background: int | None) -> tuple[tuple[Rotation, Pdq], ...]:
    stream = pdq.PdqStream(image.height, image.width)
    height = max(_STRIP // image.width, 1)
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(top + height, image.height)))
        stream.take(np.asarray(_rgb(strip, background)))
    return stream.dihedral()


def _has_alpha(image: Image.Image) -> bool:
    return image.has_transparency_data


def _rgb(image: Image.Image, background: int | None) -> Image.Image:
    """Convert to red, green, blue: over a background of that grey, or dropping the alpha channel."""
    if image.mode.startswith("I"):
        # Pillow would cut 16-bit greys at 255 rather than scale them.
        grey: NDArray[np.int64] = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB")
    if background is None or not _has_alpha(image):
        return image.convert("RGB")
    behind = Image.new("RGBA", image.size, (background, background, background, 255))
    behind.alpha_composite(image.convert("RGBA"))
    return behind.convert("RGB")
