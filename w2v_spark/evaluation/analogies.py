"""Word analogies ("Athens is to Greece as Baghdad is to ..."), counted like the C program and gensim count them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.evaluation.kind import Column, Form, Kind, Row, Scored, Settings
from w2v_spark.evaluation.samples import Shares, value_of
from w2v_spark.evaluation.sources import Source, as_file, stem
from w2v_spark.evaluation.text_files import read_lines
from w2v_spark.evaluation.word_lookup import WordLookup
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.query import EPSILON

Question = tuple[str, str, str, str]

_BATCH = 512  # questions a matrix product: 61 MB of scores at 30,000 words
_SCORES = 1 << 26  # at most, of a matrix product: 268 MB


class Method(StrEnum):
    """How the answer to ``a b c`` is found.

    3CosAdd takes the word nearest to ``b - a + c``; 3CosMul the one with the largest cos(b) cos(c) / (cos(a) + 1e-6),
    with cosines moved from -1..1 to 0..1. Source: Levy and Goldberg 2014, "Linguistic Regularities in Sparse and
    Explicit Word Representations", equations 3 and 4.
    """

    ADD = "3cosadd"
    MULTIPLY = "3cosmul"


class Outcome(IntEnum):
    """What became of a question."""

    WRONG = 0
    RIGHT = 1
    SKIPPED = 2  # a word is unknown


@dataclass(frozen=True, slots=True)
class Section:
    """A named group of questions ``a b c d``: a is to b as c is to d."""

    name: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Questions of a section: ``answered`` had all four words known, ``correct`` of them were right."""

    name: str
    correct: int
    answered: int
    skipped: int

    @property
    def accuracy(self) -> float:
        """Correct answers as a fraction of the answered questions, 0..1; 0 when there were none."""
        return self.correct / self.answered if self.answered else 0.0

    @property
    def syntactic(self) -> bool:
        """Whether it is about grammar: the Google set names these sections ``gram1-...`` to ``gram9-...``."""
        return _is_grammar(self.name)


@dataclass(frozen=True, slots=True)
class AnalogyResult:
    """Scores by section, in the order of the file, and their sums."""

    sections: tuple[Score, ...]

    @property
    def total(self) -> Score:
        """All sections together."""
        return _sum("total", self.sections)

    @property
    def semantic(self) -> Score:
        """The sections that are not about grammar; in the Google set the first five, as in the C program."""
        return _sum("semantic", [score for score in self.sections if not score.syntactic])

    @property
    def syntactic(self) -> Score:
        """The sections about grammar."""
        return _sum("syntactic", [score for score in self.sections if score.syntactic])


def _is_grammar(name: str) -> bool:
    return name.startswith("gram")


def _sum(name: str, scores: Sequence[Score]) -> Score:
    correct, answered, skipped = (sum(getattr(s, key) for s in scores) for key in ("correct", "answered", "skipped"))
    return Score(name, correct, answered, skipped)


def read_analogies(path: Source) -> list[Section]:
    """Read questions in Google's format: ``: section`` lines, each followed by lines of four words.

    Words stand between white space; a line with three tabs may have spaces in its words. Blank lines and lines that
    start with ``//`` (the licence of the phrase questions) or ``#`` are passed over. A file without any section is one
    section with the name of the file; then there may be no numbers, so that a table of word pairs is no such file.

    Raises
    ------
    InputError
        The file cannot be read, has no questions, or a line is neither a section nor four words (gensim passes over
        such a line); the message names the file and the line.
    """
    sections: list[tuple[str, list[Question]]] = []
    lines = read_lines(path, comment=("//", "#"))
    has_sections = any(line.startswith(":") for _, line in lines)
    if lines and not has_sections:
        sections.append((stem(as_file(path)), []))
    for number, line in lines:
        words = [word.strip() for word in line.split("\t")]
        if len(words) != 4 or not all(words):
            words = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif not sections or not (has_sections or all(map(_is_word, words))):
            raise InputError(f"{path}, line {number}: expected a section (': name') before the first question")
        elif len(words) != 4:
            raise InputError(f"{path}, line {number}: expected four words, found {len(words)}: {line[:80]!r}")
        else:
            sections[-1][1].append((words[0], words[1], words[2], words[3]))
    if not any(questions for _, questions in sections):
        raise InputError(f"{path} holds no analogy questions")
    return [Section(name, tuple(questions)) for name, questions in sections]


