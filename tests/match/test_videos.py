"""Known videos are found by any part of them, and nothing else is: no slideshow, no title, no black, no other scene."""

import uuid
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.made_signals import confirmed_signal
from benchmarks.scenes import scene
from tidegate.content.model import Fingerprints, LookKind
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq import pdq_dihedral
from tidegate.fingerprint.video.frames import FRAME, Frames, join_frames
from tidegate.kernel.ids import SignalId
from tidegate.match.model import PDQ_RADIUS, Match
from tidegate.match.video.videos import Videos
from tidegate.signal.model import FingerprintKind, Signal, Standing

RATE = 25


def film(seed: int, seconds: float, *, rotation: Rotation = Rotation.ORIGINAL) -> Frames:
    """Hash every frame of a scene."""
    rows = np.zeros(int(seconds * RATE), dtype=FRAME)
    for number, picture in enumerate(scene(seed, seconds, rate=RATE)):
        hashed = dict(pdq_dihedral(picture))[rotation]
        rows[number] = (number * 1000 // RATE, hashed.quality, 0, np.frombuffer(hashed.value, np.uint8))
    return rows


FILMS = {seed: film(seed, 24) for seed in (1, 2, 3)}


def moved(frames: Frames, by: int) -> Frames:
    """Show frames at another time."""
    later = frames.copy()
    later["at"] = (later["at"].astype(np.int64) + by).astype(np.uint32)
    return later


def between(frames: Frames, start: int, end: int) -> Frames:
    """Cut out a part, and let it begin at zero."""
    cut = frames[(frames["at"] >= start) & (frames["at"] < end)]
    return moved(cut, -int(cut["at"][0]))


def noisy(frames: Frames, bits: int, seed: int = 0) -> Frames:
    """Turn over some bits of every value, as encoding anew does."""
    random = np.random.default_rng(seed)
    changed = np.unpackbits(frames["value"], axis=1)
    for row in changed:
        row[random.choice(256, bits, replace=False)] ^= 1
    other = frames.copy()
    other["value"] = np.packbits(changed, axis=1)
    return other


def known_as(number: int, frames: Frames) -> Signal:
    return confirmed_signal(number, FingerprintKind.VIDEO, frames.tobytes())


def index_of(*films: Frames) -> Videos:
    index = Videos()
    index.bring_forward([known_as(number, frames) for number, frames in enumerate(films, 1)])
    return index


def found(index: Videos, upload: Frames) -> list[Match]:
    return index.search(Fingerprints(sha256=b"", frames=upload.tobytes()), None)


def test_a_known_clip_inside_a_long_upload_is_found_with_both_spans() -> None:
    clip = between(FILMS[1], 4_000, 24_000)
    upload = join_frames([FILMS[2], moved(noisy(clip, 6), 24_000), moved(FILMS[3], 44_000)])
    (match,) = found(index_of(clip, film(9, 6)), upload[::5])
    assert match.signal == SignalId(uuid.UUID(int=1))
    assert match.span is not None
    assert abs(match.span.start - 24_000) < 500
    assert abs(match.span.end - 44_000) < 500
    assert match.span.known_start < 500
    assert abs(match.span.known_end - 20_000) < 500
    assert 0 < match.distance <= match.threshold == PDQ_RADIUS
    assert (match.rotation, match.look) == (Rotation.ORIGINAL, LookKind.AS_STORED)


def test_an_excerpt_of_a_long_known_video_is_found_with_both_spans() -> None:
    whole = join_frames([FILMS[2], moved(FILMS[1], 24_000), moved(FILMS[3], 48_000)])
    (match,) = found(index_of(whole), noisy(between(FILMS[1], 9_000, 14_000), 8)[::3])
    assert match.span is not None
    assert match.span.start < 500
    assert abs(match.span.known_start - 33_000) < 700
    assert abs(match.span.known_end - 38_000) < 700


def test_a_few_key_frames_are_enough_where_the_known_video_is_dense() -> None:
    assert found(index_of(FILMS[1]), noisy(FILMS[1], 8)[:: 4 * RATE])


def test_a_mirrored_and_turned_video_is_found_as_that() -> None:
    for rotation in (Rotation.FLIP_Y, Rotation.ROTATE_90):
        (match,) = found(index_of(film(1, 8)), film(1, 8, rotation=rotation)[::4])
        assert match.rotation is not Rotation.ORIGINAL


def test_other_scenes_are_not_found() -> None:
    assert found(index_of(FILMS[1], FILMS[2]), FILMS[3]) == []


def _slides(frames: Frames, every: int, stands: int) -> Frames:
    """Show every n-th frame for so many milliseconds, in eight samples a second."""
    chosen = frames[::every]
    shown = []
    for number, frame in enumerate(chosen):
        rows = np.repeat(frame[None], stands // 125)
        rows["at"] = number * stands + 125 * np.arange(len(rows))
        shown.append(rows)
    return np.concatenate(shown).astype(FRAME)


@pytest.mark.parametrize("stands", [1_000, 2_000, 5_000])
def test_a_slideshow_of_its_frames_is_not_the_video(stands: int) -> None:
    # At the pace of the video itself, so that every slide agrees with every other.
    slides = _slides(FILMS[1], stands * RATE // 1000, stands)
    assert found(index_of(FILMS[1]), slides) == []
    assert found(index_of(slides), FILMS[1][::3]) == []


def test_slides_in_another_order_are_not_the_video() -> None:
    random = np.random.default_rng(1)
    mixed = FILMS[1][random.permutation(len(FILMS[1]))]
    mixed["at"] = FILMS[1]["at"]
    assert found(index_of(FILMS[1]), mixed[:: 2 * RATE]) == []


def test_black_frames_say_nothing_however_many_there_are() -> None:
    black = FILMS[1].copy()
    black["quality"] = 49
    assert found(index_of(black), FILMS[1]) == []
    assert found(index_of(FILMS[1]), black) == []


def test_a_title_counts_once_however_long_it_stands() -> None:
    title = np.repeat(FILMS[2][:1], 20 * RATE)
    title["at"] = np.arange(len(title)) * 1000 // RATE
    title = noisy(title.astype(FRAME), 4)
    known = join_frames([title, moved(FILMS[1], 20_000)])
    upload = join_frames([title, moved(FILMS[3], 20_000)])
    assert found(index_of(known), upload) == []


def test_an_opening_that_many_videos_share_is_not_one_of_them() -> None:
    opening, others = between(FILMS[1], 0, 6_000), [film(seed, 4) for seed in range(20, 38)]
    index = index_of(*(join_frames([opening, moved(other, 6_000)]) for other in others))
    assert found(index, join_frames([opening, moved(FILMS[3], 6_000)])[::3]) == []
    # The video itself is found by the rest of it.
    itself = join_frames([opening, moved(others[0], 6_000)])
    assert [match.signal for match in found(index, itself[::3])] == [SignalId(uuid.UUID(int=1))]


def test_many_versions_of_one_video_are_all_found() -> None:
    index = index_of(*(noisy(FILMS[1], 4, seed) for seed in range(18)))
    assert len(found(index, noisy(FILMS[1], 4, 99)[::5])) == 18


def test_a_withdrawn_video_is_found_no_more_and_a_confirmed_one_again() -> None:
    index = index_of(FILMS[1], FILMS[2])
    one = known_as(1, FILMS[1])
    index.bring_forward([replace(one, standing=Standing.WITHDRAWN, position=3)])
    assert found(index, FILMS[1][::5]) == []
    assert len(found(index, FILMS[2][::5])) == 1
    index.bring_forward([replace(one, position=4)])
    assert len(found(index, FILMS[1][::5])) == 1


def test_where_anything_hits_is_told() -> None:
    upload = join_frames([FILMS[2], moved(FILMS[1], 24_000)])
    hits = index_of(FILMS[1]).hits(upload[::25].tobytes())
    assert hits
    assert min(hits) >= 24_000
    assert Videos().hits(upload.tobytes()) == []


@st.composite
def _histories(draw: st.DrawFn) -> list[list[Signal]]:
    """Changes of a few films, some at a time."""
    films = draw(st.lists(st.sampled_from([FILMS[1], FILMS[2], FILMS[3]]), min_size=1, max_size=5))
    changes = []
    for position in range(1, 1 + draw(st.integers(1, 8))):
        number = draw(st.integers(1, len(films)))
        standing = draw(st.sampled_from([Standing.CONFIRMED, Standing.CONFIRMED, Standing.WITHDRAWN]))
        changes.append(replace(known_as(number, films[number - 1]), standing=standing, position=position))
    cuts = sorted({0, len(changes), *draw(st.lists(st.integers(0, len(changes)), max_size=3))})
    return [changes[start:end] for start, end in pairwise(cuts)]


@settings(max_examples=15, deadline=None)
@given(_histories())
def test_in_whatever_steps_signals_change_what_stands_last_is_found(steps: list[list[Signal]]) -> None:
    index = Videos()
    for step in steps:
        index.bring_forward(step)
    last = {signal.id: signal for step in steps for signal in step}
    for film_ in FILMS.values():
        expected = {
            signal.id
            for signal in last.values()
            if signal.standing is Standing.CONFIRMED and signal.value == film_.tobytes()
        }
        assert {match.signal for match in found(index, film_[::10])} == expected
