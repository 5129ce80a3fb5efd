"""Signing instructions: what was altered, is old or is signed by a stranger is refused."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tidegate.enforcement import signing
from tidegate.kernel.errors import Malformed, Unauthenticated

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the node's key").digest())
OTHER = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a stranger's key").digest())
NOW = 1_795_000_000
BODY = b'{"type":"instruction","data":{"sequence":3}}'


def check(
    *,
    identity: str = "instruction_1",
    timestamp: str = str(NOW),
    signatures: str | None = None,
    body: bytes = BODY,
    now: int = NOW,
    keys: tuple[Ed25519PrivateKey, ...] = (KEY,),
) -> None:
    signing.verify(
        [key.public_key() for key in keys],
        identity=identity,
        timestamp=timestamp,
        signatures=signing.sign(KEY, "instruction_1", NOW, BODY) if signatures is None else signatures,
        body=body,
        now=now,
    )


def test_a_good_signature_is_accepted() -> None:
    check()


def test_what_is_signed_is_what_the_standard_says() -> None:
    """Another implementation reads the header so: this one is written out by hand."""
    version, encoded = signing.sign(KEY, "instruction_1", NOW, BODY).split(",")
    assert version == "v1a"
    KEY.public_key().verify(base64.b64decode(encoded), b"instruction_1." + str(NOW).encode() + b"." + BODY)


@given(position=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_any_altered_bit_of_the_body_is_refused(position: int, bit: int) -> None:
    altered = bytearray(BODY)
    altered[position] ^= 1 << bit
    with pytest.raises(Unauthenticated):
        check(body=bytes(altered))


@given(position=st.integers(0, 63), bit=st.integers(0, 7))
def test_any_altered_bit_of_the_signature_is_refused(position: int, bit: int) -> None:
    raw = bytearray(base64.b64decode(signing.sign(KEY, "instruction_1", NOW, BODY).removeprefix("v1a,")))
    raw[position] ^= 1 << bit
    with pytest.raises(Unauthenticated):
        check(signatures="v1a," + base64.b64encode(raw).decode())


@given(body=st.binary(max_size=200))
def test_bytes_added_or_cut_off_are_refused(body: bytes) -> None:
    if body:
        with pytest.raises(Unauthenticated):
            check(body=BODY + body)
    with pytest.raises(Unauthenticated):
        check(body=BODY[:-1])


def test_another_id_or_another_time_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        check(identity="instruction_2")
    with pytest.raises(Unauthenticated):
        check(timestamp=str(NOW + 1))


@pytest.mark.parametrize(("shift", "accepted"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_the_time_may_differ_by_five_minutes_either_way(shift: int, accepted: bool) -> None:
    if accepted:
        check(now=NOW + shift)
    else:
        with pytest.raises(Unauthenticated):
            check(now=NOW + shift)


@pytest.mark.parametrize(
    "timestamp", ["", "now", f"+{NOW}", f" {NOW}", f"{NOW}.0", "1_795_000_000", "9" * 5000, "١٧٩٥"]
)
def test_a_time_written_another_way_is_refused(timestamp: str) -> None:
    with pytest.raises(Unauthenticated):
        check(timestamp=timestamp)


@pytest.mark.parametrize(
    "signatures", ["", "v1a", "v1a,", "v1a,!!!", "v1a,AAAA", "v1,AAAA", "v2a,AAAA", ",", "   ", "v1a,é"]
)
def test_something_that_is_no_signature_is_refused(signatures: str) -> None:
    with pytest.raises(Unauthenticated):
        check(signatures=signatures)


def test_a_good_signature_under_another_version_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        check(signatures=signing.sign(KEY, "instruction_1", NOW, BODY).replace("v1a,", "v1,"))


def test_a_stranger_s_signature_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        check(signatures=signing.sign(OTHER, "instruction_1", NOW, BODY))
    with pytest.raises(Unauthenticated):
        check(keys=())


def test_during_a_rotation_one_of_two_signatures_and_one_of_two_keys_is_enough() -> None:
    both = f"{signing.sign(OTHER, 'instruction_1', NOW, BODY)} {signing.sign(KEY, 'instruction_1', NOW, BODY)}"
    check(signatures=both)
    check(keys=(OTHER, KEY))


def test_a_header_of_very_many_signatures_is_not_read_to_its_end() -> None:
    stranger = signing.sign(OTHER, "instruction_1", NOW, BODY)
    with pytest.raises(Unauthenticated):
        check(signatures=" ".join([stranger] * 100 + [signing.sign(KEY, "instruction_1", NOW, BODY)]))


@pytest.mark.parametrize("identity", ["", "instruction_1.1795000000"])
def test_an_id_that_could_be_read_in_two_ways_is_not_signed(identity: str) -> None:
    with pytest.raises(Malformed):
        signing.sign(KEY, identity, NOW, BODY)
    with pytest.raises(Unauthenticated):
        check(identity=identity)


def test_keys_survive_being_written_as_text() -> None:
    assert signing.read_private(signing.private_text(KEY)).private_bytes_raw() == KEY.private_bytes_raw()
    public = KEY.public_key()
    assert signing.read_public(signing.public_text(public)).public_bytes_raw() == public.public_bytes_raw()
    assert signing.public_text(public).startswith("whpk_")


def test_text_that_is_no_key_is_refused_without_repeating_it() -> None:
    secret = signing.private_text(KEY)
    for text in (secret[:-1], secret[:-4], "whpk_" + secret[5:], "", "whsk_", secret + "AAAA"):
        with pytest.raises(Malformed) as refused:
            signing.read_private(text)
        assert not text[5:] or text[5:] not in refused.value.message
