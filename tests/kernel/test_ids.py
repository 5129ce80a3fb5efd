"""Ids: they read back, they sort by time, and one kind is never taken for another."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import made
from tidegate.kernel import ids
from tidegate.kernel.errors import Malformed
from tidegate.kernel.ids import CaseId, ContentId, Id, LeafId

EVERY = sorted(Id.__subclasses__(), key=lambda kind: kind.word)
numbers = st.integers(0, 2**128 - 1)


@given(st.sampled_from(EVERY), numbers)
def test_every_id_reads_back(kind: type[Id], number: int) -> None:
    identity = kind(UUID(int=number))
    assert kind.parse(str(identity)) == identity
    assert str(identity).startswith(f"{kind.word}_")


@given(numbers, st.sampled_from(EVERY), st.sampled_from(EVERY))
def test_no_id_is_taken_for_another_kind(number: int, one: type[Id], other: type[Id]) -> None:
    if one is not other:
        with pytest.raises(Malformed, match=other.word):
            other.parse(str(one(UUID(int=number))))


@given(st.text(max_size=40))
def test_other_text_is_no_id(text: str) -> None:
    with pytest.raises(Malformed):
        ContentId.parse(text)


@given(numbers, st.integers(0, 33), st.characters())
def test_one_changed_sign_gives_another_id_or_none(number: int, place: int, sign: str) -> None:
    text = str(ContentId(UUID(int=number)))
    changed = text[:place] + sign + text[place + 1 :]
    try:
        read = ContentId.parse(changed)
    except Malformed:
        return
    assert (str(read) == text) == (changed == text)
    assert str(read) == changed, "each id has one text"


@given(numbers)
def test_the_order_of_texts_is_the_order_of_ids(number: int) -> None:
    other = number ^ (1 << 60)
    low, high = sorted((number, other))
    assert str(ContentId(UUID(int=low))) < str(ContentId(UUID(int=high)))


@given(made.times, st.integers(1, 10_000), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_later_ids_sort_later_whatever_the_randomness(
    now: datetime, milliseconds: int, first: bytes, second: bytes
) -> None:
    earlier = ContentId.new(now, lambda _: first)
    later = ContentId.new(now + timedelta(milliseconds=milliseconds + 1), lambda _: second)
    assert earlier < later
    assert earlier.value.version == 7
    assert earlier.value.variant == "specified in RFC 4122"


def test_a_leaf_id_says_nothing_of_when() -> None:
    def random(count: int) -> bytes:
        return b"\x5a" * count

    assert LeafId.new(made.NOW, random) == LeafId.new(made.NOW + timedelta(days=400), random)
    assert LeafId.new(made.NOW, random).value.version == 4


def test_words_are_unique() -> None:
    words = [kind.word for kind in EVERY]
    assert len(words) == len(set(words))
    assert ids.CaseId is CaseId
