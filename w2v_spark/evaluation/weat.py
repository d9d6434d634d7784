"""The word embedding association test (WEAT): whether X goes with A as Y goes with B."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.evaluation.correlation import Values
from w2v_spark.evaluation.kind import WORD_RESTRICT, Column, Form, Kind, Row, Scored, Settings, among_many
from w2v_spark.evaluation.permutations import p_values, splits
from w2v_spark.evaluation.sources import Source
from w2v_spark.evaluation.word_lookup import VectorLookup
from w2v_spark.evaluation.word_sets import WordSets, find_known, read_word_sets
from w2v_spark.vectors.keyed_vectors import KeyedVectors

SIZES: Final = {"X": 4, "Y": 4, "A": 2, "B": 2}  # of two sets of three words no p is below 0.05
_PROTOCOL: Final = (
    "d by the standard deviation of all target words (ddof 0; with ddof 1 in the JSON report); p: share of "
    "permutations at or above, one-sided, and as far from 0, two-sided"
)


def read_weat(source: Source) -> tuple[WordSets, ...]:
    """Read tests with target words X and Y and attribute words A and B, see `read_word_sets`.

    Raises
    ------
    InputError
        What `read_word_sets` raises, or X and Y have different numbers of words.
    """
    tests = read_word_sets(source, SIZES, [("X", "Y"), ("A", "B")])
    for test in tests:
        x, y = len(test.words["X"]), len(test.words["Y"])
        if x != y:
            raise InputError(
                f"{test.where}: X ({test.labels['X']}) has {x} words and Y ({test.labels['Y']}) has {y}, expected "
                "equal numbers: the test exchanges them"
            )
    return tests


def associations(targets: Values, a: Values, b: Values) -> Values:
    """How much more like A than like B each target word is, (n,): the difference of its mean cosines with them.

    Vectors are of length 1, or zero, (n, D).
    """
    found: Values = (targets @ a.T).mean(axis=1) - (targets @ b.T).mean(axis=1)
    return found


def weat(x: Values, y: Values, a: Values, b: Values, seed: int) -> dict[str, Any]:
    """Effect size and p-values of vectors of length 1, each (n, D); of x as many as of y.

    Notes
    -----
    d = (mean over X of s - mean over Y of s) / standard deviation of s over X and Y, where s is `associations`; p is
    the share of all ways to divide the target words equally for which sum over X of s - sum over Y of s is no smaller.
    Source: Caliskan, Bryson and Narayanan 2017, "Semantics derived automatically from language corpora contain
    human-like biases", supplement; the p of the paper counts larger ones only.
    """
    s = np.concatenate([associations(x, a, b), associations(y, a, b)])
    difference = float(s[: len(x)].mean() - s[len(x) :].mean())
    deviations = [float(s.std(ddof=ddof)) for ddof in (0, 1)]
    size, sample = (difference / deviation if deviation > 0 else float("nan") for deviation in deviations)
    ways = splits(len(x), len(y), seed)
    sums = 2 * s[ways.first].sum(axis=1) - s.sum()
    return {
        "effect_size": size,
        "effect_size_ddof1": sample,
        **p_values(float(2 * s[: len(x)].sum() - s.sum()), sums, ways.exact),
    }


def _score(vectors: KeyedVectors, tests: Sequence[WordSets], settings: Settings) -> Scored:
    lookup = VectorLookup(vectors, WORD_RESTRICT)
    rows = []
    for test in tests:
        known = find_known(lookup, test, SIZES)
        n = min(len(known.words["X"]), len(known.words["Y"]))
        left_out = [word for key in "XY" for word in known.words[key][n:]]
        found = weat(known.unit["X"][:n], known.unit["Y"][:n], known.unit["A"], known.unit["B"], settings.seed)
        missing = [word for words in known.missing.values() for word in words]
        numbers = {"n": n, "attributes": [len(known.words[key]) for key in "AB"], "unknown": len(missing)}
        rows.append(Row(test.name, {**found, **numbers, "unknown_words": missing, "left_out": left_out}))
    return Scored(len(rows), f"{len(rows)} tests", (), tuple(rows), {"restrict": WORD_RESTRICT, "protocol": _PROTOCOL})


WEAT: Final = Kind(
    name="weat",
    what="WEAT tests of four sets of words",
    metavar="JSON",
    help="tests of association between two sets of target words and two sets of attribute words",
    read=read_weat,
    words=among_many,
    score=_score,
    columns=(
        Column("effect_size", "d", Form.NUMBER),
        Column("p", "p", Form.CHANCE),
        Column("p_two_sided", "two-sided", Form.CHANCE),
        Column("permutations", "of", Form.COUNT),
        Column("n", "|X| = |Y|", Form.COUNT),
        Column("unknown", "unknown", Form.COUNT),
    ),
    unknown=(
        "unknown words are left out, and with them the last words of X or Y if there are then more; less than 80 % "
        "of a set is an error"
    ),
)
