"""Texts: containment both ways, in any script; no match on what many share; and bounds no text can move."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from benchmarks.made_signals import confirmed_signal
from tidegate.content.model import Fingerprints
from tidegate.fingerprint.words.letters import normalise
from tidegate.fingerprint.words.text import read_text
from tidegate.match.index import Index
from tidegate.match.model import Match
from tidegate.match.words.alignment import DIFFERING, align
from tidegate.match.words.kernels import likeliest
from tidegate.match.words.table import MOST_PAIRS, MOST_PLACES, MOST_TEXTS, build, find
from tidegate.match.words.texts import MOST_COMPARED, Texts
from tidegate.signal.model import FingerprintKind, Signal, Standing

NOTHING = Fingerprints(sha256=b"")
#: Letters of real scripts, to make words that never were.
SCRIPTS = {
    "latin": "etaoinshrdlucmfwypvbgk",
    "cyrillic": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "devanagari": "कखगघचछजटडतदनपबमयरलवसह",
    "hangul": "가나다라마바사아자차카타파하고노도로모보소오조",
    "chinese": "".join(map(chr, range(0x4E00, 0x5600))),
    "thai": "กขคงจชซดตถทนบปผพฟมยรลวสหอ",
}


def words(script: str, count: int, seed: int) -> str:
    """Write a text nobody wrote before."""
    chance = random.Random(f"{script} {seed}")
    letters = SCRIPTS[script]
    blank = "" if script == "chinese" else " "
    return blank.join("".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(count))


def signal(number: int, text: str, standing: Standing = Standing.CONFIRMED) -> Signal:
    return replace(confirmed_signal(number, FingerprintKind.TEXT, normalise(text).encode()), standing=standing)


def known(*texts: str) -> Texts:
    part = Texts()
    part.bring_forward([signal(number, text) for number, text in enumerate(texts, start=1)])
    return part


def found(part: Texts, text: str) -> dict[int, Match]:
    return {match.signal.value.int: match for match in part.search(NOTHING, read_text(normalise(text)))}


def by_sketch(part: Texts, text: str) -> set[int]:
    remembered = Fingerprints(sha256=b"", sketch=read_text(normalise(text)).sketch.pack())
    return {match.signal.value.int for match in part.search(remembered, None)}


# --- containment, both ways, in any script ---


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_known_text_is_found_inside_a_longer_one(script: str) -> None:
    text = words(script, 40, 1)
    part = known(words(script, 40, 2), text)
    match = found(part, f"{words(script, 300, 3)} {text} {words(script, 300, 4)}")[2]
    assert match.distance <= 20
    assert match.span is not None
    letters = normalise(text)
    assert match.span.known_end - match.span.known_start >= 0.9 * len(letters)
    assert set(found(part, text)) == {2}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_part_of_a_known_text_is_found(script: str) -> None:
    long = words(script, 2000, 1)
    part = known(words(script, 2000, 2), long)
    middle = len(long) // 2
    excerpt = long[middle : middle + (120 if script == "chinese" else 320)]
    match = found(part, excerpt)[2]
    assert match.span is not None
    assert match.span.known_start > 0
    assert found(part, f"{words(script, 10, 5)} {excerpt}").keys() == {2}


@pytest.mark.parametrize("script", SCRIPTS)
def test_texts_of_the_same_letters_do_not_match(script: str) -> None:
    part = known(*(words(script, 60, seed) for seed in range(40)))
    for seed in range(100, 140):
        assert found(part, words(script, 60, seed)) == {}
        assert by_sketch(part, words(script, 60, seed)) == set()


def _typos(text: str, chance: random.Random) -> str:
    return "".join(chance.choice("xyz") if chance.random() < 0.06 else letter for letter in text)


def _inserted(text: str, chance: random.Random) -> str:
    return " ".join(
        f"{word} {chance.choice(['so', 'then', 'oh'])}" if chance.random() < 0.1 else word for word in text.split()
    )


def _left_out(text: str, chance: random.Random) -> str:
    return " ".join(word for word in text.split() if chance.random() > 0.08)


def _look_alike(text: str, chance: random.Random) -> str:
    return "".join(
        {"o": "\u043e", "e": "\u0435", "a": "\u0430"}.get(letter, letter) + "\u200b" * (chance.random() < 0.3)
        for letter in text
    )


def _spaced(text: str, _chance: random.Random) -> str:
    return ".".join(text)


def _marked(text: str, chance: random.Random) -> str:
    return "".join(letter + chance.choice(["\u0301", "\u0338", "\u0489", ""]) for letter in text.upper())


@pytest.mark.parametrize("edit", [_typos, _inserted, _left_out, _look_alike, _spaced, _marked])
def test_an_edited_text_is_found(edit: Callable[[str, random.Random], str]) -> None:
    chance = random.Random(7)
    texts = [words("latin", 60, seed) for seed in range(60)]
    part = known(*texts)
    hits = sum(number in found(part, edit(text, chance)) for number, text in enumerate(texts, start=1))
    assert hits >= 59


# --- what many share is nobody's ---


def test_texts_that_share_a_greeting_do_not_match() -> None:
    greeting = "Dear neighbours of the old harbour, we hope this letter finds you and your families well this morning. "
    closing = "With kind regards and in good hope of seeing you all at the summer feast, your harbour committee. "
    letters = [greeting + words("latin", 50, seed) + ". " + closing for seed in range(30)]
    part = known(*letters)
    for seed in range(100, 130):
        assert found(part, greeting + words("latin", 50, seed) + ". " + closing) == {}
    assert found(part, greeting) == {}
    assert found(part, closing) == {}
    assert set(found(part, letters[4])) == {5}


def test_a_phrase_of_very_many_known_texts_says_nothing() -> None:
    phrase = words("latin", 60, 999)
    part = known(*(f"{phrase} {words('latin', 20, seed)}" for seed in range(2 * MOST_TEXTS)))
    assert found(part, f"{phrase} {words('latin', 400, 5000)}") == {}
    assert 5 in found(part, f"{phrase} {words('latin', 20, 4)}")


def test_a_short_quotation_is_not_the_text() -> None:
    long = words("latin", 1000, 1)
    part = known(long)
    quotation = long[3000:3100]
    assert found(part, f"{words('latin', 200, 2)} {quotation} {words('latin', 200, 3)}") == {}


# --- short texts: whole or not at all ---


def test_short_texts_match_as_a_whole() -> None:
    part = known("Meet at the bridge, at noon!")
    assert found(part, "MEET AT THE BRIDGE AT NOON")[1].distance == 0
    assert found(part, "Meet at the bridge at noon, friends") == {}
    assert found(part, "Meet at the bridge, at no0n.")[1].distance == 0
    assert by_sketch(part, "MEET AT THE BRIDGE AT NOON") == {1}
    assert by_sketch(part, "Meet at the bridge at noon, friends") == set()


# --- without the text ---


def test_a_sketch_finds_both_ways_and_says_no_span() -> None:
    text, long = words("latin", 60, 1), words("latin", 3000, 2)
    part = known(text, long)
    around = f"{words('latin', 200, 3)} {text} {words('latin', 200, 4)}"
    assert by_sketch(part, around) == {1}
    assert by_sketch(part, long[4000:4600]) == {2}
    (match,) = part.search(Fingerprints(sha256=b"", sketch=read_text(normalise(around)).sketch.pack()), None)
    assert match.span is None
    assert 0 <= match.distance <= match.threshold


def test_a_known_text_is_found_by_the_sketch_of_a_megabyte() -> None:
    text = words("latin", 1500, 1)
    part = known(text)
    assert by_sketch(part, f"{words('latin', 80_000, 2)} {text} {words('latin', 80_000, 3)}") == {1}


# --- coming and going ---


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=25))
@settings(deadline=None, max_examples=40)
def test_it_knows_what_is_known_now(changes: list[tuple[int, bool]]) -> None:
    texts = {number: words("latin", 15, number) for number in range(1, 7)}
    part = Texts()
    now: set[int] = set()
    for number, there in changes:
        part.bring_forward([signal(number, texts[number], Standing.CONFIRMED if there else Standing.WITHDRAWN)])
        now = now | {number} if there else now - {number}
    for number, text in texts.items():
        assert set(found(part, text)) == {number} & now
        assert set(found(part, text + " and so on")) == {number} & now
        assert by_sketch(part, text) == {number} & now


def test_many_batches_make_few_tables() -> None:
    part = Texts()
    for number in range(1, 120):
        part.bring_forward([signal(number, words("latin", 15, number))])
    assert len(part._state.tables) <= 6
    assert set(found(part, words("latin", 15, 17))) == {17}


def test_a_broken_value_keeps_no_other_from_being_found() -> None:
    index = Index()
    text = words("latin", 30, 1)
    broken = replace(signal(2, "x"), value=b"\xff" * 40)
    index.bring_forward([signal(1, text), broken])
    assert [match.signal.value.int for match in index.search(NOTHING, read_text(normalise(text)))[0]] == [1]


# --- lookups against the definition ---

HASHES = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 3), st.integers(2**63, 2**63 + 3), st.just(2**64 - 1))


def _paired(
    tables: list[list[tuple[int, int, int]]], asked: list[tuple[int, int]]
) -> list[tuple[int, int, int, np.float32]]:
    """Pair places as the bounds say it: the rarest hashes first, as many as fit."""
    places: dict[int, list[int]] = {}
    for value, place in asked:
        places.setdefault(value, []).append(place)
    standing = {value: sum(entry[0] == value for table in tables for entry in table) for value in places}
    rare = sorted((value for value in places if 0 < standing[value] <= MOST_TEXTS), key=lambda value: standing[value])
    out, pairs = [], 0
    wanted = []
    for value in rare:
        pairs += standing[value] * min(len(places[value]), MOST_PLACES)
        if pairs <= MOST_PAIRS:
            wanted.append(value)
    for table in tables:
        for value in wanted:
            counted = places[value][:MOST_PLACES]
            weight = np.float32(1 / (standing[value] * len(counted)))
            out += [(row, place, at, weight) for known, row, place in table if known == value for at in counted]
    return out


@given(
    st.lists(st.lists(HASHES, min_size=1, max_size=90), min_size=1, max_size=3),
    st.lists(st.integers(0, 200), max_size=40),
    st.lists(HASHES, max_size=5),
)
@settings(deadline=None, max_examples=150)
def test_the_places_paired_are_those_of_the_definition(
    values: list[list[int]], picks: list[int], others: list[int]
) -> None:
    every = [value for of_table in values for value in of_table]
    asked = sorted((value, at) for at, value in enumerate([every[pick % len(every)] for pick in picks] + others))
    tables, entries, first = [], [], 0
    for of_table in values:
        rows = np.arange(first, first + len(of_table), dtype=np.int32)
        first += len(of_table)
        tables.append(build(np.array(of_table, dtype=np.uint64), rows, rows * 10))
        made = tables[-1]
        entries.append(list(zip(made.hashes.tolist(), made.rows.tolist(), made.places.tolist(), strict=True)))
        assert made.hashes.tolist() == sorted(of_table)
    pairs = find(
        tuple(tables),
        np.array([value for value, _ in asked], dtype=np.uint64),
        np.array([at for _, at in asked], dtype=np.int32),
    )
    found = zip(pairs.rows.tolist(), pairs.known.tolist(), pairs.asked.tolist(), pairs.weights, strict=True)
    assert list(found) == _paired(entries, asked)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from([0.5, 0.25, 1.0])), max_size=200),
    st.sets(st.integers(0, 60)),
)
@settings(deadline=None)
def test_the_likeliest_rows_come_first(said: list[tuple[int, float]], gone: set[int]) -> None:
    speaks = {row: sum(weight for at, weight in said if at == row) for row, _ in said}
    rows, weights = np.array([row for row, _ in said], dtype=np.int32), np.array([each for _, each in said], np.float32)
    alive = np.array([row not in gone for row in range(61)])
    expected = sorted((row for row in speaks if row not in gone), key=lambda row: (-speaks[row], row))
    assert likeliest(rows, weights, alive, MOST_COMPARED).tolist() == expected[:MOST_COMPARED]


def test_more_pairs_than_count_are_left_out_from_the_commonest_on() -> None:
    common = [7] * MOST_TEXTS
    many = [value for value in range(10, 1010) for _ in range(MOST_TEXTS)]
    values = np.array([3, *common, *many], dtype=np.uint64)
    rows = np.arange(len(values), dtype=np.int32)
    asked = np.array([3, 7, *range(10, 1010)], dtype=np.uint64)
    pairs = find((build(values, rows, rows),), asked, np.arange(len(asked), dtype=np.int32))
    assert len(pairs.rows) == 1 + (MOST_PAIRS - 1) // MOST_TEXTS * MOST_TEXTS
    assert pairs.rows[0] == 0


# --- the alignment against the edits there are ---


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_a_span_is_as_different_as_it_says(seed: int) -> None:
    chance = random.Random(seed)
    text = normalise(words("latin", 60, seed))
    asked = (
        normalise(words("latin", 20, seed + 1))
        + normalise(_typos(text, chance))
        + normalise(words("latin", 9, seed + 2))
    )
    places = [
        (at, asked.index(text[at : at + 12])) for at in range(0, len(text) - 12, 7) if text[at : at + 12] in asked
    ]
    if not places:
        return
    span = align(
        asked,
        text,
        np.array([asked_at for _, asked_at in places], dtype=np.int32),
        np.array([at for at, _ in places], dtype=np.int32),
    )
    assert span is not None
    assert 0 <= span.start < span.end <= len(asked)
    assert 0 <= span.known_start < span.known_end <= len(text)
    true = Levenshtein.distance(asked[span.start : span.end], text[span.known_start : span.known_end])
    # Anchored at shared places, it may count an edit more than the best way would.
    assert true <= span.edits <= true + 8
    assert span.differing <= DIFFERING


# --- nobody can slow a node ---


CRAFTED = {
    "one letter": "a" * 1_000_000,
    "one shingle": "abcdefgh" * 125_000,
    "a known text, over and over": words("latin", 60, 3) * 2000,
    "every known text, over and over": "".join(words("latin", 60, seed) for seed in range(300)) * 8,
    "two letters": "".join(random.Random(1).choices("ab", k=1_000_000)),
    "ideographs": words("chinese", 60_000, 1),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_text_made_to_be_slow_is_not(name: str) -> None:
    part = known(*(words("latin", 60, seed) for seed in range(300)), "a" * 5000, "ab" * 3000, "abcdefgh" * 400)
    letters = normalise(CRAFTED[name])
    part.search(NOTHING, read_text(letters[:2000]))
    start = time.perf_counter()
    matches = part.search(NOTHING, read_text(letters))
    assert time.perf_counter() - start < 1.0
    assert len(matches) <= MOST_COMPARED + 1
    assert MOST_PAIRS <= 50_000
