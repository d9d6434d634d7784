"""The relative norm distance (RND): whether target words are nearer to one group of words than to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from w2v_spark.evaluation.correlation import Values
from w2v_spark.evaluation.kind import WORD_RESTRICT, Column, Form, Kind, Row, Scored, Settings, among_many
from w2v_spark.evaluation.permutations import p_values, splits
from w2v_spark.evaluation.samples import Means
from w2v_spark.evaluation.sources import Source
from w2v_spark.evaluation.word_lookup import VectorLookup
from w2v_spark.evaluation.word_sets import WordSets, find_known, read_word_sets
from w2v_spark.vectors.keyed_vectors import KeyedVectors

SIZES: Final = {"X": 2, "A": 4, "B": 4}
_AT_ONCE: Final = 2_000  # permutations: 5 MB of means at D = 300
_PROTOCOL: Final = (
    "distance to the mean vector of A less that of B, unit vectors, their mean not scaled: above 0 is nearer to B; d = "
    "mean / standard deviation over X (ddof 0); p: words of A and B exchanged; intervals resample X"
)


def read_rnd(source: Source) -> tuple[WordSets, ...]:
    """Read tests with target words X and two groups A and B, see `read_word_sets`, which raises."""
    return read_word_sets(source, SIZES, [("A", "B")])


def relative_distances(targets: Values, first: Values, second: Values) -> Values:
    """The distance of target words, (n, D), to one vector less that to another, for m pairs of these, (m, D): (m, n).

    Source: Garg, Schiebinger, Jurafsky and Zou 2018, "Word embeddings quantify 100 years of gender and ethnic
    stereotypes", Materials and Methods; their sum over the target words is the relative norm distance.
    """
    one, other = (
        np.sqrt(
            np.maximum(
                0.0,
                np.einsum("nd,nd->n", targets, targets)
                - 2 * means @ targets.T
                + np.einsum("md,md->m", means, means)[:, None],
            )
        )
        for means in (first, second)
    )
    found: Values = one - other
    return found


def rnd(targets: Values, a: Values, b: Values, seed: int) -> tuple[dict[str, Any], Values]:
    """The numbers of a test of vectors of length 1, each (n, D), and the distance of each target word, (n,)."""
    (each,) = relative_distances(targets, a.mean(axis=0)[None], b.mean(axis=0)[None])
    ways, both = splits(len(a), len(b), seed), np.concatenate([a, b])
    sums = []
    for start in range(0, len(ways.first), _AT_ONCE):
        in_a = np.zeros((len(ways.first[start : start + _AT_ONCE]), len(both)))
        np.put_along_axis(in_a, ways.first[start : start + _AT_ONCE], 1.0, axis=1)
        distances = relative_distances(targets, in_a @ both / len(a), (1 - in_a) @ both / len(b))
        sums.append(distances.sum(axis=1))
    spread = float(each.std())
    numbers = {
        "rnd": float(each.sum()),
        "mean": float(each.mean()),
        "effect_size": float(each.mean()) / spread if spread > 0 else float("nan"),
        **p_values(float(each.sum()), np.concatenate(sums), ways.exact),
    }
    return numbers, each


def _score(vectors: KeyedVectors, tests: Sequence[WordSets], settings: Settings) -> Scored:
    lookup = VectorLookup(vectors, WORD_RESTRICT)
    rows = []
    for test in tests:
        known = find_known(lookup, test, SIZES)
        numbers, each = rnd(known.unit["X"], known.unit["A"], known.unit["B"], settings.seed)
        there = np.isin(test.words["X"], known.words["X"])
        distances = np.zeros(len(there))
        distances[there] = each
        missing = [word for words in known.missing.values() for word in words]
        counts = {"n": len(each), "attributes": [len(known.words[key]) for key in "AB"], "unknown": len(missing)}
        values = {**numbers, **counts, "unknown_words": missing}
        rows.append(Row(test.name, values, {"mean": Means(distances, there)}))
    return Scored(len(rows), f"{len(rows)} tests", (), tuple(rows), {"restrict": WORD_RESTRICT, "protocol": _PROTOCOL})


RND: Final = Kind(
    name="rnd",
    what="RND tests of three sets of words",
    metavar="JSON",
    help="tests whether a set of target words is nearer to one group of words than to another",
    read=read_rnd,
    words=among_many,
    score=_score,
    columns=(
        Column("rnd", "RND", Form.NUMBER),
        Column("mean", "mean", Form.NUMBER),
        Column("effect_size", "d", Form.NUMBER),
        Column("p", "p", Form.CHANCE),
        Column("p_two_sided", "two-sided", Form.CHANCE),
        Column("n", "|X|", Form.COUNT),
        Column("unknown", "unknown", Form.COUNT),
    ),
    unknown="unknown words are left out; less than 80 % of a set is an error",
)
