"""What the methods of `KeyedVectors` are asked with: words, rows, vectors, and their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix

if TYPE_CHECKING:
    from typing_extensions import TypeIs

Vector = npt.NDArray[np.float32]
Key = str | int | np.integer[Any]
"""A word, or the number of its row."""
Item = Key | Vector
"""A key, or a vector of length D."""
Items = Item | Sequence[Item | tuple[Item, float]] | None
"""One item, or several, each perhaps with a weight: ``"king"``, ``["king", "woman"]``, ``[("king", 2.0)]``; or none."""
WeightedItem = tuple[Item, float]


def is_key(item: object) -> TypeIs[Key]:
    """Whether this is a word or the number of a row."""
    return isinstance(item, (str, int, np.integer))


def is_item(items: object) -> TypeGuard[Item]:
    """Whether this is one key or vector, and not several."""
    return is_key(items) or (isinstance(items, np.ndarray) and items.ndim == 1)


def weighted(items: Items, weight: float) -> list[WeightedItem]:
    """Every item with its own weight or the given one."""
    if items is None:
        return []
    if is_key(items) or is_item(items):
        return [(items, weight)]
    return [(item[0], float(item[1])) if isinstance(item, tuple) else (item, weight) for item in items]


def pair_up(positive: Sequence[Items] | Matrix, negative: Sequence[Items] | Matrix) -> list[tuple[Items, Items]]:
    """The positive and the negative items of each query of a batch; without ``negative``, no query has any."""
    for name, items in (("positive", positive), ("negative", negative)):
        if is_item(items):
            raise InputError(f"{name} = {items!r} is one item: expected a sequence with an entry for each query")
    if len(negative) not in (0, len(positive)):
        raise InputError(f"{len(positive)} positive and {len(negative)} negative entries: expected as many, or none")
    return list(zip(positive, negative if len(negative) else [()] * len(positive), strict=True))
