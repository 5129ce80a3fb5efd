"""The engine for videos: the reference's values, the same frames in parts as whole, and nothing else opened."""

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
from PIL import Image

from benchmarks.scenes import as_it_is, encoded, scene, with_bars
from fingerprint.pictures import DATA, distance, needs_data
from tidegate.fingerprint.picture.reading import Filter, Size
from tidegate.fingerprint.video import decoder as video_decoder
from tidegate.fingerprint.video.frames import (
    END,
    WITHOUT_BORDER,
    Density,
    Frames,
    Part,
    PartRead,
    SheetArguments,
    join_frames,
)
from tidegate.fingerprint.video.vpdq_text import read
from tidegate.jail.model import Reason, Refusal


def part_of(data: bytes, part: Part) -> PartRead:
    return PartRead.unpack(video_decoder.frames(data, part.pack()), part)


def whole(data: bytes, density: Density = Density.KEY) -> Frames:
    return part_of(data, Part(density=density, budget=60_000)).frames


def in_parts(data: bytes, density: Density, budget: int) -> Frames:
    parts, start = [], 0
    while start < END:
        found = part_of(data, Part(density=density, start=start, budget=budget))
        parts.append(found.frames)
        assert found.next > start
        start = found.next
    assert len(parts) > 1
    return join_frames(parts)


@needs_data
@pytest.mark.parametrize("name", ["chair-orig-22-sd-bar", "doorknob-hd-no-bar", "test-padded-dimensions"])
def test_values_are_those_of_the_reference_within_a_few_bits(name: str) -> None:
    folder = DATA / "videos"
    known = read((folder / f"{name}.vpdq.txt").read_text())
    frames = whole((folder / f"{name}.mp4").read_bytes(), Density.DENSE)
    frames = frames[frames["look"] == 0]
    assert len(frames) > 20
    apart = []
    for frame in frames:
        row = int(np.abs(known["at"].astype(np.int64) - int(frame["at"])).argmin())
        if known["quality"][row] >= 80:
            apart.append(distance(frame["value"].tobytes(), known["value"][row].tobytes()))
            assert abs(int(frame["quality"]) - int(known["quality"][row])) <= 1
    assert np.median(apart) <= 2
    assert max(apart) <= 10


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "libx264"), ("matroska", "libx264"), ("mpegts", "libx264"), ("avi", "mpeg4")]
)
@pytest.mark.parametrize("keys_every", [2.0, 100.0])
def test_read_in_parts_a_video_gives_what_it_gives_as_a_whole(container: str, codec: str, keys_every: float) -> None:
    data = encoded(scene(3, 12, rate=12), container=container, codec=codec, rate=12, keys_every=keys_every)
    every = whole(data, Density.EVERY)
    parts = in_parts(data, Density.EVERY, 8)
    # Each part keeps its first frame even if the one before looked the same, so another of two alike may be kept.
    assert np.isin(every["at"], parts["at"]).mean() > 0.9
    assert {frame.tobytes() for frame in parts if frame["at"] in every["at"]} <= {frame.tobytes() for frame in every}
    keys = whole(data)
    # No stretch longer than four seconds goes unseen, however seldom there is a key frame.
    assert np.diff(keys["at"].astype(int)).max() <= 4_000
    assert np.isin(keys["at"], every["at"]).mean() > 0.7


def test_a_frame_is_looked_at_without_its_bars_too() -> None:
    data = encoded(with_bars(frame) for frame in scene(4, 2))
    bare = whole(encoded(as_it_is(frame) for frame in scene(4, 2)))
    without = whole(data)
    without = without[without["look"] == WITHOUT_BORDER]
    assert distance(bare[0]["value"].tobytes(), without[0]["value"].tobytes()) <= 20


def test_what_strong_compression_leaves_of_bars_is_taken_off_too() -> None:
    """Where a bar meets the picture, its last lines are neither of one grey nor part of the picture."""
    bare = whole(encoded(as_it_is(frame) for frame in scene(4, 2)))[0]["value"].tobytes()
    without = whole(encoded((with_bars(frame) for frame in scene(4, 2)), crf="38"))
    without = without[without["look"] == WITHOUT_BORDER]
    assert distance(bare, without[0]["value"].tobytes()) <= 31


def _gif() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "GIF")
    return out.getvalue()


def _sound_only() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4_410), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    "made",
    [
        lambda: b"",
        lambda: b"x" * 5_000,
        lambda: b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n",
        lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
        lambda: b'<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>',
        lambda: b"\0\0\0\x18ftypmp42" + bytes(200),
        lambda: b"\x1a\x45\xdf\xa3" + bytes(200),
        lambda: b"RIFF\0\0\0\0AVI " + bytes(200),
        lambda: (b"G" + bytes(187)) * 40,
        _gif,
        _sound_only,
        lambda: encoded(scene(1, 1), codec="mpeg2video", container="mpegts"),
        lambda: encoded(scene(1, 1))[:-400],
    ],
)
def test_what_is_no_video_of_ours_is_refused(made: Callable[[], bytes]) -> None:
    data = made()
    for density in Density:
        with pytest.raises(Refusal) as refused:
            part_of(data, Part(density=density))
        assert refused.value.reason is Reason.UNDECODABLE


def test_a_longer_video_is_refused_by_its_header_or_on_the_way() -> None:
    for container in ("mp4", "mpegts"):
        with pytest.raises(Refusal) as refused:
            part_of(encoded(scene(1, 6), container=container), Part(longest=3_000))
        assert refused.value.reason is Reason.TOO_LARGE


def test_broken_frames_are_counted_and_the_rest_is_read() -> None:
    data = bytearray(encoded(scene(5, 8), keys_every=1))
    # The list of frames stands at the end: what is broken are the frames.
    for place in np.random.default_rng(1).integers(len(data) // 4, len(data) // 2, 300).tolist():
        data[place] ^= 0x5A
    found = part_of(bytes(data), Part(density=Density.EVERY, budget=60_000))
    assert len(found.frames) > 20


def test_a_sheet_is_a_filtered_jpeg_of_its_own_size() -> None:
    data = encoded(scene(6, 10, size=(320, 240)))
    sizes = {}
    for size in Size:
        for filter_ in Filter:
            sheet = video_decoder.sheet(data, SheetArguments(filter=filter_, size=size).pack())
            with Image.open(io.BytesIO(sheet)) as picture:
                assert (picture.format, max(picture.size)) == ("JPEG", size.side)
                sizes[size, filter_] = len(sheet)
                if filter_ is not Filter.CLEAR:
                    colours = np.asarray(picture.convert("RGB")).astype(int)
                    assert np.abs(colours[..., 0] - colours[..., 2]).max() <= 2
    assert sizes[Size.SMALL, Filter.BLUR] < sizes[Size.SMALL, Filter.CLEAR]


def test_a_time_past_the_end_gives_the_last_picture() -> None:
    for container in ("mp4", "matroska", "mpegts"):
        data = encoded(scene(6, 3), container=container)
        assert video_decoder.sheet(data, SheetArguments(start=3_600_000, end=3_700_000).pack()).startswith(
            b"\xff\xd8\xff"
        )


def test_every_decoder_is_used_before_the_jail_closes() -> None:
    video_decoder.warm()
