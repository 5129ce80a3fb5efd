"""The leaf: its bytes are fixed for ever, and nothing but a leaf can be read as one."""

import dataclasses
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.published_log import sample_leaf
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger.entry import (
    FIELDS,
    LONGEST,
    Basis,
    DecidedBy,
    Ground,
    Leaf,
    LeafContent,
    LeafKind,
    Measure,
    Tallied,
    decode,
    encode,
)

tags = st.binary(min_size=16, max_size=16).map(bytes.hex)


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    content_kind = draw(st.sampled_from(LeafContent))
    leaf = draw(tags)
    return Leaf(
        leaf=leaf,
        kind=draw(st.sampled_from(LeafKind)),
        content_kind=content_kind,
        measure=draw(st.sampled_from(Measure)),
        basis=draw(st.sampled_from(Basis)),
        ground=draw(st.sampled_from(Ground)),
        decided_by=draw(st.sampled_from(DecidedBy)),
        tallied=draw(st.sampled_from(Tallied)),
        day=draw(st.dates()),
        count=draw(st.integers(1, 2**53 - 1)),
        cites=draw(st.none() | tags.filter(lambda tag: tag != leaf)),
        account=draw(st.none() | tags) if content_kind is LeafContent.ACCOUNT else None,
        commitment=draw(st.binary(min_size=32, max_size=32)).hex(),
    )


@given(leaves())
def test_a_leaf_reads_back_as_it_was_written(leaf: Leaf) -> None:
    data = encode(leaf)
    assert decode(data) == leaf
    assert len(data) < LONGEST


def test_the_bytes_of_a_leaf_never_change() -> None:
    """If this fails, every log ever published can no longer be read: the form of a leaf must not change."""
    leaf = Leaf(
        leaf="0123456789abcdef0123456789abcdef",
        kind=LeafKind.RESTORATION,
        content_kind=LeafContent.ACCOUNT,
        measure=Measure.REINSTATE_ACCOUNT,
        basis=Basis.APPEAL,
        ground=Ground.HOUSE_RULE,
        decided_by=DecidedBy.OTHER_PEOPLE,
        day=date(2027, 3, 4),
        cites="f" * 32,
        account="e" * 32,
        commitment="d" * 64,
    )
    assert encode(leaf) == (
        b'{"account":"'
        + b"e" * 32
        + b'","basis":"appeal","cites":"'
        + b"f" * 32
        + b'","commitment":"'
        + b"d" * 64
        + b'",'
        b'"content_kind":"account","count":1,"day":"2027-03-04","decided_by":"other_people","ground":"house_rule",'
        b'"kind":"restoration","leaf":"0123456789abcdef0123456789abcdef","measure":"reinstate_account",'
        b'"tallied":"none","version":1}'
    )


def test_the_words_of_a_leaf_never_change() -> None:
    """Taking a word away would make published entries unreadable; adding one needs a new version."""
    assert [str(word) for word in LeafKind] == [
        *("hold", "lapsed", "released", "removal", "restoration", "geo_limit", "account_action"),
        *("order_received", "order_answered", "order_contested", "appeal_opened", "appeal_decided"),
        *("evidence_opened", "signal_added", "signal_withdrawn", "policy_changed", "fuse_tripped", "tally"),
        "correction",
    ]
    assert [str(word) for word in LeafContent] == ["picture", "video", "text", "link", "account", "none"]
    assert [str(word) for word in Measure] == [
        *("none", "hold", "remove", "geo_limit", "suspend_account", "terminate_account", "restore"),
        *("reinstate_account", "uphold", "reverse"),
    ]
    assert [str(word) for word in Basis] == [
        *("none", "exact_match", "look_alike", "decided_before", "flag", "trusted_flag", "referral", "order"),
        *("own_finding", "appeal", "withdrawn_signal", "time_limit"),
    ]
    assert [str(word) for word in Ground] == ["none", "law", "house_rule"]
    assert [str(word) for word in DecidedBy] == [
        "none",
        "machine",
        "one_person",
        "two_people",
        "other_people",
    ]
    assert [str(word) for word in Tallied] == [
        *("none", "clear", "review", "hold", "unchecked", "match_without_record"),
    ]


def _altered(**changes: Any) -> bytes:
    document = json.loads(encode(sample_leaf(5))) | changes
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": True},
        {"version": 1.0},
        {"version": "1"},
        {"kind": "execution"},
        {"kind": None},
        {"kind": ["removal"]},
        {"kind": {"removal": 1}},
        {"content_kind": "person"},
        {"measure": "delete"},
        {"basis": "opinion"},
        {"ground": ""},
        {"decided_by": "robot"},
        {"tallied": "all"},
        {"day": "2027-02-30"},
        {"day": "20270101"},
        {"day": "2027-W01-1"},
        {"day": 20270101},
        {"day": None},
        {"day": "2027-01-01T00:00"},
        {"count": 0},
        {"count": -1},
        {"count": True},
        {"count": 1.0},
        {"count": 2**53},
        {"count": "1"},
        {"count": None},
        {"leaf": "0123456789ABCDEF0123456789ABCDEF"},
        {"leaf": "0" * 31},
        {"leaf": "0" * 33},
        {"leaf": "0" * 32 + "\n"},
        {"leaf": None},
        {"cites": ""},
        {"cites": "x" * 32},
        {"account": "0" * 64},
        {"account": 7},
        {"commitment": "0" * 32},
        {"commitment": None},
        {"note": "anything an outsider might like to say"},
    ],
)
def test_anything_but_a_leaf_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        decode(_altered(**changes))


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_always_there(field: str) -> None:
    document = json.loads(encode(sample_leaf(5)))
    del document[field]
    with pytest.raises(IntegrityError):
        decode(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "spelling",
    [
        lambda data: b" " + data,
        lambda data: data + b"\n",
        lambda data: data.replace(b":", b": ", 1),
        lambda data: json.dumps(dict(reversed(json.loads(data).items())), separators=(",", ":")).encode(),
        lambda data: data.replace(b'"flag"', b'"\\u0066lag"').replace(b'"exact_match"', b'"\\u0065xact_match"'),
        lambda data: data.replace(b'"count":1', b'"count":2,"count":1'),
        lambda data: data.replace(b'"count":1', b'"count":1e0'),
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"\xff" + data,
        lambda data: b"[" + data + b"]",
        lambda _: b"",
        lambda _: b"null",
        lambda _: b"[" * LONGEST,
        lambda _: b"[" * (LONGEST * 40),
        lambda _: b'{"count":' + b"9" * (LONGEST - 10) + b"}",
        lambda _: b"NaN",
    ],
)
def test_a_leaf_has_one_spelling(spelling: Any) -> None:
    with pytest.raises(IntegrityError):
        decode(spelling(encode(sample_leaf(1))))


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail_otherwise(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        decode(data)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"leaf": "short"}, "leaf"),
        ({"commitment": ""}, "commitment"),
        ({"cites": "0"}, "cites"),
        ({"cites": sample_leaf(1).leaf}, "cites"),
        ({"account": "0" * 32}, "account"),
        ({"count": 0}, "count"),
        ({"count": True}, "count"),
    ],
)
def test_a_leaf_outside_its_form_cannot_be_made(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as caught:
        sample_leaf(1, **changes)
    assert caught.value.reference == field


def test_an_account_tag_stands_on_leaves_about_accounts_only() -> None:
    assert sample_leaf(5).account is not None
    with pytest.raises(Malformed):
        dataclasses.replace(sample_leaf(5), content_kind=LeafContent.PICTURE)
