"""Measure the kernels of the four models on one core: words per second beside gensim's, and the share of the peak."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Target, add_data_argument, data_files, print_table, report_targets, write_result
from benchmarks.corpus import Corpus, read_corpus, synthetic_corpus
from benchmarks.machine import bandwidth, peak_flops
from benchmarks.models import MODELS, Gensim, Ours, model_config
from w2v_spark.config import Config, ModelConfig, Objective, TrainConfig
from w2v_spark.kernels.arguments import KEPT, PAIRS
from w2v_spark.kernels.memory import padded
from w2v_spark.models.subsample import keep_probabilities

TRAIN = TrainConfig(epochs=1, sample=1e-3)
DIMS = (100, 300)
VOCABULARIES = ("real", "synthetic")
QUICK_MODELS = ("skipgram_negative_sampling", "cbow_negative_sampling")
QUICK_WORDS, QUICK_SECONDS = 3_000_000, 4.0
FEW_WORDS = 50_000  # to guess the speed from, and four times as many until they take long enough
PRODUCTS = 3  # of a dense step: scores, changes of the output rows, changes of the input rows

TIMES_GENSIM = {
    ("skipgram_negative_sampling", 100): 15.0,
    ("skipgram_hierarchical_softmax", 100): 6.0,
    ("cbow_negative_sampling", 100): 5.0,
    ("cbow_hierarchical_softmax", 100): 4.0,
    ("skipgram_negative_sampling", 300): 12.0,
}
PEAK_FRACTION = {("skipgram_negative_sampling", 300): 0.5}

PLAIN = (
    "model", "dim", "vocabulary", "vocabulary_size", "words_per_second", "gensim_words_per_second", "ratio",
    "peak_fraction", "words", "gensim_words",
)  # fmt: skip
MEANING = {
    "words": "of the vocabulary, in the first sentences of the corpus, as many as fill the seconds; "
    "those that subsampling drops count",
    "gensim_words_per_second": "words / (seconds of train() - overhead); the overhead, which gensim spends on the "
    "vocabulary each time, is the time of train() on a single sentence",
    "ratio": "of the medians of the runs; the programs take turns",
    "peak_fraction": "pairs * output rows * 3 products * 2 * dim / seconds / peak: the dense steps alone, without the "
    "adds of gathering and spreading that CBOW has; output rows are negatives + 1 or the mean path of the kept words",
    "bytes_per_word": "kept words / words * (1 input row + negatives + 1 output rows) * 2 (read and written) * "
    "4 * dim padded to 16",
}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure everything, write ``results/kernels.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    core = {"peak_gigaflops": peak_flops() / 1e9}
    if not options.quick:
        core |= {f"{name}_gigabytes_per_second": rate / 1e9 for name, rate in bandwidth().items()}
    print_table(("one core", ""), [(name, f"{value:.1f}") for name, value in core.items()])
    rows = []
    for vocabulary in options.vocabularies:
        corpus = _corpus(vocabulary, options)
        for name in options.models:
            for dim in options.dims:
                row = {"model": name, "dim": dim, "vocabulary": vocabulary, "vocabulary_size": len(corpus.vocabulary)}
                rows.append(row | compare(model_config(name, dim), corpus, options.seconds, options.repeats, core))
                print(*_cells(rows[-1]), flush=True)
    _print(rows)
    if options.json is not None:
        options.json.write_text(json.dumps([{key: row[key] for key in PLAIN} for row in rows], indent=2) + "\n")
    if options.quick:
        return 0
    targets = judge(rows)
    passed = report_targets(targets)
    write_result(options.name, {"meaning": MEANING, "one_core": core, "rows": rows}, targets)
    return 0 if passed else 1


def compare(model: ModelConfig, corpus: Corpus, seconds: float, repeats: int, core: dict[str, float]) -> Row:
    """Train ours and gensim in turn, each on as many words as it trains in some seconds."""
    ours, gensim = Ours(model, TRAIN, corpus.vocabulary), Gensim(model, TRAIN, corpus.vocabulary)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as work:
        text = Path(work) / "sentences.txt"

        def train_gensim(part: Corpus) -> float:
            part.write_text(text)
            return gensim.train(text, part)

        sentence = corpus.head(1)
        ours.train(sentence)  # compiles
        train_gensim(sentence)
        overhead = statistics.median(train_gensim(sentence) for _ in range(3))
        part = _part(corpus, ours.train, seconds)
        gensim_part = _part(corpus, lambda part: train_gensim(part) - overhead, seconds)
        ours.trainer.statistics[:] = 0
        times: list[float] = []
        gensim_times: list[float] = []
        for _ in range(repeats):
            times.append(ours.train(part))
            gensim_times.append(train_gensim(gensim_part) - overhead)
    rates = len(part) / statistics.median(times), len(gensim_part) / statistics.median(gensim_times)
    per_word = (ours.trainer.statistics / (repeats * len(part))).tolist()
    output_rows = _output_rows(model, ours, corpus)
    flops = rates[0] * per_word[PAIRS] * output_rows * PRODUCTS * 2 * model.dim
    return {
        "words_per_second": rates[0],
        "gensim_words_per_second": rates[1],
        "ratio": rates[0] / rates[1],
        "peak_fraction": flops / (1e9 * core["peak_gigaflops"]),
        "words": len(part),
        "gensim_words": len(gensim_part),
        "seconds": times,
        "gensim_seconds": gensim_times,
        "gensim_overhead_seconds": overhead,
        "kept_per_word": per_word[KEPT],
        "pairs_per_word": per_word[PAIRS],
        "output_rows": output_rows,
        **_memory(model, rates[0], per_word[KEPT], core),
    }


def judge(rows: Sequence[Row]) -> list[Target]:
    """The promises about what was measured; they are about the real vocabulary."""
    targets = []
    for row in rows:
        key, name = (row["model"], row["dim"]), f"{row['model']}, D = {row['dim']}"
        if row["vocabulary"] == "real" and key in TIMES_GENSIM:
            targets.append(Target(f"{name}: times as fast as gensim", row["ratio"], TIMES_GENSIM[key]))
        if row["vocabulary"] == "real" and key in PEAK_FRACTION:
            targets.append(Target(f"{name}: dense steps, share of the peak", row["peak_fraction"], PEAK_FRACTION[key]))
    return targets


def _part(corpus: Corpus, train: Callable[[Corpus], float], seconds: float) -> Corpus:
    """The first sentences of a corpus that take about so many seconds."""
    words = FEW_WORDS
    while True:
        part = corpus.head(words)
        took = train(part)
        if took > seconds / 4 or len(part) == len(corpus):
            return corpus.head(int(len(part) / took * seconds))
        words *= 4


def _output_rows(model: ModelConfig, ours: Ours, corpus: Corpus) -> float:
    """Output rows that a pair is trained on; the few noise words that are left out count as well."""
    if model.objective is Objective.NEGATIVE_SAMPLING:
        return model.negatives + 1
    counts = corpus.vocabulary.counts
    return float(np.average(np.diff(ours.tables.starts), weights=counts * keep_probabilities(counts, TRAIN.sample)))


def _memory(model: ModelConfig, rate: float, kept_per_word: float, core: dict[str, float]) -> Row:
    """Bytes that rows take to and fro, and as a share of what the memory can do; with negative sampling only.

    A path of the Huffman tree begins with nodes that never leave the caches.
    """
    if model.objective is Objective.HIERARCHICAL_SOFTMAX:
        return {}
    size = kept_per_word * (1 + model.negatives + 1) * 2 * 4 * padded(model.dim)
    moved = size * rate / 1e9
    ends = "_gigabytes_per_second"
    shares = {f"share_of_{key.removesuffix(ends)}": moved / core[key] for key in core if key.endswith(ends)}
    return {"bytes_per_word": size, "moved_gigabytes_per_second": moved, **shares}


def _corpus(vocabulary: str, options: argparse.Namespace) -> Corpus:
    if vocabulary == "synthetic":
        return synthetic_corpus(options.synthetic_size)
    return read_corpus(data_files(options.data), options.words, Config())


def _print(rows: Sequence[Row]) -> None:
    print_table(("model", "D", "vocabulary", "words/s", "gensim", "ratio", "of peak"), [_cells(row) for row in rows])
    moving = [row for row in rows if row["vocabulary"] == "synthetic" and "share_of_random_rows" in row]
    if moving:
        columns = ("bytes_per_word", "moved_gigabytes_per_second", "share_of_random_rows", "share_of_copy")
        cells = [(row["model"], str(row["dim"]), *(f"{row[key]:,.2f}" for key in columns)) for row in moving]
        print_table(("memory, synthetic vocabulary", "D", "bytes/word", "GB/s", "of random rows", "of copying"), cells)


def _cells(row: Row) -> tuple[str, ...]:
    speeds = (f"{row[key]:,.0f}" for key in ("words_per_second", "gensim_words_per_second"))
    vocabulary = f"{row['vocabulary']} {row['vocabulary_size']:,}"
    return row["model"], str(row["dim"]), vocabulary, *speeds, f"{row['ratio']:.2f}", f"{row['peak_fraction']:.3f}"


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=list(MODELS),
        metavar="MODEL",
        help=f"default: all of {', '.join(MODELS)}",
    )
    parser.add_argument("--dims", nargs="+", type=int, default=DIMS, metavar="D", help="default: 100 300")
    parser.add_argument("--vocabularies", nargs="+", choices=VOCABULARIES, default=VOCABULARIES, help="default: both")
    parser.add_argument("--words", type=int, default=7_000_000, help="of the data to read (default: %(default)s)")
    parser.add_argument("--synthetic-size", type=int, default=1_000_000, metavar="V", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=6.0, help="that a run should take (default: %(default)s)")
    parser.add_argument("--name", default="kernels", help="of the result (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, of which the median counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table here as well")
    parser.add_argument(
        "--quick", action="store_true", help="negative sampling, D = 100, fewer words; writes no result of its own"
    )
    options = parser.parse_args(argv)
    if options.quick:
        options.models, options.dims, options.vocabularies = QUICK_MODELS, DIMS[:1], VOCABULARIES[:1]
        options.words, options.seconds = min(options.words, QUICK_WORDS), min(options.seconds, QUICK_SECONDS)
    return options


if __name__ == "__main__":
    sys.exit(main())
