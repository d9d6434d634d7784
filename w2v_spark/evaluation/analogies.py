"""Word analogies ("Athens is to Greece as Baghdad is to ..."), counted like the C program and gensim count them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Question = tuple[str, str, str, str]
Rows = npt.NDArray[np.intp]

_BLOCK = 512  # questions a matrix product: 61 MB of scores at 30,000 words


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


def read_analogies(path: str | Path) -> list[Section]:
    """Read questions in Google's format: ``: section`` lines, each followed by lines of four words.

    Blank lines and lines that start with ``//`` (the licence of the phrase questions) are passed over.

    Raises
    ------
    InputError
        The file cannot be read, has no questions, or a line is neither a section nor four words (gensim passes over
        such a line); the message names the file and the line.
    """
    sections: list[tuple[str, list[Question]]] = []
    for number, line in read_lines(path):
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


def read_lines(path: str | Path) -> list[tuple[int, str]]:
    """Line numbers from 1 and stripped lines of a UTF-8 text; blank lines and ``//`` comments left out.

    Raises `InputError` if the file cannot be read or is not UTF-8.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}") from error
    stripped = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in stripped if line and not line.startswith("//")]


def row_by_form(vectors: KeyedVectors, restrict: int, ignore_case: bool) -> tuple[dict[str, int], Rows]:
    """The rows that stand for the words of a test set, among the ``restrict`` most frequent words.

    Returns
    -------
    dict of str to int
        Row of each form (the word, in capitals if the case is ignored): the first and so the most frequent of the
        words that share it.
    intp, (min(restrict, V),)
        For every row, the row that stands for its form.
    """
    if restrict < 1:
        raise ConfigError(f"restrict = {restrict} is not allowed: expected at least 1 word")
    forms = [word.upper() if ignore_case else word for word in vectors.words[:restrict]]
    rows: dict[str, int] = {}
    standing = [rows.setdefault(form, row) for row, form in enumerate(forms)]
    return rows, np.array(standing, dtype=np.intp)


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
    agree unless several words differ in case only. Then the most frequent of them stands for all in a question, an
    answer counts in any case, and no form of a, b or c is an answer, as in gensim; the C program leaves out only the
    three rows themselves. The C program also gives no answer when no cosine is above 0.

    Cost: one float32 product of (questions, D) x (D, restrict), about 2 s for 19,544 questions, 30,000 words and
    D = 100. Source: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 4.
    """
    rows, standing = row_by_form(vectors, restrict, ignore_case)
    unit = vectors.take(np.arange(len(standing))) / vectors.norms[: len(standing), None]
    scores = []
    for section in sections:
        forms = ([word.upper() if ignore_case else word for word in question] for question in section.questions)
        known = [[rows[form] for form in question] for question in forms if all(form in rows for form in question)]
        questions = np.array(known, dtype=np.intp).reshape(-1, 4)
        blocks = (questions[start : start + _BLOCK] for start in range(0, len(questions), _BLOCK))
        correct = sum(_count_correct(unit, standing, block) for block in blocks)
        scores.append(Score(section.name, correct, len(known), len(section.questions) - len(known)))
    return AnalogyResult(tuple(scores))


def _count_correct(unit: npt.NDArray[np.float32], standing: Rows, questions: Rows) -> int:
    """Right answers to a block of questions, (n, 4) rows that stand for a, b, c, d."""
    a, b, c, expected = questions.T
    scores = (unit[b] - unit[a] + unit[c]) @ unit.T
    np.put_along_axis(scores, questions[:, :3], -np.inf, axis=1)
    best = scores.argmax(axis=1)
    while True:  # once, unless the best is a question word in another case
        asked = (standing[best][:, None] == questions[:, :3]).any(axis=1)
        again = np.flatnonzero(asked & (scores[np.arange(len(best)), best] > -np.inf))
        if not len(again):
            return int(np.count_nonzero(~asked & (standing[best] == expected)))
        scores[again, best[again]] = -np.inf
        best[again] = scores[again].argmax(axis=1)
