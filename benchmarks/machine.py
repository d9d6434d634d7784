"""What one core can do: float32 multiply-adds in registers, and memory read, copied and updated row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import timed
from w2v_spark.kernels import pointers, simd
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.memory import REGISTER_BYTES, aligned_zeros

Matrix = npt.NDArray[np.float32]

REPEATS = 50  # short runs, so that some are not interrupted
TURNS = 200_000
# A multiply-add takes 4 or 5 cycles and up to two start in each cycle, so 8 to 10 chains must be under way. Where LLVM
# makes two registers of one, six chains are as many, and twelve would not fit into the sixteen registers there are.
CHAINS, FEW_CHAINS = 12, 6
STREAM_BYTES = 1 << 29
ROWS, COLUMNS = 1_000_000, 304  # 1.2 GB: the input vectors of a million words with D = 300
UPDATES = 200_000
AHEAD = 8  # rows between the one that is asked for and the one that is updated


def peak_flops(turns: int = TURNS) -> float:
    """Float32 operations per second of one core, a multiply-add counting two; the best of all runs."""
    memory = aligned_zeros(CHAINS, simd.LANES)
    best = 0.0
    for chains, run in ((CHAINS, multiply_add_12), (FEW_CHAINS, multiply_add_6)):
        memory[:] = np.arange(CHAINS, dtype=np.float32)[:, None]  # chains that start alike would become one
        best = max(best, _best_rate(run, (memory, turns), 2 * simd.LANES * chains * turns))
        if not np.allclose(memory[:chains], 1.0):
            raise RuntimeError(f"numbers that tend to 1 became {memory.min()} to {memory.max()}")
    return best


def bandwidth(scale: float = 1.0) -> dict[str, float]:
    """Bytes per second of one core, the best of all runs; a ``scale`` below 1 takes less memory and time.

    Returns
    -------
    dict
        ``read``: a sum over 512 MiB. ``copy``: 512 MiB to another place, bytes read plus bytes written.
        ``random_rows``: rows of a matrix of 1.2 GB in random order, each asked for a few rows ahead, then read,
        changed and written; bytes read plus bytes written.
    """
    size = int(scale * STREAM_BYTES / (4 * REGISTER_BYTES)) * 4 * simd.LANES
    source, target = aligned_zeros(1, size)[0], aligned_zeros(1, size)[0]
    source.fill(1)
    rates = {
        "read": _best_rate(add_up, (source,), source.nbytes),
        "copy": _best_rate(np.copyto, (target, source), 2 * source.nbytes),
    }
    del source, target
    matrix = aligned_zeros(int(scale * ROWS), COLUMNS)
    matrix.fill(0)
    order = np.random.default_rng(1).integers(0, len(matrix), int(scale * UPDATES))
    rates["random_rows"] = _best_rate(change_rows, (matrix, order, AHEAD), 2 * matrix[0].nbytes * len(order))
    return rates


def _best_rate(function: Callable[..., object], arguments: tuple[Any, ...], amount: float) -> float:
    """Amount per second of the fastest run; the first, which compiles, is not timed."""
    seconds = []
    for _ in range(REPEATS + 1):
        with timed() as timing:
            function(*arguments)
        seconds.append(timing.seconds)
    return amount / min(seconds[1:])


@kernel
def multiply_add_12(memory: Matrix, turns: int) -> None:
    """``x = x / 2 + 1 / 2`` for twelve registers, which come from the rows of ``memory`` and go back there."""
    half = simd.vsplat(np.float32(0.5))
    start = pointers.address_of(memory, 0)
    a, b, c = simd.vload(start), simd.vload(start + 64), simd.vload(start + 128)
    d, e, f = simd.vload(start + 192), simd.vload(start + 256), simd.vload(start + 320)
    g, h, i = simd.vload(start + 384), simd.vload(start + 448), simd.vload(start + 512)
    j, k, m = simd.vload(start + 576), simd.vload(start + 640), simd.vload(start + 704)
    for _ in range(turns):
        a, b, c = simd.vfma(a, half, half), simd.vfma(b, half, half), simd.vfma(c, half, half)
        d, e, f = simd.vfma(d, half, half), simd.vfma(e, half, half), simd.vfma(f, half, half)
        g, h, i = simd.vfma(g, half, half), simd.vfma(h, half, half), simd.vfma(i, half, half)
        j, k, m = simd.vfma(j, half, half), simd.vfma(k, half, half), simd.vfma(m, half, half)
    simd.vstore(start, a), simd.vstore(start + 64, b), simd.vstore(start + 128, c)
    simd.vstore(start + 192, d), simd.vstore(start + 256, e), simd.vstore(start + 320, f)
    simd.vstore(start + 384, g), simd.vstore(start + 448, h), simd.vstore(start + 512, i)
    simd.vstore(start + 576, j), simd.vstore(start + 640, k), simd.vstore(start + 704, m)


@kernel
def multiply_add_6(memory: Matrix, turns: int) -> None:
    """The same for six registers."""
    half = simd.vsplat(np.float32(0.5))
    start = pointers.address_of(memory, 0)
    a, b, c = simd.vload(start), simd.vload(start + 64), simd.vload(start + 128)
    d, e, f = simd.vload(start + 192), simd.vload(start + 256), simd.vload(start + 320)
    for _ in range(turns):
        a, b, c = simd.vfma(a, half, half), simd.vfma(b, half, half), simd.vfma(c, half, half)
        d, e, f = simd.vfma(d, half, half), simd.vfma(e, half, half), simd.vfma(f, half, half)
    simd.vstore(start, a), simd.vstore(start + 64, b), simd.vstore(start + 128, c)
    simd.vstore(start + 192, d), simd.vstore(start + 256, e), simd.vstore(start + 320, f)


@kernel
def add_up(source: Matrix) -> float:
    """The sum of an array whose length is a multiple of four registers'."""
    a = b = c = d = simd.vsplat(np.float32(0.0))
    start = pointers.address_of(source, 0)
    for place in range(start, start + 4 * len(source), 4 * REGISTER_BYTES):
        a, b = simd.vadd(a, simd.vload(place)), simd.vadd(b, simd.vload(place + REGISTER_BYTES))
        c = simd.vadd(c, simd.vload(place + 2 * REGISTER_BYTES))
        d = simd.vadd(d, simd.vload(place + 3 * REGISTER_BYTES))
    return float(simd.vsum(simd.vadd(simd.vadd(a, b), simd.vadd(c, d))))


@kernel
def change_rows(matrix: Matrix, order: npt.NDArray[np.int64], ahead: int) -> None:
    """Add one to some rows, asking for each when the one ``ahead`` rows before it is changed."""
    row_bytes = np.int64(matrix.shape[1]) * 4
    one = simd.vsplat(np.float32(1.0))
    for i in range(len(order)):
        if i + ahead < len(order):
            pointers.fetch_row(pointers.address_of(matrix, order[i + ahead]), row_bytes)
        row = pointers.address_of(matrix, order[i])
        for place in range(row, row + row_bytes, REGISTER_BYTES):
            simd.vstore(place, simd.vadd(simd.vload(place), one))
