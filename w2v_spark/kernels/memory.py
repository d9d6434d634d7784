"""Rows in whole registers, at the addresses that the kernels load best from."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels import simd

REGISTER_BYTES: Final = 4 * simd.LANES


def padded(dim: int) -> int:
    """D rounded up to whole registers."""
    return -(-dim // simd.LANES) * simd.LANES


def aligned_zeros(rows: int, columns: int) -> npt.NDArray[np.float32]:
    """A (rows, columns) float32 array of zeros that starts at a cache line."""
    flat = np.zeros(rows * columns + simd.LANES, np.float32)
    start = (-flat.ctypes.data % REGISTER_BYTES) // flat.itemsize
    return flat[start : start + rows * columns].reshape(rows, columns)
