"""vPDQ text: every form reads back as what was written, and a broken line is named."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerprint.pictures import DATA, needs_data
from tidegate.fingerprint.video.frames import FRAME, Frames
from tidegate.fingerprint.video.vpdq_text import Form, read, write
from tidegate.kernel.errors import Malformed

_values = st.binary(min_size=32, max_size=32)


@st.composite
def videos(draw: st.DrawFn) -> Frames:
    rows = draw(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 100), _values), max_size=8))
    frames = np.zeros(len(rows), dtype=FRAME)
    for frame, (at, quality, value) in zip(frames, sorted(rows), strict=True):
        frame["at"], frame["quality"], frame["value"] = at, quality, np.frombuffer(value, np.uint8)
    return frames


@given(videos(), st.sampled_from(Form))
def test_what_is_written_reads_back(frames: Frames, form: Form) -> None:
    again = read(write(frames, form))
    assert np.array_equal(np.sort(again["at"]), np.sort(frames["at"]))
    assert {frame.tobytes() for frame in again} == {frame.tobytes() for frame in frames}


@needs_data
def test_a_file_of_the_reference_is_written_as_it_is() -> None:
    for path in sorted((DATA / "videos").glob("*.vpdq.txt")):
        text = path.read_text()
        assert write(read(text)) == text.rstrip("\n") + "\n", path.name


VALUE = "0f" * 32


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        f"0,100,{VALUE}",
        f"0,101,{VALUE},0.000",
        f"0,-1,{VALUE},0.000",
        f"0,100,{VALUE[2:]},0.000",
        f"0,100,{VALUE[:-2]}zz,0.000",
        f"0,100,{VALUE},nan",
        f"0,100,{VALUE},-1",
        f"0,100,{VALUE},1e300",
        f"{VALUE},100",
        "[1]",
        "[",
        json.dumps([f"{VALUE},100,0.0", "no"]),
    ],
)
def test_a_broken_line_is_named(text: str) -> None:
    with pytest.raises(Malformed):
        read(text)


def test_times_written_with_three_digits_are_read() -> None:
    assert read(f"{VALUE},100,1.23e+03")["at"].tolist() == [1_230_000]
