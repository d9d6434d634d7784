"""Documents, words and tags nearest to each other, against a naive computation in float64."""

from __future__ import annotations

import copy
import datetime
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import w2v_spark
from tests.naive import neighbours as naive
from tests.unit.document_models import (
    DOCUMENT_MATRIX,
    MISSING,
    ROWS,
    TAG_MATRIX,
    TAGS,
    WORD_MATRIX,
    WORDS,
    D,
    N,
    random_matrix,
    write_documents,
    write_model,
)
from w2v_spark.errors import ConfigError, IdNotFound, InputError, StoreError, WordNotFound
from w2v_spark.vectors import one_model, row_stack
from w2v_spark.vectors.document_vectors import DocumentVectors
from w2v_spark.vectors.row_vectors import weighted_sum

KNOWN = DOCUMENT_MATRIX[~MISSING]
IDS = [f"d{row}" for row in range(N)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("documents") / "model", pa.array(IDS))


@pytest.fixture(scope="module")
def vectors(model: Path) -> DocumentVectors:
    return DocumentVectors.load(model)


def unit(vector: Any) -> Any:
    wide = np.asarray(vector, dtype=np.float64)
    return wide / np.sqrt((wide**2).sum())


def expect(found: Any, query: Any, matrix: Any, names: Any, topn: int, left_out: Any = ()) -> None:
    """The names nearest to a vector, with their cosines."""
    similarities = naive.cosines_between(np.atleast_2d(query), matrix)
    rows = naive.nearest_of(similarities, 0, topn, left_out)
    assert [name for name, _ in found] == [names[row] for row in rows]
    assert [value for _, value in found] == pytest.approx([similarities[0][row] for row in rows], abs=1e-6)


NAMES = [IDS[row] for row in ROWS]

# Look-ups


def test_what_there_is(vectors: DocumentVectors) -> None:
    assert (len(vectors), vectors.dim) == (N - 2, D)
    assert vectors.ids.to_pylist() == list(vectors) == NAMES
    assert vectors.without_vector.to_pylist() == ["d5", "d99"]
    assert vectors.tokens.tolist() == ROWS.tolist()
    assert repr(vectors) == "DocumentVectors(148 documents x 16)"
    assert vectors.metadata["dim"] == "16"
    assert w2v_spark.DocumentVectors is DocumentVectors


def test_vectors_by_id(vectors: DocumentVectors) -> None:
    for row in (0, 74, 75, 149):
        assert np.array_equal(vectors[f"d{row}"], DOCUMENT_MATRIX[row])
        assert f"d{row}" in vectors
        assert vectors.id(vectors.index(f"d{row}")) == f"d{row}"
    assert not vectors["d0"].flags.writeable
    assert np.linalg.norm(vectors.vector("d0", norm=True)) == pytest.approx(1)
    assert np.array_equal(vectors[["d9", "d149", "d9"]], DOCUMENT_MATRIX[[9, 149, 9]])
    assert vectors[[]].shape == (0, D)
    assert np.array_equal(vectors.take([3, 0]), KNOWN[[3, 0]])
    assert vectors.similarity("d20", "d140") == pytest.approx(1)
    assert vectors.similarity("d20", "d77") == 0


@pytest.mark.parametrize("key", ["d150", "", "D0"])
def test_ids_that_are_not_known(vectors: DocumentVectors, key: str) -> None:
    assert key not in vectors
    for ask in (vectors.vector, vectors.most_similar, lambda name: vectors[["d1", name]]):
        with pytest.raises(IdNotFound, match=f"^'{key}' is not among the ids of 148 documents$"):
            ask(key)


def test_a_document_without_a_vector_is_told_from_one_that_is_not_there(vectors: DocumentVectors) -> None:
    assert "d5" not in vectors
    with pytest.raises(IdNotFound, match="the document 'd5' has no vector: none of its words is in the vocabulary"):
        vectors["d5"]


