"""Which word of one space stands for which of another one."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from w2v_spark.errors import InputError
from w2v_spark.explore.layout import Rows
from w2v_spark.explore.request import Link
from w2v_spark.explore.space import Words, check_one_length
from w2v_spark.redaction import hide
from w2v_spark.retraining.start import find_rows
from w2v_spark.vectors.search.csls import Means, find_translations

_IDENTICAL: Final = "identical words"
"""How `Dictionary.identical` calls itself: two periods of one language."""


def choose_link(one: Words, other: Words) -> Link:
    """Translations where ``w2v-spark align`` has mapped one of the two by a dictionary, else the same words."""
    dictionaries = {(words.alignment or {}).get("dictionary", _IDENTICAL) for words in (one, other)}
    return Link.WORDS if dictionaries == {_IDENTICAL} else Link.TRANSLATIONS


def link(one: Words, other: Words, kind: Link) -> tuple[Rows, Rows]:
    """The row in the other space of each word: of the first one's words, and of the second one's; -1 for none.

    Raises
    ------
    InputError
        The same words are asked for, and there are none.
    ConfigError
        Translations are asked for, and the vectors differ in length.
    MissingExtra
        Translations need numba.

    Notes
    -----
    A translation is the best answer by CSLS. Cost: ``6 n m D`` operations; the same words cost none.
    """
    if kind is Link.WORDS:
        found = find_rows(pa.array(other.plain, pa.string()), pa.array(one.plain, pa.string())).astype(np.int32)
        known = np.flatnonzero(found >= 0)
        if not len(known):
            raise InputError(
                f"{hide(one.directory.uri)} and {hide(other.directory.uri)} have no word in common: for two languages, "
                "bring them together with 'w2v-spark align' first, and give the aligned one"
            )
        back = np.full(len(other), -1, dtype=np.int32)
        back[found[known]] = known
        return found, back
    check_one_length(one, other)
    means = Means.find(one.unit, other.unit)
    there, _ = find_translations(one.unit, other.unit, 1, means.of_candidates)
    here, _ = find_translations(other.unit, one.unit, 1, means.of_rows)
    return there[:, 0].astype(np.int32), here[:, 0].astype(np.int32)
