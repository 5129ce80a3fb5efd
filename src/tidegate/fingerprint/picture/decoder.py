"""The engine for pictures: decodes untrusted bytes, so it runs only in a locked child (see ``jail``).

May decide: what can be decoded at all. Four formats, a limit on pixels that is read from the header before
anything is decoded, and nothing that would need a file or the network.

Our values must be those that others compute of the same picture, so the hash is taken as the reference takes
it: of the stored pixels, without turning them by what EXIF says (the eight rotations of every query make that
harmless) and without the alpha channel. Only where that leaves nothing to hash (quality below the floor) are
the pixels hashed as a viewer sees them, over white or over black: otherwise a picture drawn in the alpha
channel alone would have no value.

Most uploads are JPEG and match nothing, so they are decoded no larger than PDQ can tell apart, and in shades of grey
only (``reduced.py``). Everything else, and whatever will stand on record, is decoded at full size.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from tidegate.content.model import Look, LookKind
from tidegate.fingerprint import grey_kernels, pdq, pdq_kernels
from tidegate.fingerprint.border import Box, without_border
from tidegate.fingerprint.grey_kernels import Greys
from tidegate.fingerprint.pdq import Values
from tidegate.fingerprint.pdq_kernels import read_only
from tidegate.fingerprint.picture import second
from tidegate.fingerprint.picture.animation import Frames
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
from tidegate.fingerprint.picture.reduced import pdq_if_certain, pdq_of_reduced
from tidegate.jail.model import Reason, Refusal

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")

#: Pixels of a strip: converting strip by strip keeps one decoded picture in memory, not three.
_STRIP = 1 << 18
_SAYS_NOTHING_BELOW = 50
#: A smaller decoding may be off by up to 7 in quality: nearer to the floor than this, only the full size decides.
_SURE_QUALITY = 60
#: In pixels: what the short side keeps when decoded smaller.
_SHORT_SIDE = 512
#: In pixels: so much is hashed without taking it strip by strip.
_AT_ONCE = 1 << 22
#: Formats that may move. A telephone's JPEG with two pictures in it does not.
_MOVING = ("GIF", "WEBP", "PNG")
#: Of all frames together that are looked at.
_MOVING_PIXELS = 100_000_000
_USUAL_MILLISECONDS, _LONGEST_MILLISECONDS = 100, 65_535
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


def fingerprint(data: bytes, arguments: bytes) -> bytes:
    """Decode a picture and give how it looks, packed (see ``PictureFingerprint``)."""
    if arguments == FULL_SIZE:
        with _opened(data) as image:
            return _full_size(image, for_record=True).pack()
    with _opened(data) as image:
        scale = _scale_of(image)
        found = _full_size(image) if scale == 1 else _reduced(image, scale)
    if found is None:
        with _opened(data) as image:
            found = _full_size(image)
    return found.pack()


def _scale_of(image: Image.Image) -> int:
    """Say how much smaller a picture can be decoded: only a JPEG, and only while its short side stays long enough."""
    if not isinstance(image, JpegImageFile) or image.mode not in {"RGB", "L"}:
        return 1
    return next(scale for scale in (8, 4, 2, 1) if scale == 1 or min(image.size) // scale >= _SHORT_SIDE)


def _reduced(image: Image.Image, scale: int) -> PictureFingerprint | None:
    """Decode a JPEG in grey and so much smaller; None where only the full size says whether it has enough detail."""
    width, height = image.size
    image.draft("L", (width // scale, height // scale))
    image.load()
    grey = np.asarray(image)
    if grey.shape != (-(-height // scale), -(-width // scale)):
        return None
    whole = _look_of(pdq_of_reduced(grey, height, width, scale), grey)
    if whole.quality < _SURE_QUALITY:
        return None
    return PictureFingerprint(
        looks=(whole, *_reduced_without_border(grey, width, height, scale)), width=width, height=height, reduced=True
    )


def _reduced_without_border(grey: Greys, width: int, height: int, scale: int) -> Iterator[Look]:
    box = without_border(grey, scale)
    if box is not None:
        rows, columns = min(box.bottom * scale, height), min(box.right * scale, width)
        inside = np.ascontiguousarray(box.cut(grey))
        values = pdq_of_reduced(inside, rows - box.top * scale, columns - box.left * scale, scale)
        if values[0][1].quality >= _SAYS_NOTHING_BELOW:
            yield _look_of(values, inside, LookKind.WITHOUT_BORDER)


def _full_size(image: Image.Image, *, for_record: bool = False) -> PictureFingerprint:
    image.load()
    width, height = image.size
    background = None
    values, grey = _hash(image, background) if for_record or not _small(image) else _hash_at_once(image)
    if _has_alpha(image):
        for another in (255, 0):
            if values[0][1].quality >= _SAYS_NOTHING_BELOW:
                break
            tried = _hash(image, another)
            if tried[0][0][1].quality > values[0][1].quality:
                (values, grey), background = tried, another
    looks = [_look_of(values, grey)]
    if (box := without_border(grey)) is not None:
        values, grey = _hash(image, background, box)
        if values[0][1].quality >= _SAYS_NOTHING_BELOW:
            looks.append(_look_of(values, grey, LookKind.WITHOUT_BORDER))
    frames, partial = _frames(image, looks[0])
    return PictureFingerprint(looks=(*looks, *frames), width=width, height=height, partial=partial)


def _look_of(values: Values, grey: Greys, kind: LookKind = LookKind.AS_STORED) -> Look:
    return Look(
        kind=kind,
        pdq=tuple(value.value for _, value in values),
        quality=values[0][1].quality,
        second=second.pack(grey_kernels.cells(read_only(np.ascontiguousarray(grey)), second.SIDES)),
    )


def _frames(image: Image.Image, first: Look) -> tuple[list[Look], bool]:
    """Look through a moving picture; give the frames that stand for it, and whether there were too many."""
    if image.format not in _MOVING or not getattr(image, "is_animated", False):
        return [], False
    frames: Frames[Look] = Frames(first=int.from_bytes(first.pdq[0]))
    most = max(_MOVING_PIXELS // (image.width * image.height), 1)
    for number in range(1, most + 2):
        try:
            image.seek(number)
            if number > most:
                break
            image.load()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 -- the end, or broken from here on: nobody sees what comes after
            return frames.chosen(), False
        milliseconds = min(max(int(image.info.get("duration") or _USUAL_MILLISECONDS), 1), _LONGEST_MILLISECONDS)
        near = pdq_of_reduced(np.asarray(_rgb(image, None).convert("L")), image.height, image.width, 1)[0][1]
        if near.quality >= _SAYS_NOTHING_BELOW and not frames.known(near.value, milliseconds):
            frames.add(near.value, milliseconds, _look_of(*_hash(image, None), LookKind.FRAME))
    return frames.chosen(), True


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
    _warm_looks()
    # The way out of a broken file imports things, too.
    for broken in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\0\0\0\0WEBP"):
        with suppress(Exception):
            fingerprint(broken, b"")


def _warm_looks() -> None:
    """Decode what is decoded smaller, what has a border, and what moves."""
    scene = Image.radial_gradient("L").convert("RGB").resize((1060, 1040))
    framed = ImageOps.expand(scene, 60, "white")
    for picture in (scene, framed, framed.convert("L"), framed.resize((150, 140))):
        out = io.BytesIO()
        picture.save(out, "JPEG")
        fingerprint(out.getvalue(), b"")
        fingerprint(out.getvalue(), FULL_SIZE)
    frames = [
        scene.resize((90, 80)),
        ImageOps.mirror(framed).resize((90, 80)),
        ImageOps.invert(framed).resize((90, 80)),
    ]
    for kind in _MOVING:
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100)
        fingerprint(out.getvalue(), b"")


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


def _small(image: Image.Image) -> bool:
    return image.mode == "RGB" and image.width * image.height <= _AT_ONCE


def _hash_at_once(image: Image.Image) -> tuple[Values, Greys]:
    """Hash a small picture: quickly, where that certainly gives the reference's value."""
    # Four bytes a pixel is how Pillow keeps them: three would have to be picked out first.
    pixels = np.frombuffer(image.tobytes("raw", "RGBX"), dtype=np.uint8).reshape(image.height, image.width, 4)
    luma, grey = pdq_kernels.luma_and_greys(read_only(pixels))
    luma = read_only(luma)
    return pdq_if_certain(luma) or pdq.pdq_dihedral(luma), grey


def _hash(image: Image.Image, background: int | None, box: Box | None = None) -> tuple[Values, Greys]:
    """Hash a picture, or what is in a box of it, in strips; give its values and its luma."""
    top, bottom, left, right = box or Box(0, image.height, 0, image.width)
    stream = pdq.PdqStream(bottom - top, right - left)
    grey = np.empty((bottom - top, right - left), dtype=np.uint8)
    height = max(_STRIP // (right - left), 1)
    for row in range(top, bottom, height):
        below = min(row + height, bottom)
        luma = pdq.luma_of(np.asarray(_rgb(image.crop((left, row, right, below)), background)))
        stream.take(luma)
        np.copyto(grey[row - top : below - top], luma, casting="unsafe")
    return stream.dihedral(), grey


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
