"""Moving pictures made from a seed, and the files they make: what videos are tried with where no real ones are at hand.

Every seed is another scene: soft shapes of several sizes under a camera that pans, shakes a little and cuts, with
something moving through. They show nothing.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Grey = NDArray[np.uint8]
Numbers = NDArray[np.float64]
Edit = Callable[[Grey], Grey]

RATE = 25


def scene(
    seed: int, seconds: float, *, size: tuple[int, int] = (160, 120), rate: int = RATE, shake: float = 0.004
) -> Iterator[Grey]:
    """Give the frames of a scene.

    Args:
        seed: which.
        seconds: how long.
        size: width and height of a frame.
        rate: frames a second.
        shake: how far a hand moves the camera from one frame to the next, in parts of the width.
    """
    random = np.random.default_rng(seed)
    width, height = size
    ends = np.cumsum(random.uniform(2.5, 6, 200))
    shot, made = -1, _shot(random, width, height)
    at = np.zeros(2)
    for number in range(int(seconds * rate)):
        now = int(np.searchsorted(ends, number / rate, side="right"))
        if now != shot:
            shot, made, at = now, _shot(random, width, height), np.zeros(2)
        view, pan, through = made
        at = at + pan / rate + random.normal(0, shake, 2)
        left = int(np.clip((0.5 + at[0]) * width, 0, width))
        top = int(np.clip((0.5 + at[1]) * height, 0, height))
        frame = view[top : top + height, left : left + width].copy()
        share = (number / rate) % 5 / 5
        x, y = (through[:2] + (through[2:] - through[:2]) * share) * (width, height)
        frame[int(y) : int(y) + height // 6, int(x) : int(x) + width // 8] = 235
        yield frame


def _shot(random: np.random.Generator, width: int, height: int) -> tuple[Grey, Numbers, Numbers]:
    """Give what the camera sees, where it goes, and from where to where something goes through."""
    return _painted(random, width, height), random.uniform(-0.06, 0.06, 2), random.uniform(0.1, 0.9, 4)


def _painted(random: np.random.Generator, width: int, height: int) -> Grey:
    """Paint what the camera moves over: twice its size."""
    total = np.zeros((2 * height, 2 * width))
    for cells, weight in ((5, 0.4), (13, 0.3), (31, 0.2), (67, 0.1)):
        coarse = Image.fromarray(random.integers(0, 256, (cells, cells), dtype=np.uint8))
        total += weight * np.asarray(coarse.resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
    picture = Image.fromarray(np.clip(1.6 * (total - 128) + 128, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = int(random.integers(0, 2 * width)), int(random.integers(0, 2 * height))
        wide, high = int(random.integers(8, width // 3)), int(random.integers(8, height // 3))
        draw.rectangle((x, y, x + wide, y + high), fill=int(random.integers(0, 256)))
    return np.asarray(picture)


def encoded(
    frames: Iterable[Grey],
    *,
    container: str = "mp4",
    codec: str = "libx264",
    rate: int = RATE,
    keys_every: float = 4.0,
    **options: str,
) -> bytes:
    """Encode grey frames as a video, with a key frame every so many seconds."""
    out = io.BytesIO()
    chosen: dict[str, str] = {"preset": "veryfast", "crf": "26", "sc_threshold": "0"} if codec == "libx264" else {}
    with av.open(out, "w", format=container) as file:
        stream: VideoStream | None = None
        for frame in frames:
            if stream is None:
                added: Any = file.add_stream(codec, rate=rate, options=chosen | options)
                stream = added
                assert stream is not None
                stream.height, stream.width = frame.shape
                stream.pix_fmt = "yuv420p"
                stream.gop_size = round(keys_every * rate)
            picture = av.VideoFrame.from_ndarray(frame, format="gray").reformat(format="yuv420p")
            file.mux(stream.encode(picture))
        assert stream is not None
        file.mux(stream.encode(None))
    return out.getvalue()


def as_it_is(frame: Grey) -> Grey:
    """Leave a frame as it is: only the encoding is another."""
    return frame


def smaller(frame: Grey) -> Grey:
    """Scale to two thirds."""
    return _scaled(frame, frame.shape[1] * 2 // 3 // 2 * 2, frame.shape[0] * 2 // 3 // 2 * 2)


def with_bars(frame: Grey) -> Grey:
    """Put black bars above and below."""
    bar = np.full((frame.shape[0] // 8 // 2 * 2, frame.shape[1]), 16, dtype=np.uint8)
    return np.vstack([bar, frame, bar])


def with_logo(frame: Grey) -> Grey:
    """Put a station's logo into a corner: an eighth of each side."""
    height, width = frame.shape
    marked = frame.copy()
    place = marked[height // 20 : height // 20 + height // 8, -width // 20 - width // 8 : -width // 20]
    place[:] = 245
    place[place.shape[0] // 3 : -place.shape[0] // 3, place.shape[1] // 6 : -place.shape[1] // 6] = 20
    return marked


def lighter(frame: Grey) -> Grey:
    """Make it lighter and flatter."""
    return (frame * 0.75 + 50).astype(np.uint8)


def mirrored(frame: Grey) -> Grey:
    """Turn left and right."""
    return np.ascontiguousarray(frame[:, ::-1])


EDITS: dict[str, Edit] = {
    "re-encoded": as_it_is,
    "smaller": smaller,
    "bars": with_bars,
    "logo": with_logo,
    "lighter": lighter,
    "mirrored": mirrored,
}


def _scaled(frame: Grey, width: int, height: int) -> Grey:
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BILINEAR))
