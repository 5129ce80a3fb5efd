"""What the platform is asked and how long we try; only its own word counts as done."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate.enforcement import rules
from tidegate.enforcement.delivery import read_answer
from tidegate.enforcement.model import RESTRICTIONS, Action, Restriction

IDENTITY = "instruction_01k00000000000000000000000"


@given(st.lists(st.sampled_from(Action), max_size=12))
def test_whatever_is_asked_in_whatever_order_can_be_lifted(actions: list[Action]) -> None:
    present = Restriction.NONE
    for action in actions:
        following = rules.next_restriction(present, action)
        assert (following is not None) == (action in RESTRICTIONS[present])
        present = following or present
    lift = rules.lift(present)
    if lift is not None:
        assert rules.next_restriction(present, lift) is Restriction.NONE


@given(st.integers(0, 10_000))
def test_attempts_come_ever_later_but_at_least_hourly(attempt: int) -> None:
    assert 1 <= rules.wait_before(attempt) <= rules.wait_before(attempt + 1) <= 3600


def test_three_days_of_attempts_are_neither_few_nor_a_flood() -> None:
    waited, attempts = 0, 0
    while not rules.give_up(timedelta(seconds=waited)):
        waited += rules.wait_before(attempts)
        attempts += 1
    assert 50 < attempts < 200


answers = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["acknowledged", "applied", "other"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.integers(100, 599), answers | st.fixed_dictionaries({"acknowledged": st.just(IDENTITY), "applied": answers}))
def test_only_the_platforms_own_word_counts(status: int, said: Any) -> None:
    delivery = read_answer(status, json.dumps(said).encode(), IDENTITY)
    good = (
        status == 200
        and isinstance(said, dict)
        and said.get("acknowledged") == IDENTITY
        and isinstance(said.get("applied"), bool)
    )
    assert (delivery.applied is not None) == good
    assert bool(delivery.problem) != good


@given(st.binary(max_size=200))
def test_garbage_is_no_acknowledgement(content: bytes) -> None:
    assert read_answer(200, content, IDENTITY).applied is None


def test_nothing_in_an_answer_ends_a_delivery_but_its_refusal() -> None:
    deep = b"[" * 4000
    assert read_answer(200, deep, IDENTITY).applied is None
    assert read_answer(200, b'{"acknowledged": ' + b"1" * 4090, IDENTITY).applied is None
    assert read_answer(200, b"\xff\xfe\x00", IDENTITY).applied is None
    assert read_answer(200, b'{"a": ' + b"9" * 5000 + b"}", IDENTITY).applied is None
