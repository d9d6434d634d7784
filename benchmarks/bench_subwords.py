"""Train with sub-words, without, and gensim's FastText on the same sentences, and compare accuracy, speed and memory.

All train skip-gram with negative sampling on one core. Analogies are asked among the 30,000 most frequent words, as
in the other benchmarks; `rare_words` says how rare words are judged. Seconds are those of the processor, which other
work on the machine lengthens least.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.common import (
    EVALUATION,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    write_result,
)
from benchmarks.corpus import Corpus, read_corpus
from benchmarks.models import Ours
from benchmarks.rare_words import RareWords, judged_pairs
from benchmarks.scores import RESTRICT, SIMILARITIES
from w2v_spark.config import Config, ModelConfig, TrainConfig
from w2v_spark.evaluation.analogies import evaluate_analogies, read_analogies
from w2v_spark.evaluation.pair_files import read_pairs
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.subword_vectors import SubwordVectors

Matrix = npt.NDArray[np.float32]
Row = dict[str, Any]

DIM: Final = 100
SAMPLE: Final = 1e-4
EVERYTHING: Final = 1 << 40
PLAIN, EXACT, BUCKETS, FASTTEXT = "plain", "n-grams", "buckets", "gensim FastText"
OURS: Final[dict[str, dict[str, Any]]] = {
    PLAIN: {},
    EXACT: {"subwords": True},
    BUCKETS: {"subwords": True, "bucket": 200_000},
}
JUDGED: Final = tuple(f"rare pairs of {name}" for name in SIMILARITIES)
METRICS: Final = ("semantic", "syntactic", *SIMILARITIES, *JUDGED, "rare", "outside")
AT_LEAST: Final = 3.0  # times as fast as gensim


@dataclass(frozen=True, slots=True)
class Task:
    """A model to train."""

    program: str
    seed: int
    options: argparse.Namespace
    reference: Path


def main(argv: Sequence[str] | None = None) -> int:
    """Train and compare, write ``results/subwords.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as work:
        reference = options.reference or Path(work) / "reference.npz"
        if not reference.is_file():
            _apart(write_reference, options, reference)
        tasks = [
            Task(program, seed, options, reference)
            for program in options.programs
            for seed in range(1, (options.gensim_seeds if program == FASTTEXT else options.seeds) + 1)
        ]
        rows = [_kept(task) for task in tasks]
        trained = [_apart(judge_trained, path, options, reference) for path in options.trained]
    summary = summarise(rows)
    _print(summary)
    for row in trained:
        print(", ".join(f"{key} {row[key]:.1f}" if key in METRICS else f"{key} {row[key]}" for key in row))
    targets = judge(summary) + [target for row in trained for target in judge_shards(row, summary)]
    passed = report_targets(targets)
    if not options.dry:
        settings = {name: getattr(options, name) for name in ("tokens", "epochs")}
        model = {"dim": DIM, "sample": SAMPLE, "min_n": 3, "max_n": 6}
        result = {"corpus": options.data.name, **settings, **model, "summary": summary, "rows": rows}
        write_result(options.name, {**result, "trained": trained}, targets)
    return 0 if passed else 1


def _kept(task: Task) -> Row:
    """Run a task, or take what an earlier run has kept of it."""
    options = task.options
    path = options.kept and options.kept / f"{task.program.replace(' ', '-')}-{task.seed}-{options.tokens}.json"
    if path and path.is_file():
        row: Row = json.loads(path.read_text())
        return row
    row = _apart(run, task)
    if path:
        path.write_text(json.dumps(row))
    return row


