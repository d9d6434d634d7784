"""What the benchmark of sequences reads, cuts, aligns and judges by."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import common
from benchmarks.alignment import correlations, even_pairs, have_relatives, scores
from benchmarks.bench_sequences import judge, nearest_is_wrong
from benchmarks.corpus import words_of
from benchmarks.sequence_models import OURS, PROTVEC, THEIRS, train
from benchmarks.sequences import Bags, halves, read_table
from tests.alignment import needleman_wunsch
from w2v_spark.config import TextConfig

KMERS = [[["MAF", "SAE"], ["AFS"], ["FSA"]], [["MAF"]], []]
EIGHTS = st.text("ACGT", min_size=8, max_size=8)


def letters(words: list[str]) -> np.ndarray:
    return np.frombuffer("".join(words).encode(), np.uint8).reshape(len(words), -1)


def test_proteins_are_read_and_cut_into_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.zst"
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(b"P1\tone\tMAFSAE\nP2\tone\tMAF\nP3\ttwo\tMA\n")
    table = read_table(path, ["id", "family", "sequence"])
    assert words_of(table["sequence"].to_pylist(), PROTVEC.text) == KMERS
    assert halves(np.asarray(table["family"])).tolist() == [True, False, True]


def test_sentences_end_where_those_of_the_main_job_do() -> None:
    assert words_of(["A b c d e", "F runs. G"], TextConfig(max_sentence_length=2)) == [
        [["a", "b"], ["c", "d"], ["e"]],
        [["f", "runs"], ["g"]],
    ]


def test_vectors_of_sequences() -> None:
    bags = Bags.of(KMERS)
    assert list(bags.kmers) == ["MAF", "SAE", "AFS", "FSA"]
    np.testing.assert_allclose(bags.shares(), [[0.25] * 4, [1, 0, 0, 0], [0] * 4])
    vectors = np.array([[1.0, 1], [9, 9], [3, 3]])
    np.testing.assert_allclose(bags.means(["MAF", "XXX", "FSA"], vectors), [[2, 2], [1, 1], [0, 0]])


def test_the_nearest_centroid_and_the_promise() -> None:
    vectors = np.array([[1.0, 0], [0, 1], [3, 1], [5, 1]])
    labels, known = np.array(["a", "b", "a", "b"]), np.array([True, True, False, False])
    assert nearest_is_wrong(vectors, labels, known).tolist() == [False, True]
    rows = {
        OURS: [{"nearest_centroid": 3.0, "logistic": 1.0}],
        THEIRS: [{"nearest_centroid": 2.0, "logistic": 1.0}, {"nearest_centroid": 2.5, "logistic": 1.0}],
    }
    cosines = {
        OURS: [{"spearman": 0.795, "spearman_different": 0.7}],
        THEIRS: [{"spearman": 0.8, "spearman_different": 0.8}, {"spearman": 0.82, "spearman_different": 0.82}],
    }
    assert [target.passed for target in judge({"proteins": rows}, cosines)] == [False, True, True, False]


@given(st.lists(st.tuples(EIGHTS, EIGHTS), min_size=1, max_size=20))
def test_scores_of_kmers_are_those_of_needleman_and_wunsch(pairs: list[tuple[str, str]]) -> None:
    first, second = (letters(list(words)) for words in zip(*pairs, strict=True))
    assert scores(first, second).tolist() == [needleman_wunsch(*pair) for pair in pairs]


def test_pairs_are_spread_evenly_over_the_scores() -> None:
    draw = np.random.default_rng(1)
    kmers = sorted({"".join(draw.choice(list("ACGT"), 5)) for _ in range(2000)})
    pairs, found = even_pairs(kmers, 20, seed=1)
    assert np.bincount(found).tolist() == [0, 20, 20, 20, 20, 20]
    assert found.tolist() == [needleman_wunsch(kmers[a], kmers[b]) for a, b in pairs]
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)
    assert np.flatnonzero(pairs[:, 0] == pairs[:, 1]).tolist() == np.flatnonzero(found == 5).tolist()
    again, _ = even_pairs(kmers, 20, seed=1)
    assert (again == pairs).all()
    with pytest.raises(ValueError, match="not 20"):
        even_pairs(["AAAA", "CCCC"] * 20, 20, seed=1)


def test_correlations_with_and_without_a_kmer_and_itself() -> None:
    vectors = np.array([[1.0, 0], [2, 0.5], [0, 1]])
    pairs, given_scores = np.array([[0, 2], [0, 1], [1, 1]]), np.array([3, 1, 8])
    found = correlations(vectors, pairs, given_scores)
    assert found["spearman_different"] == pytest.approx(-1)
    assert found["spearman"] == pytest.approx(0.5)


def test_relatives_are_proteins_of_the_family_with_half_of_the_letters() -> None:
    pytest.importorskip("Bio.Align", reason="Biopython is not installed; it is in the extra dev")
    base = "MWRIWRLFDPMRAMVAQAVFLLGLAVLIHLMLLGTNKYNWLDGAKKAPVA"
    other = "GGHSDEEKPTNQRCYGGHSDEEKPTNQRCYGGHSDEEKPTNQRCYGGHSD"
    sequences = [base, other, base[5:30] + "CC" + base[30:], other, base, "MW" + other[2:]]
    labels = np.array(["a", "b", "a", "a", "b", "b"])
    known = np.array([True, True, False, False, False, False])
    shared = Bags.of(words_of(sequences, PROTVEC.text)).counts
    assert have_relatives(sequences, labels, known, shared).tolist() == [True, False, False, True]


def test_results_name_no_directories_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "ROOT", tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bench_x.py"), "--data", str(tmp_path / "wiki"), "--seeds", "3"])
    content = json.loads(common.write_result("x", {}).read_text())
    assert content["command"] == "python -m benchmarks.bench_x --data wiki --seeds 3"


def test_both_programs_train_the_same_kmers() -> None:
    draw = np.random.default_rng(1)
    sequences = ["".join(draw.choice(list("ACDE"), 60)) for _ in range(20)]
    trained = [train(program, sequences, PROTVEC, 1) for program in (OURS, THEIRS)]
    assert trained[0].words == trained[1].words
    assert {len(word) for word in trained[0].words} == {3}
    assert trained[0].vectors.shape == trained[1].vectors.shape == (len(trained[0].words), 100)
