"""The tables find what a look at every entry finds: any entries, any queries, however crowded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.match.values import hamming
from tidegate.match.values.hamming import RADIUS, Entries, Hits, Words

NOTHING_GONE = np.zeros(40_000, dtype=np.uint8)
MOST = 100


def changed(value: Words, bits: list[int]) -> Words:
    """Change these bits of a value (4,)."""
    out = value.copy()
    for bit in bits:
        out[bit >> 6] ^= np.uint64(1) << np.uint64(63 - (bit & 63))
    return out


def made(values: Words, strengths: np.ndarray | None = None, gone: np.ndarray | None = None) -> Entries:
    """Build an index over values in any order."""
    values = values[hamming.ascending(values)]
    gone = NOTHING_GONE[: len(values)] if gone is None else gone
    tables = hamming.build(values, hamming.in_memory)
    if tables is not None:
        tables = tables._replace(gone=hamming.read_only(gone))
    strengths = np.zeros(len(values), dtype=np.uint8) if strengths is None else strengths
    return Entries(values, gone, strengths, tables)


def by_hand(entries: Entries, queries: Words, most: int) -> set[tuple[int, int, int]]:
    """Look at every entry with NumPy alone."""
    found = set()
    for number, query in enumerate(queries):
        apart = np.bitwise_count(entries.values ^ query).sum(axis=1)
        rows = [row for row in np.flatnonzero(apart <= RADIUS).tolist() if not entries.gone[row]]
        rows.sort(key=lambda row: (apart[row], row))
        for strength in range(3):
            mine = [row for row in rows if entries.strengths[row] == strength][:most]
            found |= {(number, row, int(apart[row])) for row in mine}
    return found


def told(hits: Hits) -> set[tuple[int, int, int]]:
    rows = list(zip(hits.query.tolist(), hits.row.tolist(), hits.distance.tolist(), strict=True))
    assert rows == sorted(rows, key=lambda row: (row[0], row[2], row[1])), "by query, nearest first"
    assert len(set(rows)) == len(rows), "each once"
    return set(rows)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Entries, Words]:
    """Make entries that share chunks with each other, or nearly, in all the ways that matter to buckets."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.sampled_from([1, 50, 1_100, hamming.SCANNED + 1, 20_000]))
    values = generator.integers(0, 2**64, (count, 4), dtype=np.uint64)
    shape = draw(
        st.sampled_from(["random", "one chunk alike", "half alike", "near one value", "all equal", "few bits"])
    )
    if shape == "one chunk alike":
        values[: count // 10, draw(st.integers(0, 3))] &= np.uint64(0xFFFF_FFFF_0000_FFFF)
    elif shape == "half alike":
        values[:, :2] = values[0, :2]
    elif shape == "near one value":
        near = generator.integers(0, count, count // 2)
        for row in near.tolist():
            values[row] = changed(values[0], generator.choice(256, generator.integers(0, 40), replace=False).tolist())
    elif shape == "all equal":
        values[:] = values[0]
    elif shape == "few bits":
        values &= np.uint64(0x0001_0001_0001_0001)
    strengths = generator.integers(0, draw(st.integers(1, 3)), count).astype(np.uint8)
    gone = (generator.random(count) < draw(st.sampled_from([0, 0.2]))).astype(np.uint8)
    entries = made(values, strengths, gone)
    queries = [
        changed(values[generator.integers(count)], generator.choice(256, distance, replace=False).tolist())
        for distance in draw(st.lists(st.integers(0, RADIUS + 2), min_size=1, max_size=8))
    ]
    return entries, np.array(queries)


@settings(max_examples=60, deadline=None)
@given(crowds(), st.sampled_from([1, 7, MOST]))
def test_it_finds_what_a_look_at_every_entry_finds(crowd: tuple[Entries, Words], most: int) -> None:
    entries, queries = crowd
    expected = by_hand(entries, queries, most)
    assert told(hamming.near(entries, queries, most)) == expected
    assert told(hamming.scan(entries, queries, most)) == expected


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_pair_within_the_radius_is_found_wherever_the_bits_differ(data: st.DataObject) -> None:
    """The pigeonhole at its edge: differences heaped into few chunks, or spread as evenly as they can be."""
    entries = made(np.random.default_rng(7).integers(0, 2**64, (hamming.SCANNED + 1, 4), dtype=np.uint64))
    chunks = data.draw(st.lists(st.integers(0, 15), min_size=1, max_size=16, unique=True))
    bits = data.draw(
        st.lists(st.tuples(st.sampled_from(chunks), st.integers(0, 15)), min_size=0, max_size=RADIUS, unique=True).map(
            lambda places: [16 * chunk + bit for chunk, bit in places]
        )
    )
    row = data.draw(st.integers(0, len(entries.values) - 1))
    hits = hamming.near(entries, changed(entries.values[row], bits).reshape(1, 4), MOST)
    assert (0, row, len(bits)) in told(hits)


def test_two_bits_in_each_chunk_but_one_is_the_hardest_pair_there_is() -> None:
    """15 chunks differ in two bits, one in one: only one bucket of one table finds it, whichever chunk that is."""
    entries = made(np.random.default_rng(8).integers(0, 2**64, (hamming.SCANNED + 1, 4), dtype=np.uint64))
    for lone in range(16):
        bits = [16 * chunk + bit for chunk in range(16) for bit in ((3, 9) if chunk != lone else (0,))]
        hits = hamming.near(entries, changed(entries.values[100], bits).reshape(1, 4), MOST)
        assert (0, 100, RADIUS) in told(hits)


def test_32_bits_are_too_many() -> None:
    entries = made(np.random.default_rng(9).integers(0, 2**64, (hamming.SCANNED + 1, 4), dtype=np.uint64))
    query = changed(entries.values[5], list(range(0, 256, 8)))
    assert told(hamming.near(entries, query.reshape(1, 4), MOST)) == set()


@pytest.mark.parametrize("count", [50, 5_000, 30_000])
def test_beyond_the_radius_most_is_found_and_within_it_all(count: int) -> None:
    """A smaller decoding is searched wider: what the full size would find is within a few bits of it."""
    generator = np.random.default_rng(count)
    values = generator.integers(0, 2**64, (count, 4), dtype=np.uint64)
    entries = made(values)
    for apart, least in ((RADIUS, 1.0), (RADIUS + 1, 0.97), (RADIUS + 3, 0.95), (RADIUS + 8, 0.8)):
        found = 0
        for row in range(100 if count > 50 else 50):
            bits = generator.choice(256, apart, replace=False).tolist()
            query = changed(entries.values[row % count], bits)[None]
            hits = hamming.near(entries, query, MOST, wider=8)
            assert (hits.distance <= RADIUS + 8).all()
            found += row % count in hits.row.tolist()
            within = hits.distance <= RADIUS
            alone = hamming.near(entries, query, MOST)
            assert told(Hits(*(array[within] for array in hits))) == told(alone)
        assert found >= least * (100 if count > 50 else 50), apart


def test_what_may_hold_is_not_crowded_out() -> None:
    """A thousand made-up neighbours of one strength leave the nearest of another in the answer."""
    generator = np.random.default_rng(10)
    value = generator.integers(0, 2**64, 4, dtype=np.uint64)
    near = [changed(value, generator.choice(256, 3, replace=False).tolist()) for _ in range(hamming.SCANNED)]
    values = np.array([*near, changed(value, list(range(31)))])
    order = hamming.ascending(values)
    strengths = np.zeros(len(values), dtype=np.uint8)
    strengths[-1] = 2
    entries = made(values, strengths[order])
    hits = hamming.near(entries, value.reshape(1, 4), MOST)
    assert len(hits.row) == MOST + 1
    assert hits.distance[-1] == RADIUS
    assert entries.strengths[hits.row[-1]] == 2


def test_many_queries_at_once_are_answered_as_each_alone() -> None:
    generator = np.random.default_rng(11)
    entries = made(generator.integers(0, 2**64, (20_000, 4), dtype=np.uint64))
    queries = np.array([changed(entries.values[row], list(range(row % 40))) for row in range(0, 20_000, 50)])
    together = told(hamming.near(entries, queries, MOST))
    alone = {
        (number, row, apart)
        for number in range(len(queries))
        for _, row, apart in told(hamming.near(entries, queries[number : number + 1], MOST))
    }
    assert together == alone
    assert len(together) == sum(row % 40 <= RADIUS for row in range(0, 20_000, 50))


def test_more_hits_than_there_is_room_for_are_found_again() -> None:
    generator = np.random.default_rng(12)
    values = generator.integers(0, 2**64, (40_000, 4), dtype=np.uint64)
    for row in range(3_000):
        values[row] = changed(values[0], generator.choice(256, 4, replace=False).tolist())
    entries = made(values)
    queries = np.repeat(values[:1], 8, axis=0)
    assert told(hamming.near(entries, queries, 4_000)) == by_hand(entries, queries, 4_000)


@settings(deadline=None)  # the first loads kernels
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_the_first_row_that_is_not_below_a_value(numbers: list[int]) -> None:
    values = np.array([[0, 0, number // 2, number] for number in sorted(numbers)], dtype=np.uint64)
    wanted = np.array([[0, 0, number // 2, number] for number in range(5)], dtype=np.uint64)
    ordered = [tuple(value) for value in values.tolist()]
    expected = [sum(value < tuple(each) for value in ordered) for each in wanted.tolist()]
    assert hamming.rows_of(values, wanted).tolist() == expected


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=50))
def test_values_are_sorted_as_numbers(rows: list[tuple[int, int, int, int]]) -> None:
    values = np.array(rows, dtype=np.uint64)
    assert [tuple(value) for value in values[hamming.ascending(values)].tolist()] == sorted(rows)


def test_damaged_buckets_are_refused() -> None:
    entries = made(np.random.default_rng(13).integers(0, 2**64, (hamming.SCANNED + 1, 4), dtype=np.uint64))
    assert entries.tables is not None
    starts = entries.tables.starts.copy()
    starts[3, 7] = 2**31
    with pytest.raises(ValueError, match="no buckets"):
        hamming.tables_of(entries.values, entries.gone, starts, entries.tables.following, entries.tables.rows)
