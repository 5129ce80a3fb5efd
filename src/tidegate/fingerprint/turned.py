"""PDQ values of a turned or mirrored picture, from the value of the picture itself.

May decide: nothing; it computes. Turning a picture permutes the 256 waves of its transform and negates some, so bits
trade places and some change their sign. That is exact but for waves nearer to zero than to the median they are compared
with: a few bits of 256. Where the picture is at hand, ``pdq.pdq_dihedral`` is exact; here only the values are.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidegate.fingerprint import pdq_kernels as kernels
from tidegate.fingerprint.model import Rotation

_BITS: Final = kernels.WAVES * kernels.WAVES
#: Variants whose rows and columns trade places, and which waves each variant negates: as in ``kernels.dihedral_bits``.
_TRANSPOSED: Final = frozenset({1, 3, 6, 7})


def turned(values: NDArray[np.uint8], rotation: Rotation) -> NDArray[np.uint8]:
    """Give the values of turned pictures.

    Args:
        values: (n, 32) bytes.
        rotation: how the pictures are turned.

    Returns:
        (n, 32) bytes.
    """
    sources, flipped = _TABLES[rotation]
    bits = np.unpackbits(values, axis=1)
    return np.ascontiguousarray(np.packbits(bits[:, sources] ^ flipped, axis=1))


def _table(variant: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    sources = np.empty(_BITS, dtype=np.intp)
    flipped = np.zeros(_BITS, dtype=np.uint8)
    for bit in range(_BITS):
        row, column = divmod(_BITS - 1 - bit, kernels.WAVES)
        if variant in _TRANSPOSED:
            row, column = column, row
        sources[bit] = _BITS - 1 - (row * kernels.WAVES + column)
        flipped[bit] = kernels.negated.py_func(variant, row, column)  # type: ignore[attr-defined]  # of numba
    return sources, flipped


_TABLES: Final = {rotation: _table(variant) for variant, rotation in enumerate(Rotation)}
