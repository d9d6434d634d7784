"""Analogies, and how words are looked up, against gensim and against a transcription of the C program's counting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.unit.gensim_vectors import SHARED, make_gensim, needs_shared
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.evaluation.analogies import (
    AnalogyResult,
    AnalogySolver,
    Method,
    Outcome,
    Score,
    Section,
    evaluate_analogies,
    read_analogies,
)
from w2v_spark.evaluation.pair_files import read_pairs
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.evaluation.word_lookup import WordLookup, fold
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Counted = list[tuple[str, int, int, int]]


def count_like_gensim(words: Sequence[str], matrix: Matrix, path: Path, restrict: int, ignore_case: bool) -> Counted:
    _, sections = make_gensim(words, matrix).evaluate_word_analogies(str(path), restrict, ignore_case)
    asked = {section.name: len(section.questions) for section in read_analogies(path)}
    answered = [(s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections[:-1]]
    return [(name, correct, total, asked[name] - total) for name, correct, total in answered]


def count_like_c(words: Sequence[str], matrix: Matrix, sections: Sequence[Section], restrict: int) -> Counted:
    """compute-accuracy.c: first match in capitals, rows b1, b2, b3 left out, the first strictly best above 0 wins."""
    vocabulary = [word.upper() for word in words[:restrict]]
    unit = matrix[:restrict] / np.linalg.norm(matrix[:restrict], axis=1, keepdims=True)
    counted = []
    for section in sections:
        correct = total = 0
        for question in section.questions:
            a, b, c, expected = (word.upper() for word in question)
            if any(word not in vocabulary for word in (a, b, c, expected)):
                continue
            rows = [vocabulary.index(word) for word in (a, b, c)]
            distances = unit @ (unit[rows[1]] - unit[rows[0]] + unit[rows[2]])
            distances[rows] = 0
            best = int(np.argmax(distances))
            total += 1
            correct += distances[best] > 0 and vocabulary[best] == expected
        counted.append((section.name, correct, total, len(section.questions) - total))
    return counted


def counts(result: AnalogyResult) -> Counted:
    return [(s.name, s.correct, s.answered, s.skipped) for s in result.sections]


def make_structured(sections: Sequence[Section], dim: int, noise: float, seed: int = 5) -> tuple[list[str], Matrix]:
    """Every word of the questions in random order, the second and fourth at a section's offset from the others."""
    rng = np.random.default_rng(seed)
    vectors: dict[str, Any] = {}
    for section in sections:
        offset = rng.standard_normal(dim)
        for question in section.questions:
            for left, right in (question[:2], question[2:]):
                base = vectors.setdefault(left, rng.standard_normal(dim))
                vectors.setdefault(right, base + offset + noise * rng.standard_normal(dim))
    words = [str(word) for word in rng.permutation(list(vectors))]
    return words, np.array([vectors[word] for word in words], dtype=np.float32)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A small set in mixed case: two sections of 8 x 7 questions, of which some words will be unknown."""
    lines = []
    for name, tag in (("places", "P"), ("gram1-forms", "g")):
        lines.append(f": {name}")
        lines += [f"{tag}a{i} {tag}b{i} {tag}a{j} {tag}b{j}" for i in range(8) for j in range(8) if i != j]
    path = tmp_path / "questions.txt"
    path.write_text("\n".join([*lines, ""]))
    return path


def test_planted_analogies_hold_exactly() -> None:
    pairs = 12
    eye = np.eye(pairs + 1, dtype=np.float32)
    left, right = eye[:pairs] * 2, eye[:pairs] * 2 + eye[pairs]  # right = left + one direction
    words = [f"a{i}" for i in range(pairs)] + [f"b{i}" for i in range(pairs)]
    asked = tuple((f"a{i}", f"b{i}", f"a{j}", f"b{j}") for i in range(pairs) for j in range(pairs) if i != j)
    never = (("a0", "b0", "a1", "b0"), ("a0", "b0", "a1", "a2"), ("a0", "b0", "a1", "unknown"))
    vectors = KeyedVectors(words, np.concatenate([left, right]))
    result = evaluate_analogies(vectors, [Section("right", asked), Section("gram", never)])
    assert result.total == Score("total", len(asked), len(asked) + 2, 1)
    assert result.semantic == Score("semantic", len(asked), len(asked), 0)
    assert result.syntactic == Score("syntactic", 0, 2, 1)
    assert result.semantic.accuracy == 1.0
    assert evaluate_analogies(vectors, []).total.accuracy == 0.0


@pytest.mark.parametrize("ignore_case", [True, False])
@pytest.mark.parametrize("restrict", [20, 31, 1000])
@pytest.mark.parametrize("noise", [0.1, 0.6])
def test_equals_gensim(questions: Path, restrict: int, ignore_case: bool, noise: float) -> None:
    sections = read_analogies(questions)
    words, matrix = make_structured(sections, 10, noise)
    if not ignore_case:
        words = [word.lower() if row % 9 == 0 else word for row, word in enumerate(words)]
    result = evaluate_analogies(KeyedVectors(words, matrix), sections, restrict, ignore_case)
    assert counts(result) == count_like_gensim(words, matrix, questions, restrict, ignore_case)
    if ignore_case:
        assert counts(result) == count_like_c(words, matrix, sections, restrict)
    if restrict > 20:
        assert result.total.correct > 0


@pytest.mark.parametrize("noise", [0.1, 0.6])
def test_products_equal_gensim(questions: Path, noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """3CosMul, in one product and in many. gensim is asked word by word: its evaluation adds whatever it is told."""
    asked = [question for section in read_analogies(questions) for question in section.questions]
    words, matrix = make_structured(read_analogies(questions), 10, noise)
    oracle = make_gensim(words, matrix)
    _, counted = oracle.evaluate_word_analogies(str(questions), similarity_function="most_similar_cosmul")
    assert counted[-1] == oracle.evaluate_word_analogies(str(questions))[1][-1]
    expected = [oracle.most_similar_cosmul([b, c], [a], topn=1)[0][0] == d for a, b, c, d in asked]
    solver = AnalogySolver(KeyedVectors(words, matrix), 1000, ignore_case=False)
    assert (solver.solve(asked) == Outcome.RIGHT).tolist() != expected
    for at_once in (1 << 26, len(words) * 7):
        monkeypatch.setattr("w2v_spark.evaluation.analogies._SCORES", at_once)
        assert (solver.solve(asked, Method.MULTIPLY) == Outcome.RIGHT).tolist() == expected


def test_a_product_and_a_sum_answer_otherwise() -> None:
    """One large cosine decides the sum: Levy and Goldberg's example, with y near b alone and z near b and c."""
    words = ["a", "b", "c", "y", "z"]
    vectors = KeyedVectors(
        words, [[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0.98, -0.199, 0, 0], [0.4, 0.3, 0, 0.866]]
    )
    solver = AnalogySolver(vectors, 10, ignore_case=False)
    asked = [("a", "b", "c", "y"), ("a", "b", "c", "z")]
    assert solver.solve(asked, Method.ADD).tolist() == [Outcome.RIGHT, Outcome.WRONG]
    assert solver.solve(asked, Method.MULTIPLY).tolist() == [Outcome.WRONG, Outcome.RIGHT]


