"""Canonical JSON: one value has one text, and what has no one text is refused."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.kernel.canonical import canonical
from tidegate.kernel.errors import Malformed

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def by_hand(value: Any) -> Any:
    """Sort keys by UTF-16, as RFC 8785 section 3.2.3 says."""
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return {key: by_hand(value[key]) for key in ordered}
    return [by_hand(item) for item in value] if isinstance(value, list) else value


@given(json_values)
def test_it_is_the_form_of_the_standard(value: Any) -> None:
    written = canonical(value)
    assert json.loads(written) == value
    assert written == json.dumps(by_hand(value), ensure_ascii=False, separators=(",", ":")).encode()


@given(st.dictionaries(texts, st.integers(0, 9), min_size=2, max_size=6), st.randoms())
def test_the_order_of_fields_does_not_matter(value: dict[str, int], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        2**53,
        -(2**53),
        b"bytes",
        {"a": {1, 2}},
        object(),
        [1, 2.5],
        "e\u0301",
        {"e\u0301": 1},
        "\ud800",
        {"\udfff": 1},
        {1: "a"},
        {None: "a"},
        {True: "a"},
    ],
)
def test_what_has_no_single_text_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        canonical(value)


@given(json_values, json_values)
def test_different_values_have_different_texts(one: Any, other: Any) -> None:
    # Python takes True for 1; JSON does not.
    assert (canonical(one) == canonical(other)) == (json.dumps(by_hand(one)) == json.dumps(by_hand(other)))
