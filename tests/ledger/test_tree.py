"""The tree, against RFC 6962's definition written down a second time: slow, recursive, and independent."""

import hashlib
from functools import cache
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.kernel.errors import IntegrityError, Malformed
from tidegate.ledger import tree

LARGEST = 300
DATA = [number.to_bytes(2) for number in range(LARGEST)]
HASHES = [hashlib.sha256(b"\x00" + data).digest() for data in DATA]


def largest_power_below(number: int) -> int:
    power = 1
    while power * 2 < number:
        power *= 2
    return power


@cache
def defined_root(start: int, end: int) -> bytes:
    """MTH(D[start:end]) of RFC 6962 section 2.1."""
    if start == end:
        return hashlib.sha256().digest()
    if end - start == 1:
        return HASHES[start]
    middle = start + largest_power_below(end - start)
    return hashlib.sha256(b"\x01" + defined_root(start, middle) + defined_root(middle, end)).digest()


def defined_path(index: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 section 2.1.1."""
    if end - start == 1:
        return []
    split = largest_power_below(end - start)
    if index < split:
        return [*defined_path(index, start, start + split), defined_root(start + split, end)]
    return [*defined_path(index - split, start + split, end), defined_root(start, start + split)]


def defined_subproof(old: int, start: int, end: int, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2."""
    if old == end - start:
        return [] if known else [defined_root(start, end)]
    split = largest_power_below(end - start)
    if old <= split:
        return [*defined_subproof(old, start, start + split, known), defined_root(start + split, end)]
    return [*defined_subproof(old - split, start + split, end, False), defined_root(start, start + split)]


def node(level: int, index: int) -> bytes:
    return defined_root(index << level, index + 1 << level)


def test_roots_known_from_certificate_transparency() -> None:
    """The tree that every implementation of RFC 6962 is tried on."""
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    compact = tree.CompactRange()
    assert compact.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for text, expected in zip(inputs, roots, strict=True):
        compact.append(tree.leaf_hash(bytes.fromhex(text)))
        assert compact.root().hex() == expected


def test_every_root_is_the_defined_one() -> None:
    compact = tree.CompactRange()
    for size in range(LARGEST + 1):
        assert compact.root() == defined_root(0, size)
        assert tree.root(HASHES[:size]) == defined_root(0, size)
        assert tree.range_root(0, size, node) == defined_root(0, size)
        assert len(compact.peaks) == size.bit_count()
        # What was kept is enough to go on from, as after a restart.
        compact = tree.CompactRange(compact.size, compact.peaks)
        if size < LARGEST:
            compact.append(tree.leaf_hash(DATA[size]))


def test_every_inclusion_proof_is_the_defined_one_and_holds() -> None:
    checked = 0
    for size in range(1, LARGEST + 1):
        root = defined_root(0, size)
        for index in range(size):
            path = tree.inclusion_proof(index, size, node)
            assert path == defined_path(index, 0, size)
            tree.check_inclusion(HASHES[index], index, size, path, root)
            checked += 1
    assert checked == 45_150


def test_every_consistency_proof_is_the_defined_one_and_holds() -> None:
    checked = 0
    for old in range(LARGEST + 1):
        for new in range(old, LARGEST + 1):
            path = tree.consistency_proof(old, new, node)
            assert path == (defined_subproof(old, 0, new, True) if old else [])
            tree.check_consistency(old, new, path, defined_root(0, old), defined_root(0, new))
            checked += 1
    assert checked >= 45_000


sizes = st.integers(1, LARGEST)


@given(st.data())
def test_an_altered_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    path = defined_path(index, 0, size)
    hashed, root = HASHES[index], defined_root(0, size)
    match data.draw(st.sampled_from(["longer", "shorter", "bit", "leaf", "index", "root"])):
        case "longer":
            path.insert(data.draw(st.integers(0, len(path))), bytes(32))
        case "shorter" if path:
            path.pop(data.draw(st.integers(0, len(path) - 1)))
        case "bit" if path:
            place = data.draw(st.integers(0, len(path) - 1))
            path[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
        case "index" if size > 1:
            index = data.draw(st.integers(-1, size).filter(lambda other: other != index))
        case "root":
            root = bytes(32)
        case _:
            hashed = tree.leaf_hash(b"another entry")
    with pytest.raises(IntegrityError):
        tree.check_inclusion(hashed, index, size, path, root)


@given(st.data())
def test_an_altered_consistency_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, new - 1))
    path = defined_subproof(old, 0, new, True)
    first, second = defined_root(0, old), defined_root(0, new)
    match data.draw(st.sampled_from(["longer", "shorter", "bit", "old", "new", "none"])):
        case "longer":
            path.insert(data.draw(st.integers(0, len(path))), bytes(32))
        case "shorter":
            path.pop(data.draw(st.integers(0, len(path) - 1)))
        case "bit":
            place = data.draw(st.integers(0, len(path) - 1))
            path[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
        case "old":
            first = bytes(32)
        case "new":
            second = bytes(32)
        case _:
            path = []
    with pytest.raises(IntegrityError):
        tree.check_consistency(old, new, path, first, second)


def test_a_fork_has_no_consistency_proof() -> None:
    forked = [*HASHES[:7], tree.leaf_hash(b"rewritten"), *HASHES[8:20]]

    def fork_node(level: int, index: int) -> bytes:
        return tree.root(forked[index << level : index + 1 << level])

    for old, new in combinations(range(8, 21), 2):
        path = tree.consistency_proof(old, new, fork_node)
        with pytest.raises(IntegrityError):
            tree.check_consistency(old, new, path, defined_root(0, old), tree.root(forked[:new]))


def test_an_empty_or_equal_tree_needs_no_proof() -> None:
    tree.check_consistency(0, 9, [], tree.EMPTY_ROOT, defined_root(0, 9))
    tree.check_consistency(9, 9, [], defined_root(0, 9), defined_root(0, 9))
    tree.check_consistency(0, 0, [], tree.EMPTY_ROOT, tree.EMPTY_ROOT)
    for old, new, path, first, second in [
        (0, 9, [bytes(32)], tree.EMPTY_ROOT, defined_root(0, 9)),
        (0, 9, [], bytes(32), defined_root(0, 9)),
        (9, 9, [], defined_root(0, 9), defined_root(0, 8)),
        (9, 8, [], defined_root(0, 9), defined_root(0, 8)),
        (-1, 8, [], defined_root(0, 9), defined_root(0, 8)),
    ]:
        with pytest.raises(IntegrityError):
            tree.check_consistency(old, new, path, first, second)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (4, 3)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(Malformed):
        tree.inclusion_proof(index, size, node)
    with pytest.raises(IntegrityError):
        tree.check_inclusion(bytes(32), index, size, [], bytes(32))


def test_a_tree_cannot_go_on_from_hashes_of_another_size() -> None:
    for size, peaks in [(1, []), (3, [bytes(32)]), (0, [bytes(32)]), (-1, [])]:
        with pytest.raises(Malformed):
            tree.CompactRange(size, peaks)
    with pytest.raises(Malformed):
        tree.consistency_proof(3, 2, node)