def count_with_words_as_they_stand(
    words: Sequence[str], matrix: Matrix, sections: Sequence[Section], restrict: int
) -> Counted:
    """A question asks for its words as they stand, else for the first in another case; answers count in any case."""
    unit = matrix[:restrict] / np.linalg.norm(matrix[:restrict], axis=1, keepdims=True)
    vocabulary = list(words[:restrict])
    lower = [word.lower() for word in vocabulary]
    counted = []
    for section in sections:
        correct = total = 0
        for question in section.questions:
            if any(word.lower() not in lower for word in question):
                continue
            a, b, c, expected = (
                vocabulary.index(word) if word in vocabulary else lower.index(word.lower()) for word in question
            )
            scores = unit @ (unit[b] - unit[a] + unit[c])
            asked = {lower[row] for row in (a, b, c)}
            answers = [row for row in range(len(vocabulary)) if lower[row] not in asked]
            total += 1
            correct += bool(answers) and lower[max(answers, key=lambda row: (scores[row], -row))] == lower[expected]
        counted.append((section.name, correct, total, len(section.questions) - total))
    return counted


@pytest.mark.parametrize("restrict", [40, 30_000])
def test_of_words_that_differ_in_case_only_the_one_that_is_asked_for_stands(questions: Path, restrict: int) -> None:
    sections = read_analogies(questions)
    words, matrix = make_structured(sections, 10, 0.3)
    rng = np.random.default_rng(8)
    others = [other for word in words for other in (word.upper(), word.lower()) if other != word]
    near = [matrix[words.index(word)] for word in words for other in (word.upper(), word.lower()) if other != word]
    order = rng.permutation(len(words) + len(others))
    words = [(words + others)[row] for row in order]
    matrix = np.concatenate([matrix, near + 0.4 * rng.standard_normal((len(near), 10)).astype(np.float32)])[order]
    result = evaluate_analogies(KeyedVectors(words, matrix), sections, restrict)
    assert counts(result) == count_with_words_as_they_stand(words, matrix, sections, restrict)
    assert counts(result) != count_like_gensim(words, matrix, questions, restrict, True)  # it takes the most frequent
    assert counts(result) != count_like_c(words, matrix, sections, restrict)


