# ruff: noqa: RUF001 -- look-alike letters are what this is about
"""Letters on their way out of the jail: the same as ever, and nothing believed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.fingerprint.words.letters import codes_of, letters
from tidegate.fingerprint.words.spelling import FEW, Spelling, _in_alphabet, spelling_of

#: Characters that become nothing, one letter, several, another one from place to place, and symbols.
TRICKY = st.text(
    alphabet=st.one_of(
        st.sampled_from("aAXΝνΗВнІіß\u0301\u200d\u0941\u0930\u0f77\u0e33कि가각힣ㄱﷺ㍿½👍🅰你\U00020000 "),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


def read_back(spelling: Spelling) -> str:
    again = Spelling.unpack(spelling.pack(), spelling.count)
    assert len(again.codes) == again.count == spelling.count
    return again.codes.tobytes().decode("utf-32-le")


@given(TRICKY, st.integers(1, 3))
@settings(deadline=None, max_examples=400)
def test_a_spelling_reads_back_as_the_letters(text: str, times: int) -> None:
    codes = codes_of(text * times)
    assert read_back(_in_alphabet(codes)) == read_back(spelling_of(codes)) == letters(text * times).text


@pytest.mark.parametrize(
    "text",
    [
        "The old bridge, again. " * FEW,
        "".join(map(chr, range(0xAC00, 0xD7A4))) * 2,
        "ﷺ" * 3 * FEW + "a",
        "😀" * FEW,
        "?" * FEW,
        "कि\u0941 p\u0941 \u0e33" * FEW,
        "Ν ΝΗ Νa कΝ " * FEW,
        "\u0f77\u0f40\u0f77" * FEW,
        # More different ones than an alphabet has room for.
        "".join(chr(code) for code in range(0x20, 0x50000) if not 0xD800 <= code < 0xE000),
    ],
)
def test_long_texts_read_back(text: str) -> None:
    assert read_back(spelling_of(codes_of(text))) == letters(text).text


def test_a_character_of_many_letters_is_small_on_its_way() -> None:
    spelling = spelling_of(codes_of("ﷺ" * 250_000))
    assert spelling.count == 3_750_000
    assert len(spelling.pack()) < 251_000


def _made(numbers: list[int], lengths: list[int], text: str) -> bytes:
    return Spelling(np.array(numbers, dtype=np.uint8), np.array(lengths, dtype=np.uint8), codes_of(text), 0).pack()


def test_what_is_a_spelling_is_read() -> None:
    assert Spelling.unpack(_made([1, 0, 1], [1, 2], "abc"), 5).codes.tolist() == [98, 99, 97, 98, 99]
    assert Spelling.unpack(_made([1], [2, 1], "abc"), 5).codes.tolist() == [99]


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\0" * 11,
        _made([1, 0, 1], [1, 2], "abcd"),  # an alphabet longer than it says
        _made([1, 0, 1], [1, 3], "abc"),  # shorter
        _made([2, 0, 1], [1, 2], "abc"),  # a number that is not in it
        _made([0], [], ""),
        _made([1, 1, 1], [1, 2], "abc"),  # more letters than allowed
        _made([1, 0, 1], [1, 2], "abc")[:-1],
        _made([1, 0, 1], [1, 2], "abc")[:20],
        b"\3" + _made([1, 0, 1], [1, 2], "abc")[1:],
        b"\2" + _made([1, 0, 1], [1, 2], "abc")[1:],
        _made([2, 0], [0, 0, 2], "ab"),  # stands for nothing
        b"\0" + _made([], [], "abc")[1:] + b"\0",
        np.array([0, 0, 1, 0xD800], dtype="<u4").tobytes(),
        np.array([0, 0, 1, 0xDFFF], dtype="<u4").tobytes(),
        np.array([0, 0, 1, 0x110000], dtype="<u4").tobytes(),
        np.array([0, 0, 6, *b"abcdef"], dtype="<u4").tobytes(),
        np.array([0, 0, 2, *b"a"], dtype="<u4").tobytes(),
        np.array([0, 0xFFFFFFFF, 0xFFFFFFFF, *b"a"], dtype="<u4").tobytes(),
        np.array([1, 0xFFFFFFFF, 0, *b"a"], dtype="<u4").tobytes(),
    ],
)
def test_what_is_no_spelling_is_not_believed(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"spelling|buffer|offset"):
        Spelling.unpack(packed, 5)


@given(st.binary(max_size=80), st.lists(st.integers(0, 3), min_size=3, max_size=3))
@settings(deadline=None)
def test_whatever_a_child_says_is_refused_or_within_bounds(rest: bytes, head: list[int]) -> None:
    try:
        read = Spelling.unpack(np.array(head, dtype="<u4").tobytes() + rest, 20)
    except ValueError:
        return
    codes = read.codes
    assert len(codes) == read.count <= 20
    assert codes.tobytes().decode("utf-32-le") is not None
