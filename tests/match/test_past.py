"""Past uploads in files: found exactly as brute force finds them, whatever was added, forgotten, damaged or stopped."""

import json
import random
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.scenes import scene
from tidegate.fingerprint.model import Rotation
from tidegate.fingerprint.pdq import pdq_dihedral
from tidegate.fingerprint.turned import turned
from tidegate.kernel.ids import ContentId
from tidegate.match.past import folder as past
from tidegate.match.past import kernels
from tidegate.match.past.folder import NOTHING, PastFolder
from tidegate.match.past.sketches import SLACK, turned_back
from tidegate.match.past.uploads import (
    Uploads,
    joined,
    search,
    search_sketched,
    sketched,
    uploads_of,
    warm,
    without,
    words_of,
)
from tidegate.match.values.files import Damaged, Folder

DAY = date(2026, 11, 23)
_FILES = 6
Made = list[tuple[int, bytes, list[bytes]]]


def turned_like(value: bytes, chance: random.Random, bits: int) -> list[bytes]:
    """Make the values of a picture and of its turns from the first, each with some bits turned as real ones have."""
    first = np.frombuffer(value, np.uint8).reshape(1, 32)
    return [near_to(turned(first, rotation).tobytes(), chance.randrange(bits + 1), chance) for rotation in Rotation]


def near_to(value: bytes, bits: int, chance: random.Random) -> bytes:
    number = int.from_bytes(value)
    for place in chance.sample(range(256), bits):
        number ^= 1 << place
    return number.to_bytes(32)


def made(count: int, known: bytes, chance: random.Random, *, first: int = 1) -> Made:
    """Make uploads with 1 to 3 values or those of all turns, many about as far from a known value as the radius is."""
    every: Made = []
    for number in range(first, first + count):
        values = [
            near_to(known, chance.choice((0, 5, 30, 31, 32, 33, 60)), chance)
            if chance.random() < 0.4
            else chance.randbytes(32)
            for _ in range(chance.randrange(1, 4))
        ]
        if chance.random() < 0.5:
            values = [
                turn for value in values[:2] for turn in turned_like(value, chance, chance.choice((0, 8, 24, 60)))
            ]
            # A known picture's value may stand at any turn, at the edge of what the sketches allow for.
            values[chance.randrange(len(values))] = near_to(known, chance.choice((30, 31, 32)), chance)
        every.append((number, chance.randbytes(16), values))
    return every


def packed(every: Made) -> Uploads:
    return uploads_of(
        [number for number, _, _ in every],
        b"".join(content for _, content, _ in every),
        [32 * len(values) for _, _, values in every],
        b"".join(value for _, _, values in every for value in values),
    )


def by_force(every: Made, known: bytes) -> set[ContentId]:
    wanted = int.from_bytes(known)
    return {
        ContentId(UUID(bytes=content))
        for _, content, values in every
        if any((int.from_bytes(value) ^ wanted).bit_count() <= 31 for value in values)
    }


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60))
def test_a_search_finds_what_brute_force_finds(seed: int, count: int) -> None:
    chance = random.Random(seed)
    known = chance.randbytes(32)
    every = made(count, known, chance)
    assert set(search(packed(every), known)) == by_force(every, known)
    assert set(search_sketched(sketched(packed(every)), known)) == by_force(every, known)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), radius=st.integers(0, 31))
def test_at_the_very_edge_of_the_slack_nothing_is_missed(seed: int, radius: int) -> None:
    """All bits that may differ, differ: those of the turns in the first ones, those of the query in other ones."""
    chance = random.Random(seed)
    middle = int.from_bytes(chance.randbytes(32))
    places = chance.sample(range(192), SLACK + radius)
    off = [0] * 7 + [sum(1 << (255 - place) for place in places[:SLACK])]
    chance.shuffle(off)
    values = [
        turned(np.frombuffer((middle ^ more).to_bytes(32), np.uint8).reshape(1, 32), rotation).tobytes()
        for more, rotation in zip(off, Rotation, strict=True)
    ]
    place = next(place for place, more in enumerate(off) if more)
    asked = middle ^ sum(1 << (255 - place) for place in places)
    query = turned(np.frombuffer(asked.to_bytes(32), np.uint8).reshape(1, 32), list(Rotation)[place]).tobytes()
    held = sketched(packed([(1, bytes(16), values)]))
    assert len(held.sketches.words) == 1, "one middle stands for all eight"
    assert (int.from_bytes(values[place]) ^ int.from_bytes(query)).bit_count() == radius
    assert len(search_sketched(held, query, radius)) == 1
    if radius:
        assert search_sketched(held, query, radius - 1) == []


