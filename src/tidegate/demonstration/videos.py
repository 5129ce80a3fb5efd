"""Harmless videos, made from a number: a walk along a landscape with a bridge; and how people post them again.

May decide: nothing. Encoding happens here in the open: these frames are our own.
"""

import io
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tidegate.demonstration.pictures import picture

_WIDTH, _HEIGHT = 320, 240
_FRAMES_A_SECOND = 10
_KEY_FRAME_SECONDS = 2
#: How much of the landscape one frame shows.
_WINDOW = 0.55

Frame = NDArray[np.uint8]


def scene(seed: int, seconds: int) -> list[Frame]:
    """Walk along a landscape: frames of (240, 320, 3) bytes, ten a second."""
    with Image.open(io.BytesIO(picture(seed))) as opened:
        whole = opened.convert("RGB")
    width, height = int(whole.width * _WINDOW), int(whole.height * _WINDOW)
    frames = []
    for step in range(seconds * _FRAMES_A_SECOND):
        along = step / (seconds * _FRAMES_A_SECOND)
        left = int((whole.width - width) * along)
        top = int((whole.height - height) * (0.5 + 0.5 * np.sin(6.3 * along + seed)))
        window = whole.crop((left, top, left + width, top + height))
        frames.append(np.asarray(window.resize((_WIDTH, _HEIGHT), Image.Resampling.BILINEAR)))
    return frames


def video(*scenes: list[Frame], size: tuple[int, int] = (_WIDTH, _HEIGHT), quality: int = 23) -> bytes:
    """Encode scenes one after the other as an MP4.

    Args:
        scenes: frames in order.
        size: width and height in pixels, even.
        quality: the encoder's constant rate factor; a higher one leaves less.
    """
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FRAMES_A_SECOND)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.time_base = Fraction(1, _FRAMES_A_SECOND)
        stream.options = {"crf": str(quality), "g": str(_KEY_FRAME_SECONDS * _FRAMES_A_SECOND), "threads": "1"}
        for frame in _in_order(scenes, size):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _in_order(scenes: tuple[list[Frame], ...], size: tuple[int, int]) -> Iterator[av.VideoFrame]:
    number = 0
    for frames in scenes:
        for pixels in frames:
            made = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(*size, format="yuv420p")
            made.pts, made.time_base = number, Fraction(1, _FRAMES_A_SECOND)
            number += 1
            yield made