TURKISH = ["sinir", "sınır", "damar", "kenar", "masse", "maße", "gewicht", "länge", "ev", "yol"]
JUDGED = [("sınır", "kenar", 9), ("maße", "länge", 8), ("sınır", "damar", 1), ("maße", "gewicht", 1), ("ev", "yol", 3)]


def make_turkish() -> KeyedVectors:
    """Words that capitals make one: sinir (nerve) is near damar (vein), sınır (border) near kenar (edge)."""
    axes = np.eye(6, dtype=np.float32)
    return KeyedVectors(
        TURKISH,
        np.array([
            axes[0], axes[1], axes[0] + 0.1 * axes[5], axes[1] + 0.1 * axes[5], axes[2], axes[3],
            axes[2] + 0.1 * axes[5], axes[3] + 0.2 * axes[5], axes[4], axes[4] + 2 * axes[5],
        ]),
    )  # fmt: skip


def test_words_that_only_capitals_make_one_stay_apart() -> None:
    vectors = make_turkish()
    result = evaluate_similarity(vectors, JUDGED)
    assert result.pairs == 5
    assert result.spearman > 0.85
    assert result.spearman == evaluate_similarity(vectors, JUDGED, ignore_case=False).spearman
    assert evaluate_similarity(vectors, [(a.replace("ı", "i"), b, s) for a, b, s in JUDGED]).spearman < 0.5
    capitals = [("Sınır", "KENAR", 9), ("MAẞE", "LÄNGE", 8), ("SıNıR", "Damar", 1), ("Maße", "Gewicht", 1)]
    assert evaluate_similarity(vectors, [*capitals, ("EV", "Yol", 3)]).spearman == result.spearman
    question = [Section("border", (("kenar", "sınır", "länge", "maße"), ("KENAR", "Sınır", "Länge", "Maße")))]
    assert counts(evaluate_analogies(vectors, question)) == [("border", 2, 2, 0)]


def test_folding_changes_no_length_and_only_case() -> None:
    for character in map(chr, range(0x110000)):
        folded = fold(character)
        assert len(folded) == 1
        assert fold(folded) == folded
        assert folded == character or folded in (character.lower(), character.casefold())
    pairs = {
        "A": "a",
        "É": "é",
        "Σ": "σ",
        "ς": "σ",
        "ẞ": "ß",
        "ß": "ß",
        "ı": "ı",
        "İ": "İ",
        "I": "i",
        "ŉ": "ŉ",
        "ᾼ": "ᾳ",
    }
    assert {character: fold(character) for character in pairs} == pairs
    assert fold("STRASSE ẞ İI") == "strasse ß İi"
    assert fold("Ωmega") == "ωmega"


def test_a_word_beyond_the_restriction_is_not_asked_for() -> None:
    vectors = KeyedVectors(["A", "b", "a"], np.eye(3)[[0, 1, 1]])
    assert evaluate_similarity(vectors, [("a", "b", 1.0)], restrict=2).pairs == 1  # A stands in
    assert evaluate_similarity(vectors, [("a", "b", 1.0)], restrict=2, ignore_case=False).pairs == 0


def test_words_with_parts_of_speech_are_found_with_and_without() -> None:
    vectors = KeyedVectors(["sun", "sun-n", "light", "moon"], [[1, 0], [0, 1], [0, 1], [1, 0]])
    pairs = [("sun-n", "light-n", 9.0), ("Moon-n", "light-n", 1.0)]
    result = evaluate_similarity(vectors, pairs, tagged=True)
    assert (result.pairs, result.spearman) == (2, pytest.approx(1))
    assert evaluate_similarity(vectors, pairs).skipped == 2


def test_unknown_pairs_may_count_as_unlike() -> None:
    vectors = KeyedVectors(["a", "b"], [[1.0, 0.0], [1.0, 1.0]])
    pairs = [("a", "b", 9.0), ("a", "x", 1.0), ("y", "x", 2.0)]
    result = evaluate_similarity(vectors, pairs, unknown_as_zero=True)
    assert (result.pairs, result.skipped) == (1, 2)
    assert result.spearman == pytest.approx(stats.spearmanr([9, 1, 2], [1, 0, 0]).statistic)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("St._Louis_Blues", "st_louis_blues"),
        ("Samuel_J._Palmisano", "samuel_j_palmisano"),
        ("St. Louis", "st_louis"),
        ("U.S._Steel", "u.s_steel"),
        ("st._louis", "st._louis"),  # as it stands, where the vocabulary has it
        ("Louis.", None),
        ("_louis", None),
        ("._.", None),
        ("St._Paul", None),
    ],
)
def test_phrases_are_found_without_the_marks_about_their_words(asked: str, found: str | None) -> None:
    words = ["louis", "st_louis_blues", "st_louis", "samuel_j_palmisano", "u.s_steel", "st._louis"]
    row = WordLookup(KeyedVectors(words, np.eye(len(words))), 10, ignore_case=True).find(asked)
    assert (None if row is None else words[row]) == found
    assert WordLookup(KeyedVectors(words, np.eye(len(words))), 1, ignore_case=True).find("St._Louis") is None


