"""How good word vectors are: the three numbers that the benchmarks give."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.evaluation.analogies import evaluate_analogies, read_analogies
from w2v_spark.evaluation.pair_files import read_pairs
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.vectors.keyed_vectors import KeyedVectors

RESTRICT: Final = 30_000
SIMILARITIES: Final = ("wordsim353", "simlex999")


def score(words: pa.Array, vectors: npt.NDArray[np.float32], evaluation: Path) -> dict[str, float]:
    """Google analogies in percent over the most frequent words; similarities as Spearman x 100, 0 where undefined.

    Parameters
    ----------
    words : (V,) strings
    vectors : (V, D) float32
    evaluation : directory with ``questions-words.txt`` and ``similarity/``
    """
    keyed = KeyedVectors(words, np.ascontiguousarray(vectors))
    sections = read_analogies(evaluation / "questions-words.txt")
    scores = {"analogies": 100 * evaluate_analogies(keyed, sections, RESTRICT).total.accuracy}
    for name in SIMILARITIES:
        pairs = read_pairs(evaluation / "similarity" / f"{name}.txt").pairs
        scores[name] = 100 * float(np.nan_to_num(evaluate_similarity(keyed, pairs).spearman))
    return scores
