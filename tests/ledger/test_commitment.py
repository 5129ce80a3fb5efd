"""The commitment: what was committed to opens, field by field; nothing else does."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.published_log import FIELDS, committed, drawn
from tidegate.kernel.canonical import Json
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger.commitment import OpenedField, check, commit, open_field

names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
words = st.text(alphabet='abc äö\n"\\', max_size=10)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(names, values, min_size=1, max_size=9), st.data())
def test_every_field_opens_and_survives_json(fields: dict[str, Json], data: st.DataObject) -> None:
    made = commit(fields, lambda length: drawn(repr(sorted(fields)), length))
    name = data.draw(st.sampled_from(sorted(fields)))
    opened = open_field(fields, made.salts, name)
    check(made.root, opened)
    again = OpenedField.read(json.loads(json.dumps(opened.document())))
    assert again == dataclasses.replace(opened, value=again.value)
    check(made.root, again)


def test_each_field_has_a_salt_of_its_own() -> None:
    asked: list[int] = []

    def randomness(length: int) -> bytes:
        asked.append(length)
        return drawn(f"salt {len(asked)}", length)

    made = commit(FIELDS, randomness)
    assert asked == [32] * len(FIELDS)
    assert len(set(made.salts.values())) == len(FIELDS)


def test_an_opened_field_shows_neither_the_values_nor_the_salts_of_the_others() -> None:
    made = committed(1)
    shown = json.dumps(open_field(FIELDS, made.salts, "seen").document())
    for name in FIELDS.keys() - {"seen"}:
        assert made.salts[name] not in shown
        assert FIELDS[name] is None or str(FIELDS[name]) not in shown


def test_without_the_salt_the_right_guess_is_not_confirmed() -> None:
    made = committed(1)
    opened = open_field(FIELDS, made.salts, "content")
    for number in range(50):
        with pytest.raises(IntegrityError):
            check(made.root, dataclasses.replace(opened, salt=drawn(f"guess {number}", 32).hex()))


OPENED = open_field(FIELDS, committed(1).salts, "reason")


@pytest.mark.parametrize(
    "altered",
    [
        dataclasses.replace(OPENED, name="reasons"),
        dataclasses.replace(OPENED, name="content"),
        dataclasses.replace(OPENED, name="Not a name"),
        dataclasses.replace(OPENED, value="You are told something else."),
        dataclasses.replace(OPENED, value=None),
        dataclasses.replace(OPENED, value=1.5),  # type: ignore[arg-type]  # what JSON may hold
        dataclasses.replace(OPENED, salt=OPENED.salt.upper()),
        dataclasses.replace(OPENED, salt="0" * 64),
        dataclasses.replace(OPENED, salt=""),
        dataclasses.replace(OPENED, index=OPENED.index + 1),
        dataclasses.replace(OPENED, index=-1),
        dataclasses.replace(OPENED, index=99),
        dataclasses.replace(OPENED, size=0),
        dataclasses.replace(OPENED, size=2**70),
        dataclasses.replace(OPENED, path=()),
        dataclasses.replace(OPENED, path=OPENED.path[::-1]),
        dataclasses.replace(OPENED, path=(*OPENED.path, "0" * 64)),
        dataclasses.replace(OPENED, path=("0" * 64, *OPENED.path[1:])),
        dataclasses.replace(OPENED, path=("zz", *OPENED.path[1:])),
        dataclasses.replace(OPENED, path=OPENED.path * 1000),
    ],
)
def test_an_altered_field_is_refused(altered: OpenedField) -> None:
    with pytest.raises(IntegrityError):
        check(committed(1).root, altered)


def test_a_field_of_another_record_is_refused() -> None:
    with pytest.raises(IntegrityError):
        check(committed(2).root, OPENED)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        OPENED.document() | {"more": 1},
        OPENED.document() | {"index": True},
        OPENED.document() | {"size": 4.0},
        OPENED.document() | {"path": "0" * 64},
        OPENED.document() | {"path": [1]},
        OPENED.document() | {"name": 1},
        OPENED.document() | {"salt": None},
    ],
)
def test_what_has_not_the_form_of_an_opened_field_is_refused(document: object) -> None:
    with pytest.raises(IntegrityError):
        OpenedField.read(document)


@pytest.mark.parametrize("fields", [{}, {"Name": 1}, {"a b": 1}, {"": 1}, {"a": 1.5}, {"a": "e\u0301"}])
def test_what_cannot_be_committed_to_is_refused_when_it_is_made(fields: dict[str, Json]) -> None:
    with pytest.raises(Malformed):
        commit(fields, bytes)


def test_salts_of_other_fields_are_refused() -> None:
    with pytest.raises(Malformed):
        open_field(FIELDS, {"reason": "0" * 64}, "reason")
    with pytest.raises(Malformed):
        open_field(FIELDS, committed(1).salts, "nothing")
