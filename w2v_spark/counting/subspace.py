"""A truncated singular value decomposition by subspace iteration: what is done to the moments of one step.

A block of K directions is multiplied by the matrix and by its transposed in turn. Before each product it is made
orthonormal again, by a K x K transformation that follows from the moments of its columns: nothing of the size of the
block is decomposed. Halko, Martinsson and Tropp 2011, algorithm 4.4, with all steps at hand to be gone on from.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.memory import padded

Numbers = npt.NDArray[np.float64]

_NOTHING: Final = 1e-10  # of the largest moment: in a direction with less there is only what float32 has rounded
SETTLED: Final = 1e-6  # what singular values change by, in parts of them, once it is of no use to go on


class Spectrum(NamedTuple):
    """What the moments of a block say of the matrix.

    Attributes
    ----------
    values : (K,) float64
        Singular values as far as the block has them, falling; 0 where the block has no further direction.
    turn : (K, K) float64
        Times the block, it is U with its columns as long as the singular values.
    """

    values: Numbers
    turn: Numbers

    @property
    def inverse(self) -> Numbers:
        """``1 / values``, and 0 for those that are 0."""
        return np.divide(1.0, self.values, out=np.zeros_like(self.values), where=self.values > 0)

    @property
    def orthonormal(self) -> Numbers:
        """(K, K): times the block, its columns are orthonormal, or zeros where the block has no further direction."""
        return self.turn * self.inverse


def block_width(dim: int, oversampling: int, rows: int, columns: int) -> int:
    """K: directions that are followed, in whole registers."""
    return padded(min(dim + oversampling, max(rows, columns)))


def spectrum_of(moments: Numbers) -> Spectrum:
    """Decompose the moments of a block, the sum of ``x x^T`` over its rows; (K, K), its upper triangle counts.

    Eigenvectors in the place of Cholesky's factor: they show which directions are there at all, as where the matrix has
    a rank below K, and they are what the last step needs anyway.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):  # the same bits however many cores there are
        found, vectors = np.linalg.eigh(moments, UPLO="U")
    found, vectors = found[::-1], np.ascontiguousarray(vectors[:, ::-1])
    kept = found > max(found[0], 0.0) * _NOTHING
    return Spectrum(np.sqrt(np.where(kept, found, 0.0)), np.where(kept, vectors, 0.0))


def change(before: Numbers, now: Numbers) -> float:
    """How much the largest change of a singular value is, in parts of it; both (D,), those that are 0 do not count."""
    kept = now > 0
    return float(np.max(np.abs(now[kept] - before[kept]) / now[kept], initial=0.0))


def left_transform(spectrum: Spectrum, dim: int, weight: float) -> npt.NDArray[np.float32]:
    """(K, D in whole registers): what the last block of rows is multiplied by, for ``U S^weight``."""
    return _cut(spectrum.turn * spectrum.inverse * _power(spectrum, weight), dim)


def right_transform(spectrum: Spectrum, orthonormal: Numbers, dim: int, weight: float) -> npt.NDArray[np.float32]:
    """The same for the block of columns that it was multiplied from, which ``orthonormal`` has gone with."""
    return _cut(orthonormal @ (spectrum.turn * _power(spectrum, weight)), dim)


def _power(spectrum: Spectrum, weight: float) -> Numbers:
    return np.where(spectrum.values > 0, np.maximum(spectrum.values, 1e-300) ** weight, 0.0)


def _cut(transform: Numbers, dim: int) -> npt.NDArray[np.float32]:
    """The first D columns, with zeros behind them to whole registers, and where there are fewer."""
    whole = np.zeros((len(transform), padded(dim)), np.float32)
    width = min(dim, transform.shape[1])
    whole[:, :width] = transform[:, :width]
    return whole
