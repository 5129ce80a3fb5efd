"""Keys: what is sealed opens for its owner only, and a key made for one purpose never serves another."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import made
from tidegate.kernel.errors import ConfigurationError, IntegrityError
from tidegate.kernel.ids import AppealId, ContentId, NoticeId
from tidegate.kernel.keys import Keyring, seal, token_hash, unseal

keys_ = st.binary(min_size=32, max_size=32)


@given(keys_, st.binary(max_size=200), st.binary(max_size=40))
def test_what_is_sealed_opens(key: bytes, plain: bytes, bound: bytes) -> None:
    sealed = seal(key, plain, bound_to=bound, randomness=os.urandom)
    assert unseal(key, sealed, bound_to=bound) == plain
    assert len(plain) < 8 or plain not in sealed


@given(keys_, st.binary(max_size=60), st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_does_not_open(key: bytes, plain: bytes, place: int, change: int) -> None:
    sealed = bytearray(seal(key, plain, bound_to=b"a", randomness=os.urandom))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(IntegrityError):
        unseal(key, bytes(sealed), bound_to=b"a")


@given(keys_, keys_, st.binary(max_size=20), st.binary(max_size=20))
def test_it_opens_with_its_key_and_for_its_owner_only(key: bytes, other: bytes, one: bytes, two: bytes) -> None:
    sealed = seal(key, b"plain", bound_to=one, randomness=os.urandom)
    if other != key:
        with pytest.raises(IntegrityError):
            unseal(other, sealed, bound_to=one)
    if one != two:
        with pytest.raises(IntegrityError):
            unseal(key, sealed, bound_to=two)


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(27)])
def test_what_was_cut_off_does_not_open(sealed: bytes) -> None:
    with pytest.raises(IntegrityError):
        unseal(bytes(32), sealed, bound_to=b"")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=6), max_size=4),
    st.lists(st.binary(max_size=6), max_size=4),
    st.sampled_from(["content", "uploader"]),
    st.sampled_from(["content", "uploader"]),
)
def test_two_lists_of_parts_never_have_one_digest(
    keys: Keyring, one: list[bytes], other: list[bytes], what: str, what_else: str
) -> None:
    same = (what, one) == (what_else, other)
    assert (keys.lookup(what, *one) == keys.lookup(what_else, *other)) is same


@given(made.ids(ContentId), made.ids(ContentId))
def test_an_item_key_is_wrapped_for_its_item(one: ContentId, other: ContentId) -> None:
    keys = Keyring.open(_folder())
    wrapped = keys.wrap(b"k" * 32, one, os.urandom)
    assert keys.unwrap(wrapped, one) == b"k" * 32
    if one != other:
        with pytest.raises(IntegrityError):
            keys.unwrap(wrapped, other)


_FOLDERS: list[Path] = []


@pytest.fixture(autouse=True)
def _one_folder(tmp_path: Path) -> None:
    _FOLDERS[:] = [tmp_path / "a"]


def _folder() -> Path:
    return _FOLDERS[0]


def test_links_are_of_one_thing_and_one_node(keys: Keyring, tmp_path: Path) -> None:
    notice, appeal = made.number(NoticeId, 1), made.number(AppealId, 1)
    other = Keyring.open(tmp_path / "other")
    texts = {keys.link_text(notice), keys.link_text(appeal), other.link_text(notice)}
    assert len(texts) == 3
    assert all(len(text) == 43 for text in texts)
    assert token_hash(keys.link_token(notice)) != keys.link_token(notice)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first, again = Keyring.open(folder), Keyring.open(folder)
    assert first.node == again.node
    assert first.ledger.private_bytes_raw() == again.ledger.private_bytes_raw()
    assert len({first.node, first.ledger.private_bytes_raw(), first.webhook.private_bytes_raw()}) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert "node=b" not in repr(first), "a keyring in an error or a log shows no key"


@pytest.mark.parametrize("name", ["node.key", "ledger.key", "webhook.key"])
def test_a_damaged_key_is_never_replaced(tmp_path: Path, name: str) -> None:
    Keyring.open(tmp_path)
    (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(ConfigurationError, match="restore it from a backup") as refusal:
        Keyring.open(tmp_path)
    assert refusal.value.reference == name
    assert (tmp_path / name).read_bytes() == b"damaged"


def test_a_file_where_the_folder_should_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("not a folder")
    with pytest.raises(ConfigurationError, match="cannot be read or written"):
        Keyring.open(tmp_path / "keys")
