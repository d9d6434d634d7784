"""Twins of the kernels that split and average documents, in plain Python and float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def mean_vector(
    words: Sequence[str | None], vectors: Mapping[str, Sequence[float]], dim: int, count_unknown: bool
) -> list[float]:
    known = [vectors[word] for word in words if word in vectors]
    count = len(words) if count_unknown else len(known)
    if not known:
        return [0.0] * dim
    return [sum(vector[k] for vector in known) / count for k in range(dim)]
