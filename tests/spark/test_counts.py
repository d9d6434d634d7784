"""``ppmi_svd`` and ``lsa`` as whole runs: what they publish, on how many tasks, and after an interruption."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.commands import retrain, train
from tests.corpora import planted_documents
from tests.naive import counts as naive
from tests.spark.documents import write_text
from tests.spark.main_job import Model, arguments
from w2v_spark import KeyedVectors
from w2v_spark.config import Config
from w2v_spark.counting.stages import Stages
from w2v_spark.report.page import build_report
from w2v_spark.spark import numbered_tasks
from w2v_spark.spark.counting import _Counts, _nothing

PPMI = ["model.objective=ppmi_svd", "model.window=3", "train.sample=0.01"]
LSA = ["model.objective=lsa"]


class Interruption(Exception):
    """Stands for a kill."""


def interrupt(*_: Any, **__: Any) -> None:
    raise Interruption


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of one line each."""
    return write_text(tmp_path_factory.mktemp("counts") / "a.txt", planted_documents(60))


def words_of(source: Path, model: Model) -> list[list[list[int]]]:
    """Documents of sentences of ids, cut without the program."""
    ids = {word: i for i, word in enumerate(model.table["word"].to_pylist())}
    lines = source.read_text().lower().splitlines()
    return [
        [[ids[word] for word in re.findall(r"\w+", part) if word in ids] for part in line.split(".")] for line in lines
    ]


def cosines(vectors: Any) -> Any:
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    return unit @ unit.T


@pytest.mark.parametrize("rows", ["input", "sum"])
def test_ppmi_svd_is_what_the_twin_makes(job, source, out, rows):
    settings = [*PPMI, f"model.published_rows={rows}", "counts.iterations=40", "vocabulary.min_count=2"]
    model = job.train(source, out, settings=settings)
    counts, documents = np.array(list(model.counts.values())), words_of(source, model)
    ratio = 0.01 * counts.sum() / counts
    kept = np.minimum(1, np.sqrt(ratio) + ratio)
    pairs = naive.pair_counts([part for document in documents for part in document], len(counts), 3, True)
    matrix = naive.positive_information(pairs * kept[:, None] * kept, 0.75, 1.0)
    words, contexts = naive.vectors(matrix, 8, 0.5)
    expected = words if rows == "input" else words + contexts
    np.testing.assert_allclose(cosines(model.matrix), cosines(expected), atol=1e-3)
    if rows == "input":
        assert (model.matrix.max(axis=0) >= -model.matrix.min(axis=0)).all(), "the largest entry is positive"


def test_lsa_is_what_the_twin_makes(job, source, out):
    model = job.train(source, out, settings=[*LSA, "counts.iterations=60"])
    documents = [[word for part in document for word in part] for document in words_of(source, model)]
    _, expected = naive.vectors(naive.term_matrix(documents, len(model.table), "log_entropy"), 8, 0.5)
    np.testing.assert_allclose(cosines(model.matrix), cosines(expected), atol=1e-3)
    assert model.corpus["kept_documents"] == 0, "they have no vectors"


FEW = ["counts.iterations=3", "counts.oversampling=8"]  # so that no step is without a change