def _is_word(text: str) -> bool:
    return not text.replace(".", "").replace(",", "").isdigit()


class AnalogySolver:
    """Answers questions ``a b c d`` among the most frequent words, by a `Method`.

    Parameters
    ----------
    vectors : KeyedVectors
    restrict : int
        All four words must be among so many of the most frequent words, and the answer comes from them.
    ignore_case : bool

    Raises
    ------
    ConfigError
        ``restrict`` is below 1.
    """

    def __init__(self, vectors: KeyedVectors, restrict: int, ignore_case: bool) -> None:
        self._lookup = WordLookup(vectors, restrict, ignore_case)
        rows = len(self._lookup.standing)
        self._unit = vectors.take(np.arange(rows)) / vectors.norms[:rows, None]

    def solve(self, questions: Sequence[Question], method: Method = Method.ADD) -> npt.NDArray[np.int8]:
        """The `Outcome` of each question, (n,)."""
        found = [[self._lookup.find(word) for word in question] for question in questions]
        outcomes = np.full(len(questions), Outcome.SKIPPED, dtype=np.int8)
        numbers = np.array([number for number, rows in enumerate(found) if None not in rows], dtype=np.intp)
        score = {Method.ADD: self._sums, Method.MULTIPLY: self._products}[method]
        size = max(1, min(_BATCH, _SCORES // len(self._unit)))
        for start in range(0, len(numbers), size):
            batch = numbers[start : start + size]
            asked = np.array([found[number] for number in batch], dtype=np.intp)
            outcomes[batch] = self._are_right(asked, score(*asked[:, :3].T))
        return outcomes

    def _sums(self, a: Ids, b: Ids, c: Ids) -> Matrix:
        """3CosAdd: the scores of all words for some questions, (n, rows)."""
        unit = self._unit
        scores: Matrix = (unit[b] - unit[a] + unit[c]) @ unit.T
        return scores

    def _products(self, a: Ids, b: Ids, c: Ids) -> Matrix:
        """3CosMul: products of cosines that have been moved from -1..1 to 0..1."""
        rows, places = np.unique(np.concatenate([a, b, c]), return_inverse=True)
        shifted = (1 + self._unit[rows] @ self._unit.T) / 2  # few: questions that stand together share their words
        first, second, third = np.split(places, 3)
        scores: Matrix = shifted[second]
        scores *= shifted[third]
        scores /= shifted[first] + np.float32(EPSILON)
        return scores

    def _are_right(self, questions: Ids, scores: Matrix) -> npt.NDArray[np.bool_]:
        """Which of some questions, (n, 4) rows of a, b, c, d, are answered right by scores of all words, (n, rows)."""
        standing = self._lookup.standing
        expected, forms = questions[:, 3], standing[questions[:, :3]]
        np.put_along_axis(scores, questions[:, :3], -np.inf, axis=1)
        best = scores.argmax(axis=1)
        while True:  # once, unless the best is a question word in another case
            asked = (standing[best][:, None] == forms).any(axis=1)
            again = np.flatnonzero(asked & (scores[np.arange(len(best)), best] > -np.inf))
            if not len(again):
                right: npt.NDArray[np.bool_] = ~asked & (standing[best] == standing[expected])
                return right
            scores[again, best[again]] = -np.inf
            best[again] = scores[again].argmax(axis=1)


def evaluate_analogies(
    vectors: KeyedVectors, sections: Sequence[Section], restrict: int = 30_000, ignore_case: bool = True
) -> AnalogyResult:
    """Answer every question ``a b c d`` with the word nearest to ``b - a + c`` and count how often that is d.

    All four words must be among the ``restrict`` most frequent words, else the question is skipped; the answer is
    looked for among those words without a, b and c.

    Raises
    ------
    ConfigError
        ``restrict`` is below 1.

    Notes
    -----
    The numbers are those of gensim's ``evaluate_word_analogies`` and of the C program ``compute-accuracy``, which
    agree unless several words differ in case only. Then a word of a question is the one that is written like it, and
    if there is none the most frequent in another case; gensim and the C program take the most frequent at once. An
    answer counts in any case, and no form of a, b or c is an answer, as in gensim; the C program leaves out only the
    three rows themselves. The C program also gives no answer when no cosine is above 0.

    Cost: one float32 product of (questions, D) x (D, restrict), about 2 s for 19,544 questions, 30,000 words and
    D = 100. Source: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 4.
    """
    solver = AnalogySolver(vectors, restrict, ignore_case)
    scores = []
    for section in sections:
        outcomes = solver.solve(section.questions)
        correct, wrong, skipped = (
            int(np.count_nonzero(outcomes == outcome)) for outcome in (Outcome.RIGHT, Outcome.WRONG, Outcome.SKIPPED)
        )
        scores.append(Score(section.name, correct, correct + wrong, skipped))
    return AnalogyResult(tuple(scores))


def _score(vectors: KeyedVectors, sections: Sequence[Section], settings: Settings) -> Scored:
    """By 3CosAdd, whose values have plain names, and by 3CosMul."""
    solver = AnalogySolver(vectors, settings.restrict, ignore_case=True)
    asked = [question for section in sections for question in section.questions]
    methods = {"": Method.ADD} | ({"_3cosmul": Method.MULTIPLY} if settings.every_method else {})
    outcomes = {suffix: solver.solve(asked, method) for suffix, method in methods.items()}
    ends = np.cumsum([0, *(len(section.questions) for section in sections)])
    places = [np.arange(first, last) for first, last in pairwise(ends)]
    rows = [_row(section.name, outcomes, place) for section, place in zip(sections, places, strict=True)]
    is_grammar = np.repeat([_is_grammar(section.name) for section in sections], np.diff(ends))
    totals = (
        _row("semantic", outcomes, np.flatnonzero(~is_grammar)),
        _row("syntactic", outcomes, np.flatnonzero(is_grammar)),
        _row("total", outcomes, np.arange(len(asked))),
    )
    return Scored(
        totals[-1].values["answered"], f"{len(asked)} questions", totals, tuple(rows), {"restrict": settings.restrict}
    )


def _row(name: str, outcomes: Mapping[str, npt.NDArray[np.int8]], place: Ids) -> Row:
    values: dict[str, Any] = {}
    samples = {}
    for suffix, found in outcomes.items():
        some = found[place]
        known = some != Outcome.SKIPPED
        sample = Shares((some == Outcome.RIGHT).astype(np.float64), known)
        values[f"correct{suffix}"] = int(np.count_nonzero(some == Outcome.RIGHT))
        if not suffix:
            values |= {"answered": int(known.sum()), "skipped": int((~known).sum())}
        values[f"accuracy{suffix}"] = value_of(sample) if known.any() else 0.0
        samples[f"accuracy{suffix}"] = sample
    return Row(name, values, samples)


ANALOGIES: Final = Kind(
    name="analogies",
    what="analogy questions",
    metavar="FILE",
    help="questions in Google's format, answered by 3CosAdd and by 3CosMul",
    read=read_analogies,
    words=lambda settings: settings.restrict,
    score=_score,
    columns=(
        Column("accuracy", "3CosAdd", Form.SHARE),
        Column("accuracy_3cosmul", "3CosMul", Form.SHARE),
        Column("answered", "answered", Form.COUNT),
        Column("skipped", "skipped", Form.COUNT),
    ),
    unknown="questions with an unknown word are skipped",
)