def test_questions_about_phrases_are_answered(tmp_path: Path) -> None:
    (tmp_path / "q").write_text(": ice_hockey\nBoston Boston_Bruins St._Louis St._Louis_Blues\n")
    words = ["boston", "boston_bruins", "st_louis", "st_louis_blues", "paris"]
    vectors = KeyedVectors(words, [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 1, -1]])
    total = evaluate_analogies(vectors, read_analogies(tmp_path / "q")).total
    assert (total.answered, total.correct) == (1, 1)


def test_equal_candidates_go_to_the_more_frequent() -> None:
    matrix = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 3]]
    section = [Section("tie", (("a", "b", "c", "d"), ("a", "b", "c", "e")))]
    for words in ("abcde", "abced"):
        vectors = KeyedVectors(list(words), matrix)
        assert counts(evaluate_analogies(vectors, section)) == [("tie", 1, 2, 0)]


def test_zero_vectors_and_tiny_vocabularies() -> None:
    section = [Section("s", (("a", "b", "a", "b"), ("a", "b", "b", "z"), ("A", "b", "a", "B")))]
    vectors = KeyedVectors(["a", "b", "z"], [[1, 0], [0, 1], [0, 0]])
    assert counts(evaluate_analogies(vectors, section)) == [("s", 1, 3, 0)]
    pair = KeyedVectors(["a", "b"], [[1, 0], [0, 1]])
    assert counts(evaluate_analogies(pair, section)) == [("s", 0, 2, 1)]


@needs_shared
def test_the_google_questions_equal_gensim() -> None:
    path = SHARED / "questions-words.txt"
    sections = read_analogies(path)
    words, matrix = make_structured(sections, 12, 0.4)
    words = [word.lower() for word in words]
    result = evaluate_analogies(KeyedVectors(words, matrix), sections, restrict=700)
    assert counts(result) == count_like_gensim(words, matrix, path, 700, True)
    assert result.total.answered + result.total.skipped == 19_544
    assert result.semantic.answered + result.semantic.skipped == 8_869
    assert 0.05 < result.total.accuracy < 0.95


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (": s\na b c d\na b c\n", r"line 3: expected four words, found 3"),
        (": s\na b c d\n\na b c d e\n", r"line 4: expected four words, found 5"),
        (": s\na\tb\tc\n", r"line 2: expected four words, found 3"),
        ("a b c d\n: s\na b c d\n", "line 1: expected a section"),
        ("a b 1 2.5\na b 2 3\n", "line 1: expected a section"),
        ("a b c d\na b c\n", "line 2: expected four words, found 3"),
        (": s\n\n: t\n", "no analogy questions"),
        ("", "no analogy questions"),
    ],
)
def test_malformed_questions(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "q.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"q\.txt.*{message}"):
        read_analogies(path)


def test_questions_with_comments_blank_lines_and_crlf(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_bytes("\ufeff// licence\r\n: s t\r\n\r\na\tb c  d\r\n:u\r\né b c d".encode())
    assert read_analogies(path) == [Section("s t", (("a", "b", "c", "d"),)), Section("u", (("é", "b", "c", "d"),))]


def test_questions_without_sections(tmp_path: Path) -> None:
    """As the MSR set and sets in other languages are published."""
    (tmp_path / "msr.tsv").write_text("# kind: analogy\ngood\tbetter\trough\trougher\nbig bigger x3 x3er\n")
    questions = (("good", "better", "rough", "rougher"), ("big", "bigger", "x3", "x3er"))
    assert read_analogies(tmp_path / "msr.tsv") == [Section("msr", questions)]


def test_questions_between_tabs_may_have_spaces_in_their_words(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_text("\ufeff: places\nNew York\tUSA\tRome\tItaly\nparis\tfrance\trome\titaly\n", encoding="utf-8")
    questions = (("New York", "USA", "Rome", "Italy"), ("paris", "france", "rome", "italy"))
    assert read_analogies(path) == [Section("places", questions)]


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b": s\n\xe9 b c d\n")
    for read in (read_analogies, read_pairs):
        with pytest.raises(InputError, match="absent"):
            read(tmp_path / "absent")
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path)
        with pytest.raises(InputError, match=r"latin\.txt, line 2 is not UTF-8 .*byte 5"):
            read(tmp_path / "latin.txt")


def test_restrict_below_one() -> None:
    vectors = KeyedVectors(["a"], [[1.0]])
    with pytest.raises(ConfigError, match="restrict = 0"):
        evaluate_analogies(vectors, [], restrict=0)
    with pytest.raises(ConfigError, match="restrict = -1"):
        evaluate_similarity(vectors, [], restrict=-1)