def test_turning_back_undoes_each_turn() -> None:
    value = np.frombuffer(random.Random(7).randbytes(32), np.uint8).reshape(1, 32)
    for place, rotation in enumerate(Rotation):
        assert (
            turned_back(words_of(turned(value, rotation).tobytes())[0])[place].tolist()
            == words_of(value.tobytes())[0].tolist()
        )


def _frame(seed: int) -> NDArray[np.uint8]:
    return next(scene(seed, 1, size=(256, 256)))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_whole_is_a_tenth_of_what_is_kept_of_pictures(seed: int) -> None:
    uploads = packed(
        [
            (number, bytes(16), [found.value for _, found in pdq_dihedral(_frame(20 * seed + number))])
            for number in range(1, 21)
        ]
    )
    words = sketched(uploads).sketches.words
    assert words.nbytes < 0.15 * uploads.values.nbytes


def test_sketches_without_some_and_joined_are_those_of_what_is_left() -> None:
    chance = random.Random(8)
    known = chance.randbytes(32)
    first, second = made(30, known, chance), made(30, known, chance, first=31)
    left = [each for each in [*first, *second] if each[0] % 3]
    gone = np.arange(0, 61, 3)
    held = without(joined(sketched(packed(first)), sketched(packed(second))), gone)
    anew = sketched(packed(left))
    for one, other in zip((*held.uploads, *held.sketches), (*anew.uploads, *anew.sketches), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_adding_forgetting_and_joining_lose_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    chance = random.Random(seed)
    known = chance.randbytes(32)
    folder = PastFolder(tmp_path_factory.mktemp("past"))
    every: dict[date, Made] = {}
    number = 1
    for size in sizes:
        day = DAY + timedelta(days=chance.randrange(2))
        more = made(size, known, chance, first=number)
        number += size
        folder.close([(day, packed(more))], number - 1, 0)
        every[day] = [*every.get(day, []), *more]
        if chance.random() < 0.5:
            gone = {chance.randrange(1, number) for _ in range(3)}
            folder.forget(gone, DAY)
            every = {day: [each for each in kept if each[0] not in gone] for day, kept in every.items()}
        found = folder.open()
        assert found.closed_to == number - 1
        assert set(found.search(known)) == set().union(*(by_force(kept, known) for kept in every.values()))
    folder.forget([], DAY + timedelta(days=1))
    assert set(folder.open().search(known)) == by_force(every.get(DAY + timedelta(days=1), []), known)
    folder.verify()


def test_what_was_forgotten_is_in_no_file(tmp_path: Path) -> None:
    chance = random.Random(1)
    every = made(20, chance.randbytes(32), chance)
    folder = PastFolder(tmp_path)
    folder.close([(DAY, packed(every))], 20, 0)
    held = folder.open()
    assert folder.forget([7], DAY)
    number, content, values = every[6]
    assert number == 7
    words = words_of(values[0])
    middles = sketched(packed([every[6]])).sketches.words
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        assert content not in data, file.name
        assert content.hex().encode() not in data, file.name
        assert words.tobytes() not in data, file.name
        assert middles.tobytes() not in data, file.name
    assert not folder.forget([7], DAY), "and nothing is written again for it"
    assert len(held.stretches[0].uploads.numbers) == 20, "who reads reads on"


def test_nothing_is_compiled_for_a_search_in_files(tmp_path: Path) -> None:
    """It takes longer than the search among millions."""
    folder, value = _some(tmp_path)
    warm()
    compiled = {name: len(made.signatures) for name, made in vars(kernels).items() if hasattr(made, "signatures")}
    assert len(compiled) > 3
    assert folder.open().search(value)
    search(folder.open().stretches[0].uploads, value)
    for name, count in compiled.items():
        assert len(getattr(kernels, name).signatures) == count, name


def test_full_stretches_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST_UPLOADS", 10)
    chance = random.Random(2)
    known = chance.randbytes(32)
    every = made(28, known, chance)
    folder = PastFolder(tmp_path)
    for start in range(0, 28, 4):
        folder.close([(DAY, packed(every[start : start + 4]))], start + 4, 0)
    assert [stretch.uploads for stretch in folder.manifest().stretches] == [8, 8, 8, 4]
    assert set(folder.open().search(known)) == by_force(every, known)


def _some(tmp_path: Path) -> tuple[PastFolder, bytes]:
    """Give a folder with some uploads, and a value of one of them."""
    chance = random.Random(3)
    folder = PastFolder(tmp_path)
    every = made(20, chance.randbytes(32), chance)
    folder.close([(DAY, packed(every))], 20, 0)
    return folder, every[0][2][0]


def test_files_of_an_older_layout_are_written_anew(tmp_path: Path) -> None:
    folder, value = _some(tmp_path)
    path = tmp_path / "manifest.json"
    told = json.loads(path.read_bytes())
    path.write_text(json.dumps(told | {"format": 1}))
    assert folder.open() == NOTHING
    every = made(20, value, random.Random(5))
    folder.close([(DAY, packed(every))], 20, 0)
    assert set(folder.open().search(value)) == by_force(every, value)
    assert len(list(tmp_path.glob("*.npy"))) == _FILES, "the older ones are gone"


@pytest.mark.parametrize("what", ["numbers", "ids", "ends", "values", "words", "blocks", "manifest.json"])
@pytest.mark.parametrize("damage", ["gone", "short", "garbage"])
def test_a_damaged_file_is_never_searched(tmp_path: Path, what: str, damage: str) -> None:
    folder, _ = _some(tmp_path)
    (path,) = (file for file in tmp_path.iterdir() if what in file.name)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "short" else b"\x93NUMPY garbage")
    assert folder.open() == NOTHING
    folder.begin_anew()
    assert folder.open() == NOTHING
    assert {file.name for file in tmp_path.iterdir()} == {"manifest.json"}


