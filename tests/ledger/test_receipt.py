"""Proofs and receipts: what a person holds can be checked offline, and nothing in it can be bent."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.published_log import FIELDS, OTHER_KEY, VERIFIER, Log, committed
from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger import receipt
from tidegate.ledger.commitment import open_field
from tidegate.ledger.note import Verifier
from tidegate.ledger.proof import Proof, prove
from tidegate.ledger.receipt import Status

LOG = Log.of(70)
PROOF = LOG.proof(33)
RECEIPT = LOG.receipt(33, names=("reason", "seen"))


@pytest.mark.parametrize("size", [1, 2, 3, 64, 65, 70])
def test_every_entry_has_a_proof_that_reads_back_and_holds(size: int) -> None:
    for index in range(size):
        proof = Proof.read(LOG.proof(index, size).write())
        assert proof == LOG.proof(index, size)
        assert proof.verify(LOG.entries[index], VERIFIER) == LOG.checkpoint(size)


def test_a_proof_has_the_form_of_the_specification() -> None:
    lines = PROOF.write().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 33"]
    assert PROOF.write().endswith("\n\n" + LOG.signed())
    extra = dataclasses.replace(PROOF, extra=b"anything")
    assert extra.write().split("\n")[1:3] == ["extra YW55dGhpbmc=", "index 33"]
    assert Proof.read(extra.write()) == extra


@pytest.mark.parametrize(
    "text",
    [
        "",
        PROOF.write().replace("@v1", "@v2"),
        PROOF.write().replace("index 33", "index 033"),
        PROOF.write().replace("index 33", "index -1"),
        PROOF.write().replace("index 33\n", ""),
        PROOF.write().replace("index 33", "index 33 "),
        PROOF.write().replace("index 33", "extra ?\nindex 33"),
        PROOF.write().replace("index 33\n", "index 33\nAAAA\n"),
        PROOF.write().replace("index 33\n", "index 33\n" + f"{'A' * 43}=\n" * 64),
        PROOF.write().partition("\n\n")[0],
        "c2sp.org/tlog-proof@v1\n\n" + LOG.signed(),
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        Proof.read(text)


@given(st.data())
def test_no_flipped_bit_in_a_proof_goes_unnoticed(data: st.DataObject) -> None:
    text = bytearray(PROOF.write().encode())
    text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        altered = text.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(IntegrityError):
        Proof.read(altered).verify(LOG.entries[33], VERIFIER)


def test_a_proof_is_of_one_entry_and_one_log_only() -> None:
    for entry in (LOG.entries[32], LOG.entries[34], b""):
        with pytest.raises(IntegrityError):
            PROOF.verify(entry, VERIFIER)
    with pytest.raises(IntegrityError):
        PROOF.verify(LOG.entries[33], Verifier.of(LOG.origin, OTHER_KEY))
    with pytest.raises(IntegrityError):
        dataclasses.replace(PROOF, index=32).verify(LOG.entries[33], VERIFIER)
    with pytest.raises(Malformed):
        prove(70, LOG.signed(), 70, LOG.node)


def test_a_receipt_reads_back_and_holds() -> None:
    again = receipt.read(json.dumps(RECEIPT.document()))
    assert again == RECEIPT
    assert again.status is Status.PUBLISHED
    leaf, checkpoint = again.verify(VERIFIER)
    assert leaf.leaf == RECEIPT.leaf
    assert checkpoint == LOG.checkpoint()
    assert {field.name: field.value for field in again.fields} == {"reason": FIELDS["reason"], "seen": 3}


def test_a_receipt_shows_only_its_reader_s_fields() -> None:
    shown = json.dumps(LOG.receipt(33, names=["seen"]).document())
    assert str(FIELDS["reason"]) not in shown
    assert str(FIELDS["content"]) not in shown


def test_a_pending_receipt_is_a_promise_and_no_proof() -> None:
    opened = [open_field(FIELDS, committed(33).salts, "reason")]
    pending = receipt.pending(LOG.origin, RECEIPT.leaf, opened)
    assert pending.document() | {"fields": []} == {
        "version": 1,
        "origin": LOG.origin,
        "status": "pending",
        "leaf": RECEIPT.leaf,
        "entry": None,
        "proof": None,
        "fields": [],
    }
    assert receipt.read(json.dumps(pending.document())) == pending
    with pytest.raises(IntegrityError, match="pending"):
        pending.verify(VERIFIER)


def _field(place: int = 0, **changes: Any) -> dict[str, Any]:
    fields: Any = RECEIPT.document()["fields"]
    return {"fields": [item | (changes if number == place else {}) for number, item in enumerate(fields)]}


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": True},
        {"status": "pending"},
        {"status": "final"},
        {"origin": "other.example/log"},
        {"leaf": "0" * 32},
        {"leaf": "short"},
        {"entry": None},
        {"entry": "AB=="},
        {"entry": 5},
        {"proof": None},
        {"proof": ""},
        {"proof": PROOF.write().replace("index 33", "index 34")},
        {"proof": LOG.proof(34).write()},
        {"fields": None},
        {"fields": [None]},
        {"more": 1},
        _field(value="something kinder"),
        _field(value=None),
        _field(1, value=4),
        _field(1, value=3.5),
        _field(name="content"),
        _field(salt="0" * 64),
        _field(salt=""),
        _field(index=0),
        _field(size=5),
        _field(path=[]),
        _field(path=["0" * 64, "0" * 64]),
        {"fields": [RECEIPT.fields[0].document()] * 2},
        LOG.receipt(34).document() | {"leaf": RECEIPT.leaf},
        {"entry": LOG.receipt(34).document()["entry"]},
    ],
)
def test_an_altered_receipt_is_refused(changes: dict[str, Any]) -> None:
    altered = json.dumps(dict(RECEIPT.document()) | changes)
    with pytest.raises(IntegrityError):
        receipt.read(altered).verify(VERIFIER)


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_in_a_receipt_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    text = bytearray(json.dumps(RECEIPT.document()).encode())
    text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        altered = receipt.read(bytes(text))
        altered.verify(VERIFIER)
    except IntegrityError:
        return
    assert altered == RECEIPT


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"leaf":1,"leaf":2}'])
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        receipt.read(data)
