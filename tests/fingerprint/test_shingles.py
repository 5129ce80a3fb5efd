"""Winnowing against what it promises, and against the definition of the paper."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.fingerprint.words.letters import codes_of
from tidegate.fingerprint.words.shingle_kernels import all_hashes, in_order, smallest_halves
from tidegate.fingerprint.words.shingles import SHINGLE, WINDOW, length, lengths, units, winnow

PROMISED = SHINGLE + WINDOW - 1
LETTERS = st.text(alphabet="abcde", max_size=120)


def kept(text: str) -> set[int]:
    return set(winnow(codes_of(text))[0].tolist())


@given(LETTERS, st.text(alphabet="abcdefgh", min_size=PROMISED, max_size=60), LETTERS, LETTERS, LETTERS)
@settings(deadline=None)
def test_texts_that_share_a_run_share_a_hash(before: str, run: str, after: str, other: str, more: str) -> None:
    assert kept(before + run + after) & kept(other + run + more)


@given(st.lists(st.text(alphabet="ab橋梁c", max_size=80), min_size=1, max_size=6))
@settings(deadline=None)
def test_many_texts_at_once_are_each_by_itself(texts: list[str]) -> None:
    starts = np.cumsum([0, *map(len, texts)])[:-1].astype(np.int32)
    codes = codes_of("".join(texts))
    hashes, places, which = winnow(codes, starts)
    assert lengths(codes, starts).tolist() == [length(codes_of(text)) for text in texts]
    for number, text in enumerate(texts):
        mine = which == number
        alone = winnow(codes_of(text))
        assert hashes[mine].tolist() == alone[0].tolist()
        assert (places[mine] - starts[number]).tolist() == alone[1].tolist()


@given(st.text(alphabet="ab", max_size=200))
@settings(deadline=None)
def test_each_window_keeps_its_smallest(text: str) -> None:
    hashes = all_hashes(units(codes_of(text)), SHINGLE)
    places = set(winnow(codes_of(text))[1].tolist())
    for first in range(max(len(hashes) - WINDOW + 1, 1 if len(hashes) else 0)):
        window = hashes[first : first + WINDOW]
        assert any(hashes[place] == window.min() for place in places if first <= place < first + WINDOW)


@given(st.text(alphabet="abc", min_size=SHINGLE, max_size=60))
@settings(deadline=None)
def test_the_rolling_hash_is_that_of_the_shingle(text: str) -> None:
    hashes = all_hashes(codes_of(text), SHINGLE)
    assert [int(value) for value in hashes] == [
        int(all_hashes(codes_of(text[start : start + SHINGLE]), SHINGLE)[0]) for start in range(len(text) - SHINGLE + 1)
    ]


def _defined(hashes: list[int]) -> list[int]:
    """Winnow as the paper says it: of each window the smallest, the one that stands already if it is among them."""
    found: list[int] = []
    at = -1
    for last in range(len(hashes)):
        first = max(last - WINDOW + 1, 0)
        window = hashes[first : last + 1]
        smallest = min(window)
        if at < first:
            at = last - window[::-1].index(smallest)
        elif hashes[last] < hashes[at]:
            at = last
        if (last >= WINDOW - 1 or last == len(hashes) - 1) and found[-1:] != [at]:
            found.append(at)
    return found


@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 2, 3, 5, 400]),
    st.integers(0, 60),
    st.sampled_from([0, 1024, 2048, 3072]),
    st.sampled_from([0, 1, 3, 9, 15, 16, 17, 18, 40]),
)
@settings(deadline=None, max_examples=120)
def test_what_is_kept_is_as_the_paper_says(seed: int, alphabet: int, length_of: int, more: int, period: int) -> None:
    chance = np.random.default_rng(seed)
    codes = chance.integers(97, 97 + alphabet, more + length_of, dtype=np.uint32)
    if period:
        # A text that repeats itself, with a slip of the pen here and there.
        codes = np.resize(codes[:period], len(codes)) if len(codes) else codes
        for slip in chance.integers(0, max(len(codes), 1), seed % 4) if len(codes) else ():
            codes[slip] += 1
    # Every hash of a shingle taken by itself: no loop over a long text is trusted.
    single = [int(all_hashes(codes[at : at + SHINGLE], SHINGLE)[0]) for at in range(len(codes) - SHINGLE + 1)]
    hashes, places, _ = winnow(codes)
    assert places.tolist() == _defined(single)
    assert hashes.tolist() == [single[place] for place in places]


@given(
    st.lists(st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 5), st.sampled_from([2**32, 2**32 + 1, 2**64 - 1])))
)
@settings(deadline=None)
def test_hashes_are_sorted_and_equal_ones_stay_in_order(values: list[int]) -> None:
    places = np.arange(len(values), dtype=np.int32)
    hashes, at = in_order(np.array(values, dtype=np.uint64), places)
    assert at.tolist() == sorted(range(len(values)), key=lambda place: values[place])
    assert hashes.tolist() == sorted(values)
    assert smallest_halves(hashes, 5).tolist() == sorted({value >> 32 for value in values})[:5]


def test_values_are_the_same_for_ever() -> None:
    hashes, places, _ = winnow(codes_of("thebridgeovertheoldharbourwasbuiltbyhand"))
    assert [f"{value:016x}" for value in hashes.tolist()] == [
        "0ccb3224cf7acba4",
        "0f548f58a07863af",
        "28fb5b165c121394",
        "0ff90454e1c60f0c",
    ]
    assert places.tolist() == [0, 7, 10, 25]


def test_four_ideographs_are_a_shingle() -> None:
    assert length(codes_of("橋梁a")) == 5
    assert not kept("橋梁建")
    assert kept("橋梁建造")


def test_a_text_that_repeats_itself_keeps_few() -> None:
    hashes, places, _ = winnow(codes_of("a" * 100_000))
    assert len(set(hashes.tolist())) == 1
    assert len(places) < 100_000 / 10
