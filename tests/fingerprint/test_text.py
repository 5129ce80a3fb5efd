"""A text through the jail, and what is remembered of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from running import Loop
from tidegate.fingerprint.words.letters import codes_of, normalise
from tidegate.fingerprint.words.link import MOST_WRITTEN, Written
from tidegate.fingerprint.words.spelling import spelling_of
from tidegate.fingerprint.words.text import (
    LARGEST_TEXT,
    MOST_IN_SKETCH,
    MOST_LETTERS,
    SHORTEST_COMPARED,
    Sketch,
    fingerprint_in,
    locate_in,
    pack_answer,
    read_text,
    stored_hashes,
    unpack_answer,
)
from tidegate.jail import Jail, JailError, Reason

WORDS = "The bridge over the old harbour was built by hand in a single summer, plank by plank. "


@given(st.text(alphabet="abcdeяз橋", max_size=400))
def test_a_sketch_reads_back(letters: str) -> None:
    made = read_text(letters).sketch
    read = Sketch.unpack(made.pack())
    assert (read.units, read.digest, read.hashes.tolist()) == (made.units, made.digest, made.hashes.tolist())
    assert bool(read.digest) is (read.units < SHORTEST_COMPARED)
    assert stored_hashes(made.pack()) == (made.hashes.tolist() or stored_hashes(read.pack()))


@given(st.binary(max_size=60))
def test_what_is_no_sketch_is_refused_or_reads_back(packed: bytes) -> None:
    try:
        sketch = Sketch.unpack(packed)
    except ValueError:
        return
    assert sketch.pack() == packed


def test_the_sketch_of_a_long_text_is_cut() -> None:
    letters = normalise("".join(f"{number} planks, " for number in range(60_000)))
    sketch = read_text(letters).sketch
    assert sketch.cut
    assert len(sketch.hashes) == MOST_IN_SKETCH


PLACE = Written("https://bridge.example/", 3, 20)


def packed(letters: str, *addresses: Written, partial: bool = False) -> bytes:
    return pack_answer(spelling_of(codes_of(letters)), addresses, partial=partial)


@pytest.mark.parametrize("text", ["", WORDS, WORDS * 100])
@pytest.mark.parametrize("partial", [True, False])
def test_an_answer_reads_back(text: str, partial: bool) -> None:
    spelling, addresses, more = unpack_answer(packed(text, PLACE, PLACE, partial=partial))
    assert (addresses, more) == ((PLACE, PLACE), partial)
    assert spelling.codes.tolist() == codes_of(normalise(text)).tolist()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        packed("")[:-1],
        packed("") + b"\xff",
        packed("a" * (MOST_LETTERS + 1)),
        packed("", PLACE)[:-13],
        packed("", *([PLACE] * (MOST_WRITTEN + 1))),
        packed("", Written("no address", 0, 10)),
        packed("", Written("https://bridge.example/\n", 0, 10)),
        packed("", Written("https://bridge.example/", 10, 10)),
        packed("", Written("https://bridge.example/", 0, LARGEST_TEXT + 1)),
    ],
)
def test_an_answer_that_cannot_be_one_is_not_believed(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"spelling|out of range|another length|no address"):
        unpack_answer(answer)


@given(st.binary(max_size=80))
def test_no_answer_does_worse_than_to_be_refused(answer: bytes) -> None:
    try:
        unpack_answer(answer)
    except ValueError:
        return


def test_a_text_is_read_in_the_jail(serving: Loop, jail: Jail) -> None:
    data = ("\ufeff“" + WORDS.upper() + "”").encode()
    found = serving.run(fingerprint_in(jail, data))
    assert found.letters == normalise(WORDS)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"caf\xe9", b"\xed\xa0\x80", WORDS.encode("utf-16")])
def test_what_is_no_utf_8_is_undecodable(serving: Loop, jail: Jail, data: bytes) -> None:
    with pytest.raises(JailError) as refused:
        serving.run(fingerprint_in(jail, data))
    assert refused.value.reason is Reason.UNDECODABLE


@pytest.mark.parametrize("text", ["", " \n\u200b?!"])
def test_a_text_without_letters_is_a_text(serving: Loop, jail: Jail, text: str) -> None:
    assert serving.run(fingerprint_in(jail, text.encode())).letters == ""


@pytest.mark.parametrize("data", [b"a" * (LARGEST_TEXT + 1), "ﷺ".encode() * 500_000])
def test_what_is_too_long_is_told_so(serving: Loop, jail: Jail, data: bytes) -> None:
    with pytest.raises(JailError) as refused:
        serving.run(fingerprint_in(jail, data))
    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("character", ["a", "\u0301", "\u200b", "ﷺ", "橋", "😀", "\U0010fffd", "\u0e31"])
def test_a_megabyte_of_one_character_is_read(serving: Loop, jail: Jail, character: str) -> None:
    data = character.encode() * min(1_000_000 // len(character.encode()), 230_000)
    found = serving.run(fingerprint_in(jail, data))
    assert found.letters == normalise(data.decode())


def test_letters_are_found_again_in_the_text(serving: Loop, jail: Jail) -> None:
    text = "א\u200b — THE ½ ḃridge\u0323! 😀 ﬁn"
    letters = normalise(text)
    start = letters.index(normalise("bridge"))
    (bridge, whole, none) = serving.run(
        locate_in(jail, text.encode(), [(start, start + len(normalise("bridge"))), (0, len(letters)), (5, 5)])
    )
    assert text[bridge[0] : bridge[1]] == "ḃridge"
    assert text[whole[0] : whole[1]] == text
    assert none == (0, 0)
