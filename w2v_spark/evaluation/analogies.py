"""Word analogies ("Athens is to Greece as Baghdad is to ..."), counted like the C program and gensim count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from os import PathLike

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.evaluation.text_files import read_lines
from w2v_spark.evaluation.word_lookup import WordLookup
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import Ids

Question = tuple[str, str, str, str]

_BATCH = 512  # questions a matrix product: 61 MB of scores at 30,000 words


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
        return self.name.startswith("gram")


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


def _sum(name: str, scores: Sequence[Score]) -> Score:
    correct, answered, skipped = (sum(getattr(s, key) for s in scores) for key in ("correct", "answered", "skipped"))
    return Score(name, correct, answered, skipped)


def read_analogies(path: str | PathLike[str]) -> list[Section]:
    """Read questions in Google's format: ``: section`` lines, each followed by lines of four words.

    Words stand between white space; a line with three tabs may have spaces in its words. Blank lines and lines that
    start with ``//`` (the licence of the phrase questions) are passed over.

    Raises
    ------
    InputError
        The file cannot be read, has no questions, or a line is neither a section nor four words (gensim passes over
        such a line); the message names the file and the line.
    """
    sections: list[tuple[str, list[Question]]] = []
    for number, line in read_lines(path, comment="//"):
        words = [word.strip() for word in line.split("\t")]
        if len(words) != 4 or not all(words):
            words = line.split()
        if line.startswith(":"):
            sections.append((line[1:].strip(), []))
        elif not sections:
            raise InputError(f"{path}, line {number}: expected a section (': name') before the first question")
        elif len(words) != 4:
            raise InputError(f"{path}, line {number}: expected four words, found {len(words)}: {line[:80]!r}")
        else:
            sections[-1][1].append((words[0], words[1], words[2], words[3]))
    if not any(questions for _, questions in sections):
        raise InputError(f"{path} holds no analogy questions")
    return [Section(name, tuple(questions)) for name, questions in sections]


class AnalogySolver:
    """Answers questions ``a b c d`` with the word nearest to ``b - a + c``, among the most frequent words.

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

    def solve(self, questions: Sequence[Question]) -> npt.NDArray[np.int8]:
        """The `Outcome` of each question, (n,)."""
        found = [[self._lookup.find(word) for word in question] for question in questions]
        outcomes = np.full(len(questions), Outcome.SKIPPED, dtype=np.int8)
        numbers = np.array([number for number, rows in enumerate(found) if None not in rows], dtype=np.intp)
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            outcomes[batch] = self._are_right(np.array([found[number] for number in batch], dtype=np.intp))
        return outcomes

    def _are_right(self, questions: Ids) -> npt.NDArray[np.bool_]:
        """Which of some questions, (n, 4) rows of a, b, c, d, are answered right."""
        unit, standing = self._unit, self._lookup.standing
        a, b, c, expected = questions.T
        forms = standing[questions[:, :3]]
        scores = (unit[b] - unit[a] + unit[c]) @ unit.T
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