def _apart(function: Any, *arguments: Any) -> Any:
    """The result of a function in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def write_reference(options: argparse.Namespace, path: Path) -> None:
    """A plain model of all text, by a seed that no other model has."""
    train = TrainConfig(epochs=options.reference_epochs, sample=SAMPLE, seed=1_000)
    corpus = read_corpus(data_files(options.data), EVERYTHING, Config(train=train))
    print(f"training the reference on {len(corpus):,} words ...", flush=True)
    ours = Ours(ModelConfig(dim=DIM), train, corpus.vocabulary)
    for epoch in range(train.epochs):
        ours.train(corpus, epoch)
    words = np.array(corpus.vocabulary.words.to_pylist(), object).astype(str)
    np.savez(path, words=words, counts=corpus.vocabulary.counts, vectors=ours.vectors)


def run(task: Task) -> Row:
    """Train, measure and judge."""
    options = task.options
    train = TrainConfig(epochs=options.epochs, sample=SAMPLE, seed=task.seed)
    corpus = read_corpus(data_files(options.data), options.tokens, Config(train=train))
    with np.load(task.reference) as reference:
        rare = RareWords.choose(
            corpus.vocabulary.words, corpus.vocabulary.counts, pa.array(reference["words"].tolist()),
            reference["counts"], reference["vectors"],
        )  # fmt: skip
    before = _peak()
    if task.program == FASTTEXT:
        vectors, seconds, ngrams = run_gensim(corpus, train)
    else:
        model = ModelConfig(dim=DIM, **OURS[task.program], **dict(options.set if task.program != PLAIN else ()))
        vectors, seconds, ngrams = run_ours(corpus, train, model)
    row = {
        "program": task.program, "seed": task.seed, "seconds": seconds, "words": len(corpus),
        "words_a_second": len(corpus) * options.epochs / seconds, "vocabulary_size": len(corpus.vocabulary),
        "ngrams": ngrams, "mebibytes": _peak() - before,
        "rare_words": len(rare.rare), "outside_words": len(rare.outside),
        **judge_vectors(vectors, rare, options.evaluation),
    }  # fmt: skip
    print(", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()), flush=True)
    return row


def judge_trained(path: Path, options: argparse.Namespace, reference: Path) -> Row:
    """Judge what the main job has trained on the articles that the others have their sentences from."""
    vectors, description = KeyedVectors.load(path), json.loads((path / "model.json").read_text())
    with np.load(reference) as known:
        rare = RareWords.choose(
            pa.array(vectors.words), np.asarray(vectors.counts), pa.array(known["words"].tolist()), known["counts"],
            known["vectors"],
        )  # fmt: skip
    plan = {"shards": description["plan"]["shards"], "rounds": description["plan"]["rounds"]}
    return {
        "program": EXACT,
        **plan,
        "seconds": description["timings"]["train"],
        **judge_vectors(vectors, rare, options.evaluation),
    }


def judge_shards(row: Row, summary: dict[str, dict[str, dict[str, float]]]) -> list[Target]:
    """Many shards against one, no worse beyond the deviation of one."""
    one = summary.get(EXACT, {})
    return [
        Target(f"{metric}, {row['shards']} shards against one", row[metric], _least(one[metric]))
        for metric in METRICS
        if metric in one
    ]


def _least(scores: dict[str, float]) -> float:
    return scores["mean"] - scores["deviation"]


def _peak() -> float:
    """The most memory that this process has had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_ours(corpus: Corpus, train: TrainConfig, model: ModelConfig) -> tuple[KeyedVectors, float, int]:
    """Our kernels, one shard on one core."""
    Ours(model, train, corpus.vocabulary).train(corpus.head(1))  # compiles
    begin = time.process_time()
    ours = Ours(model, train, corpus.vocabulary)
    for epoch in range(train.epochs):
        ours.train(corpus, epoch)
    seconds = time.process_time() - begin
    words, counts, subwords = corpus.vocabulary.words, corpus.vocabulary.counts, None
    if ours.ngrams is not None:
        labels = pa.table({"ngram": ours.ngrams.labels(), "words": ours.ngrams.words})
        subwords = SubwordVectors(labels, RowStack([np.ascontiguousarray(ours.ngram_vectors)]), model)
    matrix = np.ascontiguousarray(ours.vectors)
    return KeyedVectors(words, matrix, counts, subwords=subwords), seconds, ours.ngrams.ngrams if ours.ngrams else 0


class GensimVectors(KeyedVectors):
    """gensim's vectors of words, and those that it gives others."""

    def __init__(self, words: Any, matrix: Matrix, counts: Any, model: Any) -> None:
        super().__init__(words, matrix, counts)
        self._content.subwords = model


class _Outside:
    """What gensim says of words outside the vocabulary."""

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors

    def vector(self, word: str) -> Matrix | None:
        """The mean of its buckets."""
        vector: Matrix = self._vectors.get_vector(word)
        return vector


