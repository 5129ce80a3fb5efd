"""Moving pictures: a frame hidden among many is found, and there is an end to looking."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fingerprint.pictures import distance, encoded, scene
from tidegate.content.model import LookKind
from tidegate.fingerprint.pdq import pdq
from tidegate.fingerprint.picture import animation, decoder
from tidegate.fingerprint.picture.animation import MOST_FRAMES, Frames
from tidegate.fingerprint.picture.reading import PictureFingerprint


def frames(count: int, first: int = 100) -> list[Image.Image]:
    return [Image.fromarray(scene(120, 160, first + number)) for number in range(count)]


def moving(pictures: list[Image.Image], kind: str, **settings: Any) -> bytes:
    return encoded(pictures[0], kind, save_all=True, append_images=pictures[1:], **{"duration": 80} | settings)


def hashed(data: bytes) -> PictureFingerprint:
    return PictureFingerprint.unpack(decoder.fingerprint(data, b""))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_known_still_inside_a_moving_picture_is_found(kind: str) -> None:
    hidden = Image.fromarray(scene(120, 160, 7))
    found = hashed(moving([*frames(5), hidden, *frames(3, 300)], kind))
    near = [distance(look.pdq[0], pdq(scene(120, 160, 7)).value) for look in found.looks]
    assert min(near) <= 31
    kinds = [look.kind for look in found.looks if look.kind is not LookKind.WITHOUT_BORDER]
    assert kinds == [LookKind.AS_STORED] + [LookKind.FRAME] * (len(kinds) - 1)
    assert not found.partial


def test_what_is_shown_longest_is_chosen_among_many() -> None:
    """A hundred others that flicker past do not push out what people see."""
    hidden = Image.fromarray(scene(60, 80, 7))
    others = [Image.fromarray(scene(60, 80, 1000 + number)) for number in range(40)]
    pictures = [*others[:20], hidden, *others[20:]]
    durations = [20] * 20 + [3000] + [20] * 20
    found = hashed(moving(pictures, "WEBP", duration=durations, lossless=True))
    assert len(found.looks) == 1 + MOST_FRAMES
    assert min(distance(look.pdq[0], pdq(scene(60, 80, 7)).value) for look in found.looks) <= 8


@pytest.mark.parametrize("pieces", [1, 60])
def test_frames_that_flicker_past_leave_room_for_what_is_shown_after_them(pieces: int) -> None:
    """More unlike frames than are remembered, then what people see: at once, or in many short frames."""
    seen: Frames[bytes] = Frames(first=0)
    random = np.random.default_rng(1)
    known = random.bytes(32)
    others = [random.bytes(32) for _ in range(200)]
    for value, milliseconds in [*((other, 20) for other in others), *[(known, 3000 // pieces)] * pieces]:
        if not seen.known(value, milliseconds):
            seen.add(value, milliseconds, value)
    assert known in seen.chosen()
    assert len(seen.unlike) == animation._MOST_UNLIKE


def test_the_same_frame_again_and_again_is_one() -> None:
    still = frames(1)
    found = hashed(moving([*still, *frames(1, 200), *still, *frames(1, 200)], "WEBP", lossless=True))
    assert len(found.looks) == 2


def test_stills_have_no_frames_and_telephones_no_second_picture() -> None:
    for kind in ("GIF", "WEBP", "PNG", "JPEG"):
        assert len(hashed(encoded(frames(1)[0], kind)).looks) == 1
    assert len(hashed(moving(frames(2), "MPO")).looks) == 1


def test_too_long_a_picture_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_MOVING_PIXELS", 5 * 120 * 160)
    assert not hashed(moving(frames(6), "WEBP")).partial
    longer = hashed(moving(frames(7), "WEBP"))
    assert longer.partial
    assert len(longer.looks) > 1


def test_what_is_broken_further_on_is_looked_at_until_there() -> None:
    data = moving(frames(8), "GIF")
    found = hashed(data[: len(data) * 2 // 3])
    assert 1 < len(found.looks) < 9


@given(
    st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 65_535)), max_size=90),
    st.binary(min_size=32, max_size=32),
)
def test_chosen_frames_are_few_unlike_and_among_those_seen(shown: list[tuple[bytes, int]], first: bytes) -> None:
    seen: Frames[bytes] = Frames(first=int.from_bytes(first))
    for value, milliseconds in shown:
        if not seen.known(value, milliseconds):
            seen.add(value, milliseconds, value)
    chosen = seen.chosen()
    assert len(chosen) == min(len(seen.unlike), MOST_FRAMES)
    assert len(seen.unlike) <= animation._MOST_UNLIKE
    assert len({*chosen, first}) == len(chosen) + 1
    for one in chosen:
        assert one in {value for value, _ in shown}
        assert all(distance(one, other) > animation._SAME for other in [*chosen, first] if other is not one)
