"""How often training updates each row, and what it meets then: what the curvature correction needs of a model.

Expectations from the counts alone, for each of the two matrices. With k(v) the kept occurrences of word v in an epoch,
N their sum, p = k / N, and m the context words of a window:

- An input row is updated in each window that it is a context word of, E[m] times an occurrence, and meets the output
  rows of one target. That holds for CBOW as well: the m rows of a window all move by the error of their mean (the sum:
  by an m-th of its error), so together they move the mean as an update of skip-gram moves its row.
- An output row is updated by each window whose target it stands for or whose noise it is. Skip-gram: once for each
  context word, which is distributed like p. CBOW: once, by the mean h of m context words; as if they were independent,
  ``E[h h^T] = E[1/m] M + (1 - E[1/m]) u u^T`` with M and u the second moment and the mean of the input rows under p.
- The row of a document or a tag is updated once for each kept word of its documents. Such rows are met like those of
  context words: in proportion to their words, one a window for the document and one for each of its tags.
- A target stands for itself and K noise words (negative sampling), or for the inner nodes on its path (hierarchical
  softmax), where each node is passed by all words below it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Config
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.objectives import output_rows_of
from w2v_spark.models.subsample import keep_probabilities
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import arrays_from_bytes, arrays_to_bytes, damage_naming

Numbers = npt.NDArray[np.float64]

# Chosen by the measurements in benchmarks/notes/correction.md.
OUTPUT_CENTERED_WEIGHT: Final = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class UpdateStatistics:
    """How often the rows of one matrix are updated, and what of the *other* matrix an update meets.

    Attributes
    ----------
    updates : (rows,) float64
        Expected updates of each row, per epoch of the whole corpus.
    partner_counts : (rows of the other matrix,) float64
        Expected number of times that an update meets each row of the other matrix.
    moment_weight, mean_weight : float
        With ``M = sum_v partner_counts[v] w_v w_v^T`` and ``u = sum_v partner_counts[v] w_v``, an update meets rows of
        the second moment ``moment_weight * M + mean_weight * u u^T``.
    centered_weight : float
        What the part of M around the mean counts, beside the moment of the mean, ``u u^T / sum_v partner_counts[v]``: a
        row meets its own neighbours, which have more in common than rows met by chance.
    private : float
        The share of what an update meets that are rows of documents, or words as the means of their rows. They are in M
        and u, which each shard adds up for its own, and have no number in the other matrix.
    curvature_floor : float
        What every direction has besides, in medians of the eigenvalues. In a tree each row meets the nodes of few
        paths, and the directions of these are more curved for it than they are on average.
    """

    updates: Numbers
    partner_counts: Numbers
    moment_weight: float = 1.0
    mean_weight: float = 0.0
    centered_weight: float = 1.0
    private: float = 0.0
    curvature_floor: float = 0.0

    def curvature(self, moments: Numbers) -> Numbers:
        """The (D, D) curvature of an update in parts of the slope, without the floor.

        Parameters
        ----------
        moments : (D + 1, D) float64
            Of the other matrix, and of the documents where it is the input matrix: M and, as the last row, u.
        """
        square = np.outer(moments[-1], moments[-1])
        of_mean = square / (self.partner_counts.sum() + self.private)
        around_mean = moments[:-1] - of_mean
        moment = of_mean + self.centered_weight * around_mean
        return np.asarray(self.moment_weight * moment + self.mean_weight * square)


BothStatistics = tuple[UpdateStatistics, UpdateStatistics]
"""Of the input and of the output matrix."""


def build_update_statistics(
    counts: npt.NDArray[np.int64],
    config: Config,
    tables: SamplingTables,
    sentences: int = 1,
    trained: npt.NDArray[np.int64] | None = None,
    tags: Numbers | None = None,
    subwords: SubwordTable | None = None,
) -> BothStatistics:
    """The statistics of both matrices.

    Parameters
    ----------
    counts : (V,) int64
        By which words are subsampled and noise is drawn.
    config : Config
    tables : SamplingTables
        Built for the same model.
    sentences : int
        Of the corpus; their mean length bounds windows that are wider than `ENDLESS`.
    trained : (V,) int64, optional
        Occurrences in the text that is trained on, where that is not all that has been counted.
    tags : (T,) float64, optional
        The share of the text that has each tag; 0..1 each, not in all.
    subwords : SubwordTable, optional
        The n-grams of the words, whose rows are updated with each of their words.
    """
    kept = (counts if trained is None else trained) * keep_probabilities(counts, config.train.sample)
    targets, tags = kept.sum(), np.zeros(0) if tags is None else tags
    rows, model_outputs = input_rows_of(config.model), output_rows_of(config.model)
    documents = 1.0 if rows.documents else 0.0
    scored = model_outputs.scored(counts, kept, tables)
    of_words = rows.context_sizes(targets / max(sentences, 1))
    sizes = rows.context_sizes(targets / max(sentences, 1), documents + tags.sum())
    words = kept if rows.words else np.zeros(0)
    met_words = words if subwords is None else np.zeros(len(words) + subwords.ngrams)  # nobody meets these rows alone
    inputs = UpdateStatistics(
        updates=np.concatenate([_with_ngrams(words, subwords) * of_words.mean(), targets * tags]),
        partner_counts=scored / targets,
        centered_weight=rows.centered_weight(sizes),
        curvature_floor=model_outputs.curvature_floor,
    )
    moment_weight, mean_weight = rows.met_moment(sizes)
    met = sizes.mean() / of_words.mean() if rows.words and rows.documents else 1.0
    outputs = UpdateStatistics(
        updates=scored * rows.updates_a_target(sizes),
        partner_counts=np.concatenate([met_words / targets / met, tags / sizes.mean()]),
        moment_weight=moment_weight,
        mean_weight=mean_weight,
        centered_weight=OUTPUT_CENTERED_WEIGHT,
        private=documents / sizes.mean() if subwords is None else 1.0,
        curvature_floor=model_outputs.curvature_floor,
    )
    return inputs, outputs


def _with_ngrams(words: Numbers, subwords: SubwordTable | None) -> Numbers:
    """How often words are kept, and behind them their n-grams: together the rows of a word move as its one row would.

    So an n-gram is updated with each of its words.
    """
    if subwords is None:
        return words
    owners = np.repeat(words, np.diff(subwords.starts))
    return np.concatenate([words, np.bincount(subwords.rows - len(words), owners, minlength=subwords.ngrams)])


def statistics_to_bytes(statistics: BothStatistics) -> bytes:
    """Both as one ``.npz`` file: 32 V bytes. Computed elsewhere, they might differ in the last bit."""
    names = [field.name for field in fields(UpdateStatistics)]
    return arrays_to_bytes({f"{name}{m}": getattr(statistics[m], name) for m in (0, 1) for name in names})


def statistics_from_bytes(data: bytes, name: str) -> BothStatistics:
    """What `statistics_to_bytes` made; ``name`` says in an error where the data comes from.

    Raises
    ------
    StoreError
        The data is damaged.
    """
    arrays = arrays_from_bytes(data, name)
    with damage_naming(name):
        first, second = (_statistics_from({key[:-1]: arrays[key] for key in arrays if key[-1] == m}) for m in "01")
        if (len(first.updates), len(first.partner_counts)) != (len(second.partner_counts), len(second.updates)):
            raise ValueError("the two matrices do not fit each other")
    return first, second


def _statistics_from(arrays: dict[str, Any]) -> UpdateStatistics:
    if any(array.dtype != np.float64 or not np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("expected finite numbers")
    values: dict[str, Any] = {name: array if array.ndim else float(array) for name, array in arrays.items()}
    return UpdateStatistics(**values)