@pytest.fixture(scope="module")
def uninterrupted(spark: Any, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("uninterrupted") / "out"
    assert train(arguments(source, output, "--quiet", settings=[*PPMI, *FEW])) == 0
    return output


def test_the_same_bits_on_any_number_of_tasks(job, source, out, uninterrupted, monkeypatch):
    monkeypatch.setattr(numbered_tasks, "tasks_for", lambda count: 1)
    assert job.train(source, out / "1", settings=[*PPMI, *FEW]).files == Model.read(uninterrupted).files
    one = job.train(source, out / "2", settings=[*LSA, *FEW])
    monkeypatch.setattr(numbered_tasks, "tasks_for", lambda count: min(count, 4))
    assert job.train(source, out / "3", settings=[*LSA, *FEW]).files == one.files


def test_a_run_goes_on_after_each_stage_and_step(job, source, out, uninterrupted, monkeypatch):
    write = Stages.write_steps

    def write_two(stages: Stages, steps: Any) -> None:
        write(stages, steps)
        if len(steps.history) == 2:
            raise Interruption

    for name, after in (("write_matrix", interrupt), ("write_steps", write_two)):
        with monkeypatch.context() as patch:
            patch.setattr(Stages, name, after)
            with pytest.raises(Interruption):
                job(source, out, "--resume", settings=[*PPMI, *FEW])
        monkeypatch.setattr(_Counts, "_count_pairs", interrupt)  # nothing is counted again
    code, _, err = job(source, out, "--resume", settings=[*PPMI, *FEW])
    assert code == 0, err
    assert "going on after step 2 of at most 4" in err
    assert Model.read(out).files == Model.read(uninterrupted).files


def test_other_commands_take_the_result(uninterrupted):
    model, vectors = Model.read(uninterrupted), KeyedVectors.load(uninterrupted)
    assert vectors.most_similar("t00w00", topn=1)[0][0].startswith(("t00", "common"))
    assert model.rounds == []
    page = build_report(uninterrupted)
    assert "ppmi svd, made by w2v-spark" in page
    assert "singular value" in page


def test_fewer_directions_than_dimensions(job, out, tmp_path):
    source = write_text(tmp_path / "a.txt", ["a b", "b c a", "a b c"])
    code, _, err = job(source, out, settings=[*PPMI, "train.sample=0"])
    assert code == 0, err
    assert "independent directions, fewer than model.dim = 8: the other coordinates of the vectors are 0" in err
    assert Model.read(out).matrix.shape == (3, 8)


def test_nothing_to_decompose(job, out, tmp_path):
    """Every word is in every document, so none tells them apart."""
    source = write_text(tmp_path / "a.txt", ["a b", "b a"])
    code, _, err = job(source, out, "--quiet", settings=[*LSA, "counts.term_weights=tf_idf"])
    assert code == 2
    assert err.startswith("error: there is nothing to decompose: no word tells a document from the others; give a ")


@pytest.mark.parametrize(
    ("settings", "help"),
    [
        (["vocabulary.min_count=1"], "give more text"),
        (["vocabulary.min_count=5"], "give more text, or lower vocabulary.min_count (5)"),
        (["vocabulary.min_count=1", "counts.shift=2"], "give more text, or lower counts.shift (2.0)"),
        (["counts.shift=2"], "give more text, or lower counts.shift (2.0) or vocabulary.min_count (5)"),
    ],
)
def test_nothing_to_decompose_names_only_what_can_be_lower(settings, help):
    config = Config.load(None, ["model.objective=ppmi_svd", *settings])
    assert str(_nothing(SimpleNamespace(config=config))).endswith(f"than by chance; {help}")


def test_tags_are_refused(refused, tmp_path, out):
    source = write_text(tmp_path / "a.jsonl", ['{"text": "a b", "kind": "x"}'])
    for settings in (PPMI, LSA):
        said = refused(source, out, "--format", "json", "--tag", "kind", settings=settings)
        assert "--tag = 'kind' gives vectors to what documents share, which model.objective = " in said


def test_a_version_is_published_and_nothing_goes_on_from_it(spark, source, tmp_path, capsys):
    root = tmp_path / "root"
    given = arguments(source, root, "--gate", "finite >= 1", "--quiet", settings=[*PPMI, *FEW])
    given[given.index("--output")] = "--publish"
    assert train(given) == 0
    assert len(KeyedVectors.load(root)) > 100
    assert retrain(["--from", str(root), "--input", str(source)]) == 2
    said = capsys.readouterr().err
    assert "was made of counts (" in said
    assert "which keep nothing that could be gone on from: make a new version of all text" in said
    assert train([*given, "--gate", "held_out_loss <= incumbent", "--set", "train.held_out=0.1"]) == 2
    assert "there is no held_out_loss of vectors that are made of counts" in capsys.readouterr().err
