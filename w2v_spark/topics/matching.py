"""Topics of a new model that are those of an old one: they keep their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.extras import missing
from w2v_spark.retraining.drift import Common
from w2v_spark.retraining.rotation import Rotation, WordPairs, fit_rotation
from w2v_spark.topics.centroids import to_unit
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import VectorTable

Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """Which topics are which.

    Attributes
    ----------
    ids : int32, (T,)
        The numbers of the new topics.
    next_id : int
        The first number that no topic has had.
    report : dict
        ``kept``: number and cosine; ``born`` and ``dead``: numbers; ``split``: an old number and the new topics that
        have come of it beside the one that kept it; ``merged``: an old topic that is gone and the topic that it lies
        in now.
    """

    ids: Numbers
    next_id: int
    report: dict[str, Any]


def rotate_onto(old: VectorTable, new: VectorTable) -> Rotation:
    """The rotation of the new space onto the old one by the words that both have.

    Raises
    ------
    InputError
        The dimensions differ, or no word is common.
    """
    if old.stack.shape[1] != new.stack.shape[1]:
        raise InputError(
            f"the previous model has {old.stack.shape[1]} dimensions and the new one {new.stack.shape[1]}: topics of "
            "both cannot be compared; leave the previous topics out"
        )
    common = Common.find(old.words, new.words)
    if not len(common):
        raise InputError("the previous model has no word of the new one: topics of both cannot be compared")
    pairs = WordPairs(old.stack, new.stack, common.old, common.new)
    return fit_rotation(pairs, np.log1p(new.counts[common.new].astype(np.float64)))


def match_topics(new: Matrix, old: Matrix, old_ids: Numbers, next_id: int, least: float) -> Matching:
    """Give new topics the numbers of the old ones that they are.

    Parameters
    ----------
    new : float32, (T, D)
        Vectors of length 1, in the old space: after the rotation.
    old : float32, (S, D)
        Of length 1.
    old_ids : int32, (S,)
    next_id : int
        The first number that no topic has had; topics that are new are numbered from here.
    least : float
        Topics are the same only where their cosine is at least this.

    Raises
    ------
    MissingExtra
        scipy is not installed.

    Notes
    -----
    The one-to-one matching with the largest sum of cosines (the Hungarian method; Kuhn 1955), of which pairs below
    ``least`` are dropped.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise missing("topics", error) from error
    cosines = new.astype(np.float64) @ old.astype(np.float64).T
    value = np.where(cosines >= least, cosines + 2, 0.0)  # what is too far apart takes nobody's place
    rows, columns = linear_sum_assignment(value, maximize=True)
    pairs = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if cosines[r, c] >= least}
    born = [row for row in range(len(new)) if row not in pairs]
    ids = np.empty(len(new), dtype=np.int32)
    for row, column in pairs.items():
        ids[row] = old_ids[column]
    ids[born] = np.arange(next_id, next_id + len(born))
    kept = [{"id": int(old_ids[c]), "cosine": round(float(cosines[r, c]), 4)} for r, c in sorted(pairs.items())]
    return Matching(
        ids,
        next_id + len(born),
        {
            "kept": sorted(kept, key=lambda pair: pair["id"]),
            "born": [int(ids[row]) for row in born],
            "dead": sorted({int(id) for id in old_ids} - {int(old_ids[c]) for c in pairs.values()}),
            "split": _splits(cosines, born, pairs, ids, old_ids, least),
            "merged": _mergers(cosines, pairs, ids, old_ids, least),
        },
    )


def rotated(vectors: Matrix, rotation: Rotation) -> Matrix:
    """Vectors in the old space, scaled to length 1."""
    return to_unit(vectors.astype(np.float64) @ rotation)


def _splits(
    cosines: npt.NDArray[np.float64], born: list[int], pairs: dict[int, int], ids: Numbers, old_ids: Numbers,
    least: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """Old topics to which several new ones are near enough: the one that kept the number, and others."""
    parts: dict[int, list[int]] = {}
    for row in born:
        if cosines.shape[1] and cosines[row].max() >= least:
            parts.setdefault(int(np.argmax(cosines[row])), []).append(row)
    keepers = {column: row for row, column in pairs.items()}
    return [
        {"from": int(old_ids[column]), "into": [int(ids[row]) for row in sorted([keepers[column], *rows])]}
        for column, rows in sorted(parts.items())
        if column in keepers
    ]


def _mergers(
    cosines: npt.NDArray[np.float64], pairs: dict[int, int], ids: Numbers, old_ids: Numbers, least: float
) -> list[dict[str, Any]]:
    """Old topics that nobody is, near enough to a new one that another old topic is."""
    gone = [column for column in range(len(old_ids)) if column not in pairs.values()]
    nearest = {column: int(np.argmax(cosines[:, column])) for column in gone if len(cosines)}
    return [
        {"from": int(old_ids[column]), "into": int(ids[row])}
        for column, row in nearest.items()
        if cosines[row, column] >= least
    ]