@pytest.mark.parametrize(
    ("kind", "first", "others"),
    [
        (pa.int64(), 7, ["7", 7.0, True, None, b"7"]),
        (pa.int16(), 7, ["7"]),
        (pa.string(), "7", [7, b"7", np.int64(7)]),
        (pa.binary(), b"7", ["7", 7]),
        (pa.float64(), 7.5, ["7.5", 7]),
        (pa.bool_(), True, [1, "true"]),
        (pa.date32(), datetime.date(2024, 1, 2), ["2024-01-02", datetime.datetime(2024, 1, 2)]),
        (pa.decimal128(9, 2), Decimal("7.25"), [7.25, 7]),
        (pa.timestamp("us"), datetime.datetime(2024, 1, 2), [datetime.date(2024, 1, 2)]),
        (pa.timestamp("us"), datetime.datetime(2024, 1, 2), [datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)]),
        (
            pa.timestamp("us", "UTC"),
            datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
            [datetime.datetime(2024, 1, 2)],
        ),
    ],
    ids=str,
)
def test_ids_have_the_type_of_the_column(tmp_path: Path, kind: Any, first: Any, others: list[Any]) -> None:
    write_documents(tmp_path / "documents", pa.array([first], kind), DOCUMENT_MATRIX[:1], files=1)
    vectors = DocumentVectors.load(tmp_path / "documents")
    assert vectors.ids.type == kind
    assert np.array_equal(vectors[first], DOCUMENT_MATRIX[0])
    assert np.array_equal(vectors[[first]], DOCUMENT_MATRIX[:1])
    for other in others:
        for ask in (vectors.vector, lambda key: key in vectors, lambda key: vectors[[key]], vectors.most_similar):
            with pytest.raises(InputError, match=r"is of type \w+: the ids of these documents are .*, so give "):
                ask(other)


