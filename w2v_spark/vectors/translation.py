"""Words of one space among the words of another one, in memory: the part of `KeyedVectors` that translates."""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.items import Item
from w2v_spark.vectors.nearest_words import Answer
from w2v_spark.vectors.row_stack import Ids, RowStack
from w2v_spark.vectors.search.csls import Means, Measure, find_translations
from w2v_spark.vectors.search.tiled import Numbers, normalise
from w2v_spark.vectors.similarities import Similarities


class Translator:
    """Finds the best answers for vectors of one space among the rows of another, exactly.

    Parameters
    ----------
    source : RowStack, (V, D)
        The space that is asked about: how near its rows are to each of the other space counts in CSLS.
    target : RowStack, (W, D)
        The space in which answers are.

    Raises
    ------
    InputError
        The vectors of the two differ in length, or a vector is not finite.

    Notes
    -----
    Memory: 4 W D bytes, and 4 V D more during the first question by CSLS, which goes through all pairs of words:
    ``2 V W D`` operations on all processors. Later ones cost ``6 W D`` a row.
    """

    def __init__(self, source: RowStack, target: RowStack) -> None:
        check_same_length(source.shape[1], target.shape[1])
        self._source = source
        self._target = normalise(target)

    @cached_property
    def _of_candidates(self) -> Numbers:
        return Means.find(normalise(self._source), self._target).of_candidates

    def translate(self, vectors: Matrix, topn: int, measure: Measure | str = Measure.CSLS) -> tuple[Ids, Matrix]:
        """The best answers for some vectors, (n, D): their rows and scores, (n, min(topn, W)), the best first.

        Raises `ConfigError` if ``topn`` is below 1 or there is no such measure.
        """
        kind = to_measure(measure)
        unit = normalise(RowStack([np.ascontiguousarray(vectors, dtype=np.float32)]))
        return find_translations(unit, self._target, topn, self._of_candidates if kind is Measure.CSLS else None)


class Translations(Similarities):
    """Translates what is in ``_content``."""

    def translate(self, word: Item, other: Translations, topn: int = 5, measure: Measure | str = "csls") -> Answer:
        """The best answers for a word, or a vector of this space, among the words of a space it was aligned with.

        Parameters
        ----------
        word : str or (D,) array
        other : KeyedVectors
            Of vectors of the same length: ``w2v-spark align`` brings two spaces together.
        topn : int
        measure : str
            ``"csls"``: ``2 cos - r_T - r_S``, where r_T and r_S are the mean cosines of the word and of the answer with
            the ten nearest words of the other space, so that words which are near to very many fall back; or
            ``"cosine"``.

        Returns
        -------
        list of (word, score)
            The best first, equal ones in rank order.

        Raises
        ------
        WordNotFound, InputError, ConfigError
            The word is unknown; the spaces differ in length, or ``other`` is none; there is no such measure, or
            ``topn`` is below 1.

        Notes
        -----
        The first question by CSLS goes through all pairs of words, and what it finds is kept as long as ``other``; see
        `Translator`. For all words at once there is ``w2v-spark translate``. Needs numba.
        """
        if not isinstance(other, Translations):
            raise InputError(
                f"other is a {type(other).__name__}, expected the vectors of the other space: KeyedVectors.load(path)"
            )
        if other not in self._translators:
            self._translators[other] = Translator(self._content.stack, other._content.stack)
        rows, scores = self._translators[other].translate(self._content.vector(word)[None], topn, measure)
        index = other._content.index
        return [(index.word(row), score) for row, score in zip(rows[0].tolist(), scores[0].tolist(), strict=True)]

    @cached_property
    def _translators(self) -> WeakKeyDictionary[Translations, Translator]:
        return WeakKeyDictionary()


def to_measure(measure: Measure | str) -> Measure:
    """A measure by its name. Raises `ConfigError`."""
    try:
        return Measure(measure)
    except ValueError:
        allowed = ", ".join(Measure)
        raise ConfigError(Name("measure"), f" = {measure!r} is not allowed: expected one of {allowed}") from None


def check_same_length(source: int, target: int) -> None:
    """Refuse vectors of two lengths. Raises `InputError`."""
    if source != target:
        raise InputError(
            f"the source has vectors of length {source}, the target of {target}: words are translated between spaces "
            "of one length; train both with the same model.dim"
        )