def test_a_bit_that_turned_is_found_by_reading_through(tmp_path: Path) -> None:
    folder, _ = _some(tmp_path)
    (path,) = tmp_path.glob("*.words.npy")
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(data)
    with pytest.raises(Damaged):
        folder.verify()


def test_ends_that_lead_beyond_the_values_are_refused(tmp_path: Path) -> None:
    folder, value = _some(tmp_path)
    (path,) = tmp_path.glob("*.ends.npy")
    ends = np.load(path)
    ends[-1] += 1000
    np.save(path, ends)
    # It is read only where something may be near, and nothing is told from it then.
    with pytest.raises(Damaged):
        folder.open().search(value)
    with pytest.raises(Damaged):
        folder.forget([1], DAY)


def test_blocks_that_lead_beyond_the_values_lead_nowhere(tmp_path: Path) -> None:
    folder, value = _some(tmp_path)
    (path,) = tmp_path.glob("*.blocks.npy")
    blocks = np.load(path)
    blocks += 2**31
    np.save(path, blocks)
    assert folder.open().search(value) == []
    with pytest.raises(Damaged):
        folder.forget([1], DAY)


def test_a_manifest_names_no_value(tmp_path: Path) -> None:
    folder, _ = _some(tmp_path)
    told = json.loads(json.loads((tmp_path / "manifest.json").read_bytes())["manifest"])
    assert set(told) == {"closed_to", "closed_at", "last", "stretches"}
    assert len(folder.manifest().last) == 16


@pytest.mark.parametrize("stops_after", range(12))
def test_stopped_between_any_two_steps_the_files_are_whole(
    tmp_path: Path, stops_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Exception):
        pass

    chance = random.Random(4)
    known = chance.randbytes(32)
    before, more = made(10, known, chance), made(10, known, chance, first=11)
    folder = PastFolder(tmp_path)
    folder.close([(DAY, packed(before))], 10, 0)
    left = stops_after

    def counting(name: str) -> None:
        original = getattr(Folder, name)

        def stop_or_do(self: Folder, *given: object, **named: object) -> object:
            nonlocal left
            if left == 0:
                raise Stopped
            left -= 1
            return original(self, *given, **named)

        monkeypatch.setattr(Folder, name, stop_or_do)

    for name in ("create", "finish", "write", "rename", "make_durable", "remove"):
        counting(name)
    with suppress(Stopped):
        folder.close([(DAY, packed(more))], 20, 0)
    monkeypatch.undo()
    found = PastFolder(tmp_path).open()
    assert found.closed_to in {10, 20}
    assert set(found.search(known)) == by_force(before if found.closed_to == 10 else [*before, *more], known)
    folder.verify()
    # The next one tidies up.
    folder.close([], 21, 0)
    assert len(list(tmp_path.glob("*.npy"))) == _FILES