def test_numbers_that_a_column_cannot_have_are_not_found(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents", pa.array([1, 2], pa.int8()), DOCUMENT_MATRIX[:2])
    vectors = DocumentVectors.load(tmp_path / "documents")
    assert 300 not in vectors
    assert np.array_equal(vectors[np.int64(2)], DOCUMENT_MATRIX[1])
    for ask in (vectors.vector, lambda key: vectors[[key]]):
        with pytest.raises(IdNotFound, match=r"^300 is not among the ids of 2 documents"):
            ask(300)


def test_an_id_of_several_documents_is_no_answer(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents", pa.array(["a", "b", "a"]), DOCUMENT_MATRIX[:3])
    vectors = DocumentVectors.load(tmp_path / "documents")
    assert np.array_equal(vectors["b"], DOCUMENT_MATRIX[1])
    for ask in (vectors.vector, lambda key: vectors[["b", key]]):
        with pytest.raises(InputError, match="'a' is the id of several documents"):
            ask("a")


# What is near


@pytest.mark.parametrize("topn", [1, 3, 148, 1000])
def test_documents_nearest_to_a_document(vectors: DocumentVectors, topn: int) -> None:
    for place in (0, 50, 100, 147):
        expect(vectors.most_similar(NAMES[place], topn=topn), KNOWN[place], KNOWN, NAMES, topn, {place})


def test_equal_documents_come_in_the_order_of_the_rows(vectors: DocumentVectors) -> None:
    found = vectors.most_similar(DOCUMENT_MATRIX[20], topn=2)
    assert [name for name, _ in found] == ["d20", "d140"]
    assert found[0][1] == found[1][1] == pytest.approx(1)
    assert vectors.most_similar("d140", topn=1)[0][0] == "d20"


def test_nothing_is_near_to_a_zero_vector(vectors: DocumentVectors) -> None:
    assert vectors.most_similar("d77", topn=2) == [("d0", 0.0), ("d1", 0.0)]


def test_a_sum_of_all_kinds(vectors: DocumentVectors) -> None:
    given = random_matrix(1, 9)[0]
    found = vectors.most_similar(
        [("d3", 2.0), given, ("d4", -0.5)], ["d8"], 12, words=["w3", "w4"], negative_words="w5", tags=[TAGS[1], TAGS[2]]
    )
    total = 2 * unit(DOCUMENT_MATRIX[3]) + given - 0.5 * unit(DOCUMENT_MATRIX[4]) - unit(DOCUMENT_MATRIX[8])
    total += unit(WORD_MATRIX[3]) + unit(WORD_MATRIX[4]) - unit(WORD_MATRIX[5])
    total += unit(TAG_MATRIX[1]) + unit(TAG_MATRIX[2])
    expect(found, total, KNOWN, NAMES, 12, {vectors.index(name) for name in ("d3", "d4", "d8")})


def test_one_of_each_kind(vectors: DocumentVectors) -> None:
    expect(vectors.most_similar(words="w7", topn=5), WORD_MATRIX[7], KNOWN, NAMES, 5)
    expect(vectors.most_similar(tags=TAGS[3], topn=5), TAG_MATRIX[3], KNOWN, NAMES, 5)
    expect(vectors.most_similar(np.ones(D), topn=5), np.ones(D), KNOWN, NAMES, 5)
    expect(vectors.most_similar(np.eye(D)[:2], topn=5), np.eye(D)[:2].sum(0), KNOWN, NAMES, 5)
    expect(vectors.most_similar(negative="d0", topn=5), -KNOWN[0], KNOWN, NAMES, 5, {0})


def test_words_and_tags_nearest_to_a_document_or_a_vector(vectors: DocumentVectors) -> None:
    given = random_matrix(1, 11)[0] * np.float32(50)
    for item, vector in (("d9", DOCUMENT_MATRIX[9]), (given, given)):
        expect(vectors.nearest_words(item, 6), vector, WORD_MATRIX, WORDS, 6)
        expect(vectors.nearest_tags(item, 4), vector, TAG_MATRIX, TAGS, 4)
        expect(vectors.nearest_tags(item, 4, "month"), vector, TAG_MATRIX, TAGS, 4, {0, 1})


def test_batches_of_mapped_rows(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_stack, "BATCH_BYTES", 4 * D * 7)
    expect(DocumentVectors.load(model).most_similar("d0", topn=9), KNOWN[0], KNOWN, NAMES, 9, {0})


def test_no_more_than_the_rows_of_the_answer_are_made_into_python_values(
    vectors: DocumentVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = vectors._index.id
    monkeypatch.setattr(vectors._index, "id", lambda row: asked.append(row) or original(row))
    vectors.most_similar("d0", topn=4)
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("ask", "kind", "message"),
    [
        (lambda v: v.most_similar(), InputError, "nothing to compare with: give at least one document, word, tag or"),
        (lambda v: v.most_similar("d0", topn=1.5), ConfigError, "topn = 1.5 is not allowed"),
        (lambda v: v.most_similar(np.ones(3)), InputError, r"a vector of shape \(3,\) was given, expected \(16,\)"),
        (lambda v: v.most_similar(np.full(D, np.nan)), InputError, "a vector that is not finite was given"),
        (lambda v: v.most_similar(words="nothing"), WordNotFound, "'nothing' is not among the 60 words"),
        (lambda v: v.most_similar(words=[3]), InputError, "3 is no word: expected a string"),
        (lambda v: v.most_similar(tags=("party", "z")), IdNotFound, r"\('party', 'z'\) is not among the 5 tags; their"),
        (lambda v: v.most_similar([1.0, 2.0]), InputError, "1.0 is of type float: .* a vector is given as an array"),
        (lambda v: v.nearest_words(7), InputError, "7 is of type int"),
        (lambda v: v.tags["party"], InputError, "'party' is no tag: expected a pair of its name and its value"),
        (lambda v: ("party", 7) in v.tags, InputError, "is no tag"),
        (lambda v: v.tags.most_similar(TAGS[0], name="city"), IdNotFound, "no tag is called 'city'; the names are par"),
    ],
)
def test_questions_without_an_answer(vectors: DocumentVectors, ask: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        ask(vectors)


@pytest.mark.parametrize("topn", [0, -1])
def test_no_documents_are_asked_for(vectors: DocumentVectors, topn: int) -> None:
    assert vectors.most_similar("d0", topn=topn) == []


# Tags


def test_tags(vectors: DocumentVectors) -> None:
    tags = vectors.tags
    assert (len(tags), tags.dim, list(tags), tags.names) == (5, D, TAGS, ["party", "month"])
    assert tags.documents.tolist() == [0, 1, 2, 3, 4]
    assert tags.tokens.tolist() == [0, 10, 20, 30, 40]
    assert TAGS[0] in tags
    assert ("month", "z") not in tags
    assert repr(tags) == "TagVectors(5 values of party, month x 16)"
    for row, key in enumerate(TAGS):
        assert np.array_equal(tags[key], TAG_MATRIX[row])
        expect(tags.most_similar(key, 3), TAG_MATRIX[row], TAG_MATRIX, TAGS, 3, {row})
        expect(tags.most_similar(key, 3, "party"), TAG_MATRIX[row], TAG_MATRIX, TAGS, 3, {row, 2, 3, 4})
        expect(tags.nearest_documents(key, 4), TAG_MATRIX[row], KNOWN, NAMES, 4)
        expect(tags.nearest_words(key, 4), TAG_MATRIX[row], WORD_MATRIX, WORDS, 4)


# What is opened


def test_a_model_without_tags(tmp_path: Path) -> None:
    vectors = DocumentVectors.load(write_model(tmp_path / "model", pa.array(IDS), with_tags=False))
    assert not vectors.has_tags
    with pytest.raises(StoreError, match="there are no tags beside these documents"):
        vectors.nearest_tags("d0")


def test_inferred_documents_with_the_words_of_their_model(tmp_path: Path, model: Path) -> None:
    write_documents(tmp_path / "inferred" / "documents", pa.array([7, 8]), DOCUMENT_MATRIX[:2])
    (tmp_path / "inferred" / "_SUCCESS").touch()
    alone = DocumentVectors.load(tmp_path / "inferred")
    with pytest.raises(StoreError, match="there are no words beside these documents: load them with the model"):
        alone.nearest_words(7)
    vectors = DocumentVectors.load(tmp_path / "inferred", model)
    expect(vectors.nearest_words(7, 3), DOCUMENT_MATRIX[0], WORD_MATRIX, WORDS, 3)
    expect(vectors.tags.nearest_documents(TAGS[0], 2), TAG_MATRIX[0], DOCUMENT_MATRIX[:2], [7, 8], 2)
    with pytest.raises(StoreError, match="holds no model"):
        DocumentVectors.load(model, tmp_path / "inferred")
    (tmp_path / "inferred" / "model.json").write_text('{"model": "this one"}')
    (model / "model.json").write_text('{"run": "another"}')
    with pytest.raises(StoreError, match="are of another model"):
        DocumentVectors.load(tmp_path / "inferred", model)
    (model / "model.json").unlink()


def test_documents_of_another_model_than_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for an instant, while a model takes the place of another one; the third look finds the new one whole."""
    model = write_model(tmp_path / "model", pa.array(IDS), metadata={"config": "new", "corpus": "1"})
    (model / "documents").rename(tmp_path / "new")
    write_documents(model / "documents", pa.array(IDS), DOCUMENT_MATRIX, metadata={"config": "old"})
    waits: list[float] = []
    monkeypatch.setattr(one_model.time, "sleep", waits.append)
    with pytest.raises(StoreError, match="holds documents, words and tags of two models: make it again"):
        DocumentVectors.load(model)
    assert len(waits) == 10

    def replace(_: float) -> None:
        waits.append(0)
        if len(waits) == 12:
            (model / "documents").rename(tmp_path / "old")
            (tmp_path / "new").rename(model / "documents")

    monkeypatch.setattr(one_model.time, "sleep", replace)
    assert DocumentVectors.load(model).metadata["config"] == "new"
    assert len(waits) == 12


def test_documents_of_another_length_than_the_words(tmp_path: Path, model: Path) -> None:
    write_documents(tmp_path / "documents", pa.array([7, 8]), DOCUMENT_MATRIX[:2, :8])
    with pytest.raises(InputError, match="documents have vectors of length 8, words of 16: expected one length"):
        DocumentVectors.load(tmp_path / "documents", model)


def test_no_documents(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    with pytest.raises(StoreError):
        DocumentVectors.load(tmp_path)


def test_documents_none_of_which_has_a_vector(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents", pa.array([7, 8]), DOCUMENT_MATRIX[:2], np.ones(2, np.bool_))
    vectors = DocumentVectors.load(tmp_path / "documents")
    assert len(vectors) == 0
    assert vectors.most_similar(np.ones(D)) == []
    with pytest.raises(IdNotFound, match="the document 7 has no vector"):
        vectors[7]


def test_copies_and_pickles(vectors: DocumentVectors) -> None:
    expected = vectors.most_similar("d0")
    pickled = pickle.loads(pickle.dumps(vectors))  # noqa: S301
    for other in (copy.copy(vectors), copy.deepcopy(vectors), pickled):
        assert other.most_similar("d0") == expected
        assert other.tags.nearest_words(TAGS[0]) == vectors.tags.nearest_words(TAGS[0])


def test_a_weighted_sum_of_nothing_or_of_opposites() -> None:
    ones = np.ones(3, np.float32)
    assert weighted_sum([(ones, 1.0), (ones, -1.0)], 3).tolist() == [0, 0, 0]
    with pytest.raises(InputError):
        weighted_sum([], 3)
