"""What the benchmarks of document vectors read, write and judge by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import bench_document_speed, bench_many_documents
from benchmarks.bench_documents import Bench, Task, judge, summarise, with_earlier
from benchmarks.bench_half_retrieval import read_articles, retrieve, write_halves
from benchmarks.classifiers import linear_error, nbsvm_error, ngrams
from benchmarks.document_models import MODELS, Settings, read_documents
from benchmarks.gensim_documents import Tagged
from benchmarks.gensim_documents import main as gensim_documents
from benchmarks.labelled import Tokens, analyze, labels_of, read_labelled, separate, write_tokens

LINES = (
    'train\tpos\t0_9\tA "great" film!<br /><br />Don\'t miss it.\n'
    "train\tneg\t0_9\tBad, bad; worse?\n"
    "test\tpos\t0_9\t\n"
    "test\tneg\t1_1\tBad (bad)\n"
)


@pytest.fixture
def labelled(tmp_path: Path) -> pa.Table:
    path = tmp_path / "documents.tsv.zst"
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(LINES.encode())
    return read_labelled(path)


def test_labelled_documents_have_ids_of_their_own(labelled: pa.Table) -> None:
    assert labelled["id"].to_pylist() == ["train/pos/0_9", "train/neg/0_9", "test/pos/0_9", "test/neg/1_1"]
    assert labelled["text"].to_pylist()[2] == ""


def test_marks_are_words_and_apostrophes_are_not(labelled: pa.Table) -> None:
    words = separate(labelled["text"]).to_pylist()
    assert words[0] == ["a", '"', "great", '"', "film", "!", "don't", "miss", "it", "."]
    assert words[3] == ["bad", "(", "bad", ")"]


def test_the_tokenizer_finds_the_words_of_each_document(labelled: pa.Table) -> None:
    texts = pa.chunked_array([labelled["text"].combine_chunks()[:1], labelled["text"].combine_chunks()[1:]])
    words = analyze(texts).to_pylist()
    assert words == [
        ["a", "great", "film", "br", "br", "don", "t", "miss", "it"],
        ["bad", "bad", "worse"],
        [],
        ["bad", "bad"],
    ]


def test_tokens_are_read_in_the_order_in_which_they_were_written(labelled: pa.Table, tmp_path: Path) -> None:
    path, words = tmp_path / "tokens.parquet", analyze(labelled["text"])
    write_tokens(labelled["id"], words, path, seed=2)
    tokens, table = Tokens.read(path), pq.read_table(path)
    assert tokens.ids == table["id"].to_pylist() != labelled["id"].to_pylist()
    assert list(tokens) == table["words"].to_pylist()
    expected = dict(zip(labelled["id"].to_pylist(), words.to_pylist(), strict=True))
    assert dict(zip(tokens.ids, tokens, strict=True)) == expected
    labels, train = labels_of(labelled, tokens.ids)
    assert [f"{'train' if t else 'test'}/{label}" for label, t in zip(labels, train, strict=True)] == [
        name.rpartition("/")[0] for name in tokens.ids
    ]


def test_vectors_are_read_in_the_order_of_the_ids(tmp_path: Path) -> None:
    for number, (ids, vectors) in enumerate([([3, 1], [[3.0, 3.5], None]), ([2], [[2.0, 2.5]])]):
        table = pa.table({"id": ids, "vector": pa.array(vectors, pa.list_(pa.float32()))})
        pq.write_table(table, tmp_path / f"part-{number:05d}.parquet")
    assert read_documents(tmp_path, ["1", "2", "3"]).tolist() == [[0, 0], [2, 2.5], [3, 3.5]]
    with pytest.raises(SystemExit, match=r"lacks 1 of 2 documents, '4'"):
        read_documents(tmp_path, ["1", "4"])


def planted(n: int) -> tuple[Tokens, np.ndarray, np.ndarray]:
    """Documents of noise, but for two words that tell the class."""
    random = np.random.default_rng(1)
    labels = np.array(["neg", "pos"])[random.integers(0, 2, n)]
    noise = random.choice([f"w{i}" for i in range(50)], (n, 20))
    told = np.where(labels == "pos", "good", "bad")
    words = np.concatenate([noise, told[:, None]], axis=1).astype(object)
    tokens = Tokens([str(i) for i in range(n)], words.ravel(), np.arange(n + 1, dtype=np.int64) * 21)
    return tokens, labels, np.arange(n) < n // 2


def test_classifiers_find_what_tells_the_classes_apart() -> None:
    tokens, labels, train = planted(400)
    assert nbsvm_error(tokens, labels, train) < 1
    vectors = np.random.default_rng(2).normal(size=(400, 5)) + 3
    assert linear_error(vectors, labels, train) > 30
    vectors[:, 2] += 10 * (labels == "pos")
    assert linear_error(1e-6 * vectors, labels, train) == 0.0  # whatever their length


def test_ngrams_are_all_runs_of_up_to_three_words() -> None:
    assert ngrams(["a", "b", "c", "d"]) == ["a", "b", "c", "d", "a b", "b c", "c d", "a b c", "b c d"]
    assert ngrams(["a"]) == ["a"]
    assert ngrams([]) == []


def test_a_model_is_judged_by_the_spread_of_seeds_and_by_its_single_shard() -> None:
    found = {("gensim 4.4.0", 1): [10.0, 10.4], ("w2v-spark", 1): [10.3, 10.5], ("w2v-spark", 16): [10.95, 10.95]}
    rows = [
        {"program": program, "shards": shards, "model": "pv_dm", "seed": seed, "error": error}
        for (program, shards), errors in found.items()
        for seed, error in enumerate(errors)
    ]
    summary = summarise(rows)
    assert [(row["program"], row["shards"], row["seeds"]) for row in summary] == [
        ("gensim", 1, 2), ("w2v-spark", 1, 2), ("w2v-spark", 16, 2),
    ]  # fmt: skip
    one, many = judge(summary)
    assert one.passed
    assert one.limit == pytest.approx(10.2 + np.std([10.0, 10.4], ddof=1))
    assert not many.passed
    assert many.limit == pytest.approx(10.9)
    assert judge([row for row in summary if row["program"] == "gensim"]) == []


def test_halves_are_those_of_the_articles(tmp_path: Path) -> None:
    articles = pa.table({"id": [10, 11, 12, 13], "text": ["one two three", None, "word", "a b c d"]})
    pq.write_table(articles, tmp_path / "articles.parquet")
    halves = write_halves(read_articles([tmp_path / "articles.parquet"], None), tmp_path)
    first, second = Tokens.read(halves.first), Tokens.read(halves.second)
    assert first.ids == second.ids == halves.ids
    found = {name: pair for name, *pair in zip(first.ids, first, second, strict=True)}
    assert found == {"10": [["one"], ["two", "three"]], "13": [["a", "b"], ["c", "d"]]}


def test_retrieval_counts_those_as_near_as_the_own_half() -> None:
    first = np.array([[1, 0], [0, 1], [0, 2], [1, 1]], np.float32)
    second = np.array([[2, 0.1], [0, 1], [0.9, 0.1], [0, 0]], np.float32)
    # ranks: 1, 2 (the third is as near), 4 (the third is farthest), 4 (nothing is known)
    scores = retrieve(first, second)
    assert scores == {"p_at_1": 25.0, "mrr": pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 4) / 4), "median_rank": 3.0}


def test_gensim_gets_long_documents_in_pieces() -> None:
    words = np.array([f"w{n % 7}" for n in range(25_003)], object)
    tokens = Tokens(["long", "short", "none"], words, np.array([0, 25_000, 25_003, 25_003]))
    pieces = [(len(piece.words), piece.tags) for piece in Tagged(tokens)]
    assert pieces == [(10_000, [0]), (10_000, [0]), (5_000, [0]), (3, [1]), (0, [2])]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("more", [[], ["--corpus-file"]])
def test_gensim_trains_and_infers(model: str, more: list[str], tmp_path: Path) -> None:
    tokens, _, _ = planted(30)
    write_tokens(pa.chunked_array([tokens.ids]), pa.chunked_array([list(tokens)]), tmp_path / "tokens.parquet")
    settings = Settings(model, epochs=2, window=3, sample=0, dim=8, min_count=1)
    arguments = [f"--{name}={tmp_path / 'tokens.parquet'}" for name in ("tokens", "infer")]
    arguments += ["--settings", json.dumps(settings.gensim(1)), f"--report={tmp_path / 'report.json'}"]
    files = {name: tmp_path / f"{name}.npy" for name in ("vectors", "inferred")}
    assert gensim_documents([*arguments, *(f"--{name}={path}" for name, path in files.items()), *more]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["settings"] == settings.gensim(1)
    assert (report["documents"], report["words"], report["epochs"]) == (30, 630, 2)
    assert report["infer"]["documents"] == 30
    assert all(np.load(path).shape == (30, 8) for path in files.values())
    assert not (tmp_path / "documents.txt").exists()


def test_speed_is_judged_by_the_median_of_ratios_of_one_run_each() -> None:
    def run(ours: float, gensim: float) -> bench_document_speed.Row:
        rows = {"ours": {"seconds": ours}, "gensim": {"seconds": gensim}, "corpus_file": {"seconds": gensim / 2}}
        return rows | {
            name: {**rows[name], "infer": {"documents": 10, "seconds": rows[name]["seconds"]}}
            for name in ("ours", "gensim")
        }

    medians = bench_document_speed.summarise([run(1, 10), run(2, 30), run(1, 12)])
    assert medians["train_seconds"] == {"ours": 1, "gensim": 12, "corpus_file": 6}
    assert medians["times_as_fast_as"] == {"gensim": 12, "corpus_file": 6}
    assert medians["inferred_per_second"]["ours"] == 10
    assert [target.value for target in bench_document_speed.judge(medians)] == [12, 12]


def test_many_documents_are_stretches_of_the_articles(tmp_path: Path) -> None:
    articles = [
        " ".join(f"a{article}w{n}" for n in range(25 + 5 * article)) for article in range(6)
    ]  # the first is short
    for number in range(2):
        text = [*articles[3 * number : 3 * number + 3], None]
        pq.write_table(pa.table({"text": text}), tmp_path / f"articles-{number}.parquet")
    files = sorted(tmp_path.glob("articles-*.parquet"))
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        bench_many_documents.write_documents(files, tmp_path / name, 100, seed)
    one, again, other = (pq.read_table(tmp_path / name) for name in ("one", "again", "other"))
    assert one.equals(again)
    assert not one.equals(other)
    assert one["id"].to_pylist() == list(range(100))
    texts = one["text"].to_pylist()
    assert {len(text.split()) for text in texts} == {30}
    assert all(any(text in article for article in articles[1:]) for text in texts)
    assert {text.partition("w")[0] for text in texts} >= {"a2", "a3", "a4", "a5"}


def test_the_disk_of_a_job_is_watched(tmp_path: Path) -> None:
    output = tmp_path / "model"
    with bench_many_documents.watched(output) as disk:
        (output / "state").mkdir(parents=True)
        (output / "state" / "rows").write_bytes(bytes(1000))
        (output / "model.json").write_bytes(bytes(10))
    assert disk.peak == 1010
    assert bench_many_documents.sizes(output) == {"state": 1000, "model.json": 10}


def test_a_kept_run_is_taken_if_its_settings_are_those_asked_for(tmp_path: Path) -> None:
    lines = [
        f"{split}\t{label}\t{n}\tsome words {label}"
        for split in ("train", "test")
        for n in range(5)
        for label in ("neg", "pos")
    ]
    with pa.output_stream(str(tmp_path / "reviews.tsv.zst"), compression="zstd") as out:
        out.write("\n".join(lines).encode())
    bench = Bench(tmp_path / "reviews.tsv.zst", tmp_path, tmp_path, "local[1]", [])
    task = Task("gensim", "pv_dm", 1, 2)
    vectors = np.where(bench.labels == "pos", 1.0, -1.0)[:, None]
    np.save(tmp_path / "gensim-pv_dm-seed2.npy", vectors)
    settings = Settings("pv_dm", epochs=20, window=10, sample=0, learning_rate=0.05, seed=2).gensim(1)
    report = {
        "program": "gensim 4",
        "settings": settings,
        "documents": 20,
        "words": 60,
        "train_seconds": 1.5,
        "vocabulary_size": 4,
    }
    (tmp_path / "gensim-pv_dm-seed2.json").write_text(json.dumps(report))
    row, matrix = bench.run(task)
    assert row["error"] == 0.0
    assert row["kept_from"] is not None
    assert matrix.tolist() == vectors.tolist()
    (tmp_path / "gensim-pv_dm-seed2.json").write_text(json.dumps({**report, "words": 61}))
    with pytest.raises(SystemExit, match="is of words 61 instead of 60"):
        bench.run(task)


def test_results_are_added_to_earlier_ones_of_the_same_words() -> None:
    """What was run again takes the place of what was there; gensim's rows name its version as well."""
    rows = [
        {"program": program, "model": "pv_dm", "shards": 1, "seed": seed, "error": error}
        for program, seed, error in (("gensim 4.4.0", 1, 10.0), ("gensim 4.4.0", 2, 11.0), ("w2v-spark", 1, 12.0))
    ]
    corpus = {"words": 7, "settings": {"pv_dm": ["model.dim=100"]}}
    earlier = {**corpus, "commit": "abc", "rows": rows}
    new = [{**rows[1], "error": 9.0}]
    found = with_earlier(new, earlier, corpus)
    assert [(row["program"], row["seed"], row["error"], row.get("commit")) for row in found] == [
        ("gensim 4.4.0", 1, 10.0, "abc"), ("w2v-spark", 1, 12.0, "abc"), ("gensim 4.4.0", 2, 9.0, None),
    ]  # fmt: skip
    assert with_earlier(new, {}, corpus) == new
    with pytest.raises(SystemExit, match="is of words 7 instead of 8; run without --add"):
        with_earlier(new, earlier, {**corpus, "words": 8})
