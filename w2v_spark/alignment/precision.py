"""How many words of a test dictionary are translated right, by CSLS and by cosine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.alignment.dictionary import Dictionary
from w2v_spark.vectors.reading import VectorTable
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.csls import Measure
from w2v_spark.vectors.translation import Translator, check_same_length

AT: Final = (1, 5)
"""Among how many of the best answers a right one is looked for."""
_QUANTILE: Final = 1.959963984540054  # of the normal distribution, for 95 %
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of right answers.

    Attributes
    ----------
    right, asked : int
    """

    right: int
    asked: int

    @property
    def value(self) -> float:
        """Right of those asked, 0..1."""
        return self.right / self.asked

    @property
    def interval(self) -> tuple[float, float]:
        """In which the share of words like these lies, with 95 % confidence.

        Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
        """
        n, z = self.asked, _QUANTILE
        middle = (self.right + z * z / 2) / (n + z * z)
        width = z / (n + z * z) * math.sqrt(self.right * (n - self.right) / n + z * z / 4)
        return max(middle - width, 0.0), min(middle + width, 1.0)


def evaluate_translations(
    source: VectorTable, target: VectorTable, dictionary: Dictionary, measures: Sequence[Measure] = tuple(Measure)
) -> Report:
    """Precision at 1 and 5 on a test dictionary; plain values, ready for JSON.

    A word is asked if one of its pairs is known, that is, both of its words have a vector; any of its known
    translations counts as right. So words that a table lacks count neither way, and ``coverage`` says how many they
    are.

    Parameters
    ----------
    source, target : VectorTable
        Aligned spaces.
    dictionary : Dictionary
    measures : sequence of Measure

    Raises
    ------
    InputError
        The vectors differ in length, or no pair is known.

    Notes
    -----
    By CSLS the cost is that of all pairs of words, see `Translator`.
    """
    check_same_length(source.stack.shape[1], target.stack.shape[1])
    known = dictionary.known(source.words, target.words)
    asked, groups = np.unique(known.source, return_inverse=True)
    right = [known.target[groups == group] for group in range(len(asked))]
    translator, vectors = Translator(source.stack, target.stack), source.stack.take(asked)
    words = len({word for word, _ in dictionary.pairs})
    report: Report = {
        "dictionary": dictionary.name,
        "pairs": {"given": len(dictionary.pairs), "known": len(known)},
        "words": {"given": words, "asked": len(asked), "coverage": len(asked) / words},
    }
    for measure in measures:
        found, _ = translator.translate(vectors, max(AT), measure)
        report[measure.value] = {f"p@{top}": _share(found[:, :top], right) for top in AT}
    return report


def _share(found: Ids, right: Sequence[npt.NDArray[np.int64]]) -> Report:
    hits = sum(bool(np.isin(answers, rows).any()) for answers, rows in zip(found, right, strict=True))
    share = Share(hits, len(right))
    return {"right": hits, "share": share.value, "interval": list(share.interval)}


def format_precision(report: Report) -> str:
    """A report of `evaluate_translations` as text for a terminal."""
    words, pairs = report["words"], report["pairs"]
    lines = [
        f"{report['dictionary']}: {words['asked']:,} of {words['given']:,} words asked (coverage "
        f"{words['coverage']:.1%}), {pairs['known']:,} of {pairs['given']:,} pairs known",
        f"{'':<10}" + "".join(f"{f'P@{top}':>8}  {'95 % interval':<16}" for top in AT).rstrip(),
    ]
    for measure in (measure for measure in Measure if measure in report):
        cells = [(report[measure][f"p@{top}"]["share"], *report[measure][f"p@{top}"]["interval"]) for top in AT]
        shown = (
            f"{f'{100 * share:.2f} %':>8}  {f'{100 * low:.1f} to {100 * high:.1f}':<16}" for share, low, high in cells
        )
        lines.append(f"{measure:<10}" + "".join(shown).rstrip())
    return "\n".join(lines)
