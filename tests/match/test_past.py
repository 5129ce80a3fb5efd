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

from tidegate.kernel.ids import ContentId
from tidegate.match import past
from tidegate.match.past import NOTHING, PastFolder, Uploads, uploads_of
from tidegate.match.values.files import Damaged, Folder

DAY = date(2026, 11, 23)
Made = list[tuple[int, bytes, list[bytes]]]


def near_to(value: bytes, bits: int, chance: random.Random) -> bytes:
    number = int.from_bytes(value)
    for place in chance.sample(range(256), bits):
        number ^= 1 << place
    return number.to_bytes(32)


def made(count: int, known: bytes, chance: random.Random, *, first: int = 1) -> Made:
    """Make uploads with 0 to 3 values each, many of them about as far from a known value as the radius is."""
    every: Made = []
    for number in range(first, first + count):
        values = [
            near_to(known, chance.choice((0, 5, 30, 31, 32, 33, 60)), chance)
            if chance.random() < 0.4
            else chance.randbytes(32)
            for _ in range(chance.randrange(1, 4))
        ]
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
    assert set(past.search(packed(every), known)) == by_force(every, known)


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
    words = np.frombuffer(values[0], dtype=">u8").astype(np.uint64)
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        assert content not in data, file.name
        assert content.hex().encode() not in data, file.name
        assert words[:2].tobytes() not in data, file.name
        assert words[2:].tobytes() not in data, file.name
    assert not folder.forget([7], DAY), "and nothing is written again for it"
    assert len(held.uploads[0].numbers) == 20, "who reads reads on"


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


def _some(tmp_path: Path) -> PastFolder:
    chance = random.Random(3)
    folder = PastFolder(tmp_path)
    folder.close([(DAY, packed(made(20, chance.randbytes(32), chance)))], 20, 0)
    return folder


@pytest.mark.parametrize("what", ["numbers", "ids", "ends", "first", "second", "manifest.json"])
@pytest.mark.parametrize("damage", ["gone", "short", "garbage"])
def test_a_damaged_file_is_never_searched(tmp_path: Path, what: str, damage: str) -> None:
    folder = _some(tmp_path)
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
    folder = _some(tmp_path)
    (path,) = tmp_path.glob("*.first.npy")
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(data)
    with pytest.raises(Damaged):
        folder.verify()


def test_ends_that_lead_beyond_the_values_are_refused(tmp_path: Path) -> None:
    folder = _some(tmp_path)
    (path,) = tmp_path.glob("*.ends.npy")
    ends = np.load(path)
    ends[-1] += 1000
    np.save(path, ends)
    assert folder.open() == NOTHING


def test_a_manifest_names_no_value(tmp_path: Path) -> None:
    folder = _some(tmp_path)
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
    assert len(list(tmp_path.glob("*.npy"))) == 5