def run_gensim(corpus: Corpus, train: TrainConfig) -> tuple[KeyedVectors, float, int]:
    """Gensim's FastText, with its own number of buckets, on the same sentences from a file."""
    from gensim.models import FastText

    words = corpus.vocabulary.words.to_pylist()
    model: Any = FastText(
        vector_size=DIM, window=5, sg=1, hs=0, negative=5, sample=train.sample, alpha=train.learning_rate,
        min_alpha=train.min_learning_rate, min_count=1, min_n=3, max_n=6, epochs=train.epochs, seed=train.seed,
        workers=1,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as work:
        text = Path(work) / "sentences.txt"
        corpus.write_text(text)
        begin = time.process_time()
        model.build_vocab_from_freq(dict(zip(words, corpus.vocabulary.counts.tolist(), strict=True)))
        model.syn1neg.fill(0)
        model.train(
            corpus_file=str(text), total_examples=corpus.sentences, total_words=len(corpus), epochs=train.epochs
        )
        seconds = time.process_time() - begin
    rows = [model.wv.key_to_index[word] for word in words]
    matrix = np.ascontiguousarray(model.wv.vectors[rows])
    vectors = GensimVectors(corpus.vocabulary.words, matrix, corpus.vocabulary.counts, _Outside(model.wv))
    return vectors, seconds, model.wv.bucket


def judge_vectors(vectors: KeyedVectors, rare: RareWords, evaluation: Path) -> dict[str, float]:
    """All numbers that the benchmark gives of a model, in percent."""
    analogies = evaluate_analogies(vectors, read_analogies(evaluation / "questions-words.txt"), RESTRICT)
    scores = {name: 100 * getattr(analogies, name).accuracy for name in ("semantic", "syntactic")}
    for name in SIMILARITIES:
        pairs = read_pairs(evaluation / "similarity" / f"{name}.txt").pairs
        similarity = evaluate_similarity(vectors, pairs)
        scores[name] = 100 * float(np.nan_to_num(similarity.spearman))
        scores[f"pairs of {name}"] = similarity.pairs
        scores[f"rare pairs of {name}"], scores[f"number of rare pairs of {name}"] = judged_pairs(vectors, pairs)

    def vector_of(word: str) -> Matrix | None:
        return vectors.vector_of(word).vector

    return scores | rare.score(vector_of)


def summarise(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """``summary[program][metric]``: mean, sample standard deviation (0 of one seed)."""
    summary: dict[str, dict[str, dict[str, float]]] = {}
    for program in dict.fromkeys(row["program"] for row in rows):
        own = [row for row in rows if row["program"] == program]
        for metric in (*_measured(rows), "words_a_second", "mebibytes"):
            values = [row[metric] for row in own]
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            summary.setdefault(program, {})[metric] = {"mean": statistics.mean(values), "deviation": deviation}
    return summary


def _measured(rows: Sequence[Row]) -> list[str]:
    """The metrics that all rows have: those that an earlier version has kept lack some."""
    return [metric for metric in METRICS if all(metric in row for row in rows)]


def judge(summary: dict[str, dict[str, dict[str, float]]]) -> list[Target]:
    """Sub-words against none, and against gensim's, no worse beyond the larger of both deviations."""
    if EXACT not in summary:
        return []
    ours, targets = summary[EXACT], []
    for other, metrics in ((PLAIN, ("syntactic", *JUDGED)), (FASTTEXT, METRICS)):
        for metric in (metric for metric in metrics if other in summary and metric in ours):
            them = summary[other][metric]
            spread = max(ours[metric]["deviation"], them["deviation"])
            targets.append(Target(f"{metric}, against {other}", ours[metric]["mean"], them["mean"] - spread))
    if FASTTEXT in summary:
        ratio = ours["words_a_second"]["mean"] / summary[FASTTEXT]["words_a_second"]["mean"]
        targets.append(Target("words a second, gensim's", ratio, AT_LEAST))
    return targets


def _print(summary: dict[str, dict[str, dict[str, float]]]) -> None:
    columns = list(next(iter(summary.values())))
    rows = [
        (program, *(f"{found[name]['mean']:,.1f} +- {found[name]['deviation']:,.1f}" for name in columns))
        for program, found in summary.items()
    ]
    print_table(("model", *columns), rows)


def _pair(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, int(value)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_argument(parser)
    parser.add_argument("--eval", dest="evaluation", type=Path, default=EVALUATION, metavar="DIR", help="test sets")
    programs = (*OURS, FASTTEXT)
    parser.add_argument("--programs", nargs="+", choices=programs, default=programs, help="default: all")
    parser.add_argument("--tokens", type=int, default=17_000_000, metavar="N", help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 to N (default: %(default)s)")
    parser.add_argument("--gensim-seeds", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--reference", type=Path, metavar="FILE", help="the model of all text, kept from an earlier run"
    )
    parser.add_argument("--reference-epochs", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--set", type=_pair, nargs="*", default=[], help="of the models with sub-words: min_n=2 ...")
    parser.add_argument("--kept", type=Path, metavar="DIR", help="keeps finished runs there, and takes those it has")
    parser.add_argument(
        "--trained", type=Path, nargs="*", default=[], metavar="DIR", help="outputs of `train` with sub-words"
    )
    parser.add_argument("--name", default="subwords", help="of the result (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="write no result")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
