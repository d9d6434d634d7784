"""The alias table of the noise distribution: a draw costs one random number, whatever the vocabulary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import kernel

_FULL = 2**32 - 1


def noise_probabilities(counts: npt.NDArray[np.int64], exponent: float) -> npt.NDArray[np.float64]:
    """How likely each word is drawn as noise: ``count ** exponent``, normalised.

    Parameters
    ----------
    counts : (V,) int64
    exponent
        0.75 in Mikolov et al. 2013; 0 draws all words alike, negative values prefer rare words.
    """
    weights = counts.astype(np.float64) ** exponent
    return np.asarray(weights / weights.sum())


def build_alias_table(
    probabilities: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]:
    """Vose's construction of Walker's table (Vose 1991, "A Linear Algorithm for Generating Random Numbers").

    Parameters
    ----------
    probabilities : (V,) float64
        They sum to 1.

    Returns
    -------
    accept : (V,) uint32
        Having drawn column i, word i is taken when 32 further random bits are below this.
    alias : (V,) int32
        Otherwise the word that is taken.
    """
    accept = np.full(len(probabilities), _FULL, np.uint32)
    alias = np.arange(len(probabilities), dtype=np.int32)
    _pair_up(probabilities * len(probabilities), accept, alias)
    return accept, alias


@kernel
def _pair_up(mass, accept, alias):
    """Fill each column below 1 with mass of one column above 1."""
    n = len(mass)
    small = np.empty(n, np.int64)
    large = np.empty(n, np.int64)
    smalls = 0
    larges = 0
    for i in range(n):
        if mass[i] < 1.0:
            small[smalls] = i
            smalls += 1
        else:
            large[larges] = i
            larges += 1
    while smalls > 0 and larges > 0:
        smalls -= 1
        s = small[smalls]
        g = large[larges - 1]
        accept[s] = np.uint32(mass[s] * 4294967295.0)
        alias[s] = g
        mass[g] -= 1.0 - mass[s]
        if mass[g] < 1.0:
            larges -= 1
            small[smalls] = g
            smalls += 1
