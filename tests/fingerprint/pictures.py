"""Pictures made for tests, and where real ones may be."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")


def noise(rows: int, columns: int, seed: int = 0) -> Pixels:
    """Make what no camera takes: every pixel on its own."""
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def scene(rows: int, columns: int, seed: int = 0) -> Pixels:
    """Make something like a photograph: soft shapes of several sizes, edges, and a little grain."""
    random = np.random.default_rng(seed)
    total = np.zeros((rows, columns, 3))
    for size, weight in ((3, 0.5), (9, 0.3), (27, 0.2)):
        coarse = Image.fromarray(random.integers(0, 256, (size, size, 3), dtype=np.uint8))
        total += weight * np.asarray(coarse.resize((columns, rows), Image.Resampling.BICUBIC))
    total[rows // 3 : rows // 2, columns // 4 : columns // 2] += 60
    total += random.normal(0, 3, total.shape)
    return np.clip(total, 0, 255).astype(np.uint8)


def encoded(picture: Image.Image | Pixels, kind: str = "PNG", **settings: Any) -> bytes:
    """Encode a picture."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    out = io.BytesIO()
    image.save(out, kind, **settings)
    return out.getvalue()


def distance(one: bytes, other: bytes) -> int:
    """Count the bits in which two values differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
