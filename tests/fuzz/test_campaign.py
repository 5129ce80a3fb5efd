"""The campaign itself: it makes the same files again, and what it makes is worth showing."""

import io
import struct
import warnings
import zlib
from collections import Counter
from random import Random

import pytest
from PIL import Image, UnidentifiedImageError

from fuzz.bombs import bombs, png
from fuzz.campaign import Files
from fuzz.mutate import _STRUCTURED, mutate
from fuzz.seeds import seeds


def test_a_file_is_made_of_its_seed_and_number_alone() -> None:
    one, other = Files(7), Files(7)
    assert [one[number] for number in (70, 500, 71)] == [other[number] for number in (70, 500, 71)]
    assert one[500] != Files(8)[500]


def test_mutants_are_of_every_kind_and_hardly_ever_whole() -> None:
    files = Files(7)
    first = len(bombs())
    mutants = [files[number][1] for number in range(first, first + 600)]
    kinds = Counter(mutant.format for mutant in mutants)
    assert set(kinds) == {seed.format for seed in seeds()}
    whole = {seed.data for seed in seeds()}
    assert sum(mutant.data in whole for mutant in mutants) < 30
    assert max(len(mutant.data) for mutant in mutants) <= 1 << 20


def test_changed_chunks_have_right_checksums() -> None:
    whole = next(seed for seed in seeds() if seed.format == "png")
    for number in range(50):
        data, at = _STRUCTURED["png"](whole.data, Random(number)), 8
        while at < len(data):
            (length,) = struct.unpack_from(">I", data, at)
            named = data[at + 4 : at + 8 + length]
            assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(named),)
            at += 12 + length


def test_a_good_part_of_the_mutants_gets_past_the_door() -> None:
    """Files that are refused by their first bytes would show nothing of what lies behind them."""
    pictures = [seed for seed in seeds() if seed.kind == "picture"]
    others = [seed.data for seed in seeds()]
    opened = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(400):
            chance = Random(number)
            whole = chance.choice(pictures)
            _, data = mutate(whole.data, whole.format, others, chance)
            try:
                with Image.open(io.BytesIO(data)) as image:
                    opened += image.width > 0
            except (UnidentifiedImageError, ValueError, SyntaxError, OSError, Image.DecompressionBombError):
                continue
    assert opened > 100


def test_a_hand_made_png_is_one() -> None:
    with Image.open(io.BytesIO(png(5, 3, zlib.compress(bytes(16 * 3))))) as image:
        image.load()
        assert image.size == (5, 3)


def test_every_structure_survives_every_seed_and_nothing() -> None:
    for seed in seeds():
        for number in range(30):
            chance = Random(number)
            _STRUCTURED[seed.format](_STRUCTURED[seed.format](seed.data, chance), chance)
    for mutation in _STRUCTURED.values():
        for data in (b"", b"\0", bytes(9), bytes(40)):
            mutation(data, Random(0))


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "gif", "video", "text", "link"])
def test_every_format_has_a_structure(name: str) -> None:
    assert name in _STRUCTURED
