"""How often training updates each row, and what it meets then: what the curvature correction needs of a model.

Expectations from the counts alone, for each of the two matrices. With k(v) the kept occurrences of word v in an epoch,
N their sum, p = k / N, and m the context words of a window:

- An input row is updated in each window that it is a context word of, E[m] times an occurrence, and meets the output
  rows of one target. That holds for CBOW as well: the m rows of a window all move by the error of their mean (the sum:
  by an m-th of its error), so together they move the mean as an update of skip-gram moves its row.
- An output row is updated by each window whose target it stands for or whose noise it is. Skip-gram: once for each
  context word, which is distributed like p. CBOW: once, by the mean h of m context words; as if they were independent,
  ``E[h h^T] = E[1/m] C + (1 - E[1/m]) mu mu^T`` with C and mu the second moment and the mean of the input rows under p.
- A target stands for itself and K noise words (negative sampling), or for the inner nodes on its path (hierarchical
  softmax), where each node is passed by all words below it.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Architecture, Config, ModelConfig, Objective
from w2v_spark.errors import StoreError
from w2v_spark.sampling.alias import noise_probabilities
from w2v_spark.sampling.subsample import keep_probabilities
from w2v_spark.sampling.tables import SamplingTables

Numbers = npt.NDArray[np.float64]

# Chosen by the measurements in docs/distributed-training.md.
OWN_OUTPUT: Final = 1.5
ENDLESS: Final = 50  # words of a window that is taken to end before its sentence does; part of the result
FLOORS: Final = {Objective.NEGATIVE_SAMPLING: 0.0, Objective.HIERARCHICAL_SOFTMAX: 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """How often the rows of one matrix are updated, and what of the *other* matrix an update meets.

    Attributes
    ----------
    updates : (rows,) float64
        Expected updates of each row, per epoch of the whole corpus.
    met : (rows of the other matrix,) float64
        Expected number of times that an update meets each row of the other matrix.
    spread, common : float
        An update meets rows with the second moment ``spread * sum_v met[v] w_v w_v^T + common * mu mu^T``, with
        ``mu = sum_v met[v] w_v``.
    own : float
        What the part of the second moment that is not the mean's counts: a row meets its own neighbours, which have
        more in common than rows met by chance.
    floor : float
        Times the median of its eigenvalues: curvature that every direction has besides. In a tree each row meets the
        nodes of few paths, and the directions of these are more curved for it than they are on average.
    """

    updates: Numbers
    met: Numbers
    spread: float = 1.0
    common: float = 0.0
    own: float = 1.0
    floor: float = 0.0

    def curvature(self, moments: Numbers) -> Numbers:
        """The (D, D) curvature of an update in parts of the slope, but for its floor.

        Parameters
        ----------
        moments : (D + 1, D) float64
            Of the other matrix: ``sum_v met[v] w_v w_v^T`` and, as the last row, ``sum_v met[v] w_v``.
        """
        square = np.outer(moments[-1], moments[-1])
        mean = square / self.met.sum()
        return np.asarray(self.spread * (mean + self.own * (moments[:-1] - mean)) + self.common * square)


def build_exposures(
    counts: npt.NDArray[np.int64], config: Config, tables: SamplingTables, sentences: int = 1
) -> tuple[Exposure, Exposure]:
    """The exposures of the input and of the output matrix.

    Parameters
    ----------
    counts : (V,) int64
    config : Config
    tables : SamplingTables
        Built for the same model.
    sentences : int
        Of the corpus; their mean length bounds windows that are wider than `ENDLESS`.
    """
    kept = counts * keep_probabilities(counts, config.train.sample)
    share = kept / kept.sum()
    scored = _scored(counts, kept, config.model, tables)
    sizes = _context_sizes(config.model, kept.sum() / max(sentences, 1))
    floor = FLOORS[config.model.objective]
    skipgram = config.model.architecture is Architecture.SKIPGRAM
    own = 1.0 if skipgram else float(1 / sizes.mean())  # a row of a window moves but a part of its mean
    inputs = Exposure(kept * sizes.mean(), scored / kept.sum(), own=own, floor=floor)
    if skipgram:
        return inputs, Exposure(scored * sizes.mean(), share, own=OWN_OUTPUT, floor=floor)
    if config.model.cbow_mean:
        spread, common = np.mean(1 / sizes), np.mean(1 - 1 / sizes)
    else:
        spread, common = np.mean(sizes), np.mean(sizes * (sizes - 1))
    return inputs, Exposure(scored, share, float(spread), float(common), OWN_OUTPUT, floor)


def _scored(counts: npt.NDArray[np.int64], kept: Numbers, model: ModelConfig, tables: SamplingTables) -> Numbers:
    """Expected number of targets that each output row is scored for, per epoch."""
    if model.objective is Objective.HIERARCHICAL_SOFTMAX:
        passing = np.repeat(kept, np.diff(tables.starts))
        return np.bincount(tables.steps >> 1, passing, minlength=tables.output_rows).astype(np.float64)
    noise = noise_probabilities(counts, model.noise_exponent)
    return np.asarray(kept + kept.sum() * model.negatives * noise)


def _context_sizes(model: ModelConfig, sentence: float) -> Numbers:
    """The possible numbers of context words, equally likely.

    As if sentences had no ends; but a window wider than `ENDLESS` has no more words than a sentence of mean length.
    """
    others = np.array([max(sentence - 1, 1.0)])
    if model.window == "sentence":
        return others
    sizes = 2.0 * np.arange(1, model.window + 1, dtype=np.float64)
    if not model.shrink_window:
        sizes = sizes[-1:]
    return np.minimum(sizes, others) if model.window > ENDLESS else sizes


def exposures_to_bytes(exposures: tuple[Exposure, Exposure]) -> bytes:
    """Both exposures as one ``.npz`` file: 32 V bytes. Computed elsewhere, they might differ in the last bit."""
    arrays: dict[str, Any] = {
        f"{field.name}{matrix}": getattr(exposures[matrix], field.name)
        for matrix in (0, 1)
        for field in fields(Exposure)
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def exposures_from_bytes(data: bytes, name: str) -> tuple[Exposure, Exposure]:
    """What `exposures_to_bytes` made; ``name`` says in an error where the data comes from.

    Raises
    ------
    StoreError
        The data is damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            first, second = (_exposure_from({key[:-1]: file[key] for key in file if key[-1] == m}) for m in "01")
            if (len(first.updates), len(first.met)) != (len(second.met), len(second.updates)):
                raise ValueError("the two matrices do not fit each other")
    except (ValueError, TypeError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise StoreError(f"{name} is damaged: {error}") from error
    return first, second


def _exposure_from(arrays: dict[str, Any]) -> Exposure:
    if any(array.dtype != np.float64 or not np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("expected finite numbers")
    values: dict[str, Any] = {name: array if array.ndim else float(array) for name, array in arrays.items()}
    return Exposure(**values)
