"""The Merkle tree: hashes, roots and proofs, as RFC 6962 section 2.1 defines them and RFC 9162 checks them.

May decide: whether a proof holds. Knows nothing of what the leaves say, where the hashes are kept, or who
signed.

A node is (level, index): the root of the full subtree over leaves ``index * 2**level`` up to the next. Every
hash a proof needs is folded from such nodes, so the same functions serve a tree in memory, in a database or
in tiles.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from tidegate.kernel.errors import IntegrityError, Malformed

HASH_BYTES = 32
#: The root of a tree without leaves.
EMPTY_ROOT = hashlib.sha256(b"").digest()
#: Sizes beyond this are refused: no log reaches it, and C2SP tiles have no level above 63.
LARGEST_SIZE = 2**63 - 1

#: Gives the hash of the full subtree (level, index).
Node = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """Hash the bytes of an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into their parent."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """All leaves so far, as the few hashes that the next root needs: one for each 1 in the binary size."""

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self._size = size
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count():
            raise Malformed("This many hashes do not describe a tree of this size: read both from one place.")

    @property
    def size(self) -> int:
        """How many leaves were appended."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, widest first: enough to go on from."""
        return tuple(self._peaks)

    def append(self, hashed: bytes) -> None:
        """Add the hash of the next leaf."""
        size = self._size
        while size & 1:
            hashed = node_hash(self._peaks.pop(), hashed)
            size >>= 1
        self._peaks.append(hashed)
        self._size += 1

    def root(self) -> bytes:
        """Give the root over all leaves so far."""
        return fold(self._peaks)


def fold(peaks: Sequence[bytes]) -> bytes:
    """Join the roots of neighbouring full subtrees, widest first, into one root."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def root(hashes: Iterable[bytes]) -> bytes:
    """Give the root over these leaf hashes."""
    compact = CompactRange()
    for hashed in hashes:
        compact.append(hashed)
    return compact.root()


def nodes_over(start: int, end: int) -> list[tuple[int, int]]:
    """Name the full subtrees in a range of leaves that begins where a subtree that wide may begin."""
    nodes: list[tuple[int, int]] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def range_root(start: int, end: int, node: Node) -> bytes:
    """Give the root over a range of leaves that ``nodes_over`` can name."""
    return fold([node(level, index) for level, index in nodes_over(start, end)])


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Prove that the leaf at this index is in the tree of this size (RFC 6962 section 2.1.1).

    Raises:
        Malformed: there is no such leaf in a tree of this size.
    """
    if not 0 <= index < size:
        raise Malformed("There is no such entry in a tree of this size.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Prove that the tree of the old size is the beginning of the new one (RFC 6962 section 2.1.2).

    Raises:
        Malformed: the old tree is larger than the new one.
    """
    if not 0 <= old <= new:
        raise Malformed("The older tree is larger than the newer one: give them in the order they were signed.")
    if old in {0, new}:
        return []
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start = middle
    # The verifier has the old root already; it needs the hash only where it is not that root.
    if start:
        path.append(range_root(start, end, node))
    return path[::-1]


def _split(width: int) -> int:
    """Give the largest power of two below the width."""
    return 1 << ((width - 1).bit_length() - 1)


def root_from_inclusion(hashed: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Work out the root that an inclusion proof leads to (RFC 9162 section 2.1.3.2).

    Raises:
        IntegrityError: the proof has not the length that this index and size need.
    """
    if not 0 <= index < size:
        raise IntegrityError("The proof is of an entry beyond the end of the tree.")
    own, last = index, size - 1
    for sibling in path:
        if last == 0:
            raise IntegrityError("The proof is longer than the tree is high.")
        if own & 1 or own == last:
            hashed = node_hash(sibling, hashed)
            while not own & 1 and own:
                own, last = own >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        own, last = own >> 1, last >> 1
    if last:
        raise IntegrityError("The proof is shorter than the tree is high.")
    return hashed


def check_inclusion(hashed: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> None:
    """Check that a leaf is in the tree with this root.

    Raises:
        IntegrityError: the proof does not lead to that root.
    """
    if root_from_inclusion(hashed, index, size, path) != expected:
        raise IntegrityError("The proof does not lead to the signed root: this entry is not in that log.")


def check_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that one tree is the beginning of another (RFC 9162 section 2.1.4.2).

    Raises:
        IntegrityError: the proof does not hold.
    """
    if not 0 <= old <= new:
        raise IntegrityError("The older tree is larger than the newer one: the log was cut.")
    if old in {0, new}:
        # Both are checked by comparing alone: an empty tree begins every tree, a tree begins itself.
        if path or old_root != (new_root if old else EMPTY_ROOT):
            raise IntegrityError("Two trees of one size have different roots, or a proof where none is needed.")
        return
    if old & (old - 1) == 0:
        path = [old_root, *path]
    if _roots_from_consistency(old - 1, new - 1, path) != (old_root, new_root):
        raise IntegrityError("The newer log does not begin with the older one: it was rewritten or forked.")


def _roots_from_consistency(own: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Work out the older and the newer root, from the last index of each tree."""
    while own & 1:
        own, last = own >> 1, last >> 1
    if not path:
        raise IntegrityError("The proof that the log only grew is empty.")
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise IntegrityError("The proof that the log only grew is too long.")
        if own & 1 or own == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not own & 1 and own:
                own, last = own >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        own, last = own >> 1, last >> 1
    if last:
        raise IntegrityError("The proof that the log only grew is too short.")
    return first, second
