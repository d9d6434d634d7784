"""Vectors as gensim holds them, and the test sets that may lie beside the checkout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gensim.models
import pytest

from w2v_spark.vectors.blocks import Matrix

SHARED = Path(__file__).parents[2].parent / "shared" / "eval"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the evaluation sets are not beside the checkout")


def make_gensim(words: Sequence[str], matrix: Matrix) -> Any:
    vectors = gensim.models.KeyedVectors(matrix.shape[1])
    vectors.add_vectors(words, matrix)
    return vectors
