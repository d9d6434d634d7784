"""How well words are translated between two spaces, and what the table of all translations costs.

Two halves of the English corpus as two languages, in which each word is its own translation; English and French
sentences with MUSE's dictionaries; and 150,000 made-up words among as many others, beside the bare matrix products.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from benchmarks.bench_neighbours import PROCESSES, time_products, write_random_vectors
from benchmarks.common import (
    EVALUATION,
    ROOT,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    spark_environment,
    write_result,
)
from benchmarks.corpus import read_corpus
from benchmarks.memory import run_measured, stop_on_failure
from benchmarks.models import Ours, model_config
from w2v_spark.alignment.dictionary import Dictionary
from w2v_spark.alignment.precision import evaluate_translations
from w2v_spark.alignment.request import Alignment
from w2v_spark.config import Config, TrainConfig, VocabularyConfig
from w2v_spark.vectors.reading import VectorTable
from w2v_spark.vectors.row_stack import RowStack

SENTENCES: Final = ROOT.parent / "shared" / "data" / "tatoeba2017.en-fr.tsv.zst"
LEARNED: Final = 5_000
MODEL: Final = "skipgram_negative_sampling"
WAYS: Final = {  # center, refinements
    "Procrustes": (False, 0),
    "refined 5 times": (False, 5),
    "centred": (True, 0),
    "centred, refined 5 times": (True, 5),
}
LEAST_SQUARES: Final = "least squares, as gensim"
MEANING: Final = {
    "halves": "P@1 and P@5 of words that two disjoint halves of the articles share, each its own translation: the "
    "5,000 most frequent to learn the map, all others to test it",
    "english_french": "the same with MUSE's dictionaries, 0-5000 to learn and 5000-6500 to test",
    "least squares": "the map of gensim's TranslationMatrix: least squares on vectors of length 1",
    "products": "seconds of two processes with one BLAS thread each that hold the vectors already and multiply each "
    "row of one table by each of the other once",
    "job": "seconds of w2v-spark translate from the start of Python to its exit: JVM, workers, reading, the product "
    "of all pairs, for some rows once more, writing",
    "ratio": "of the medians of the job and of one set of products",
}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write ``results/translation.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    halves = measure_halves(data_files(options.data), options.words, options.dim, options.epochs)
    show("two halves of English", halves)
    languages = measure_languages(options)
    show("English to French", languages)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        times = measure_time(Path(name), options)
    best = halves["ways"]["Procrustes"]
    targets = [
        Target("the job / one set of products", times["ratio"], 3, at_least=False),
        Target("halves: CSLS - cosine, P@1", best["csls"]["p@1"]["share"] - best["cosine"]["p@1"]["share"], 0.0),
    ]
    passed = report_targets(targets)
    result = {
        "meaning": MEANING, "model": MODEL, "dim": options.dim, "halves": halves, "english_french": languages,
        "table": times, "note": options.note,
    }  # fmt: skip
    write_result("translation", result, targets)
    return 0 if passed else 1


def measure_halves(files: Sequence[Path], words: int, dim: int, epochs: int) -> Row:
    """Two halves of the files as two languages."""
    middle = len(files) // 2
    spaces = [train(some, words, 10, dim, epochs) for some in (files[:middle], files[middle:])]
    pairs = Dictionary.identical(spaces[0].words, spaces[1].words).pairs
    learned, asked = (Dictionary(f"{len(some):,} words", some) for some in (pairs[:LEARNED], pairs[LEARNED:]))
    return {"words": words, "epochs": epochs, **compare(spaces[0], spaces[1], learned, asked)}


def measure_languages(options: argparse.Namespace) -> Row:
    """English and French sentences, which are translations of each other; nothing makes use of that."""
    with pa.input_stream(str(options.sentences), compression="zstd") as stream:
        table = csv.read_csv(
            stream, csv.ReadOptions(column_names=["en", "fr"]), csv.ParseOptions(delimiter="\t", quote_char=False)
        )
    spaces = []
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        for language in ("en", "fr"):
            file = Path(name) / f"{language}.parquet"
            distinct = table[language].unique()  # a sentence has several translations
            pq.write_table(pa.table({"text": distinct}), file)
            spaces.append(train([file], 10**9, 3, options.dim, options.sentence_epochs))
    learned, asked = (
        Dictionary.read(options.evaluation / f"en-fr.{part}.txt") for part in ("0-5000", "5000-6500")
    )  # fmt: skip
    return {"epochs": options.sentence_epochs, **compare(spaces[0], spaces[1], learned, asked)}


def train(files: Sequence[Path], words: int, min_count: int, dim: int, epochs: int) -> VectorTable:
    """Vectors of the first words of some files, on one core."""
    settings = TrainConfig(epochs=epochs, sample=1e-4)
    corpus = read_corpus(files, words, Config(vocabulary=VocabularyConfig(min_count=min_count), train=settings))
    ours = Ours(model_config(MODEL, dim), settings, corpus.vocabulary)
    seconds = sum(ours.train(corpus, epoch) for epoch in range(epochs))
    print(f"{len(corpus):,} words, V = {len(corpus.vocabulary):,}: {epochs} epochs in {seconds:.0f} s", flush=True)
    stack = RowStack([np.ascontiguousarray(ours.vectors)])
    return VectorTable(corpus.vocabulary.words, corpus.vocabulary.counts, stack, {})


def compare(source: VectorTable, target: VectorTable, learned: Dictionary, asked: Dictionary) -> Row:
    """Every way to fit a map, by cosine and by CSLS."""
    known = learned.known(source.words, target.words)
    ways: dict[str, Row] = {}
    for name, (center, refinements) in WAYS.items():
        space_map = Alignment(source, target, ("", ""), learned, known, center, refinements).fit()
        mapped, onto = (
            VectorTable(table.words, table.counts, RowStack([np.concatenate(list(rows))]), {})
            for table, rows in (
                (source, space_map.source_rows(source.stack)),
                (target, space_map.target_rows(target.stack)),
            )
        )
        ways[name] = evaluate_translations(mapped, onto, asked)
    x, y = (
        unit(table.stack.take(rows)) for table, rows in ((source, known.source), (target, known.target))
    )  # fmt: skip
    linear = np.linalg.lstsq(x, y, rcond=-1)[0]
    mapped_rows = (unit(source.stack.to_matrix()) @ linear).astype(np.float32)
    ways[LEAST_SQUARES] = evaluate_translations(
        VectorTable(source.words, source.counts, RowStack([mapped_rows]), {}), target, asked
    )
    words = ways["Procrustes"]["words"]
    return {
        "vocabulary": [len(source.words), len(target.words)], "learned": len(known), "asked": words,
        "ways": {name: {measure: way[measure] for measure in ("csls", "cosine")} for name, way in ways.items()},
    }  # fmt: skip


def unit(rows: Any) -> Any:
    """Rows of length 1, in float64."""
    wide = rows.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)


def show(name: str, found: Row) -> None:
    """Print the shares of right answers."""
    asked = found["asked"]
    header = (
        f"{name}, {asked['asked']:,} words, coverage {asked['coverage']:.0%}",
        "CSLS P@1",
        "95 %",
        "cosine P@1",
        "CSLS P@5",
    )
    rows = []
    for way, shares in found["ways"].items():
        first, low_high = shares["csls"]["p@1"], shares["csls"]["p@1"]["interval"]
        others = shares["cosine"]["p@1"]["share"], shares["csls"]["p@5"]["share"]
        interval = " to ".join(f"{100 * end:.1f}" for end in low_high)
        rows.append((way, f"{100 * first['share']:.1f}", interval, *(f"{100 * share:.1f}" for share in others)))
    print_table(header, rows)


def measure_time(work: Path, options: argparse.Namespace) -> Row:
    """The job and the bare products in turn."""
    for seed, name in enumerate(("source", "target")):
        write_random_vectors(work / name, options.vocabulary, options.dim, seed)
    command = [sys.executable, "-m", "w2v_spark", "translate", "--source", str(work / "source"), "--quiet"]
    command += ["--target", str(work / "target"), "--output", str(work / "out"), "--overwrite", "--topn", "10"]
    products, job = [], []
    for _ in range(options.repeats):
        products.append(time_products(work / "source"))
        run = run_measured(command, spark_environment(f"local[{PROCESSES}]"), work)
        stop_on_failure("the job", run)
        job.append(run.seconds)
        memory = run.peaks.mebibytes()
        print(f"products {products[-1]:.1f} s, the job {job[-1]:.1f} s", flush=True)
    ratio = statistics.median(job) / statistics.median(products)
    return {
        "vocabulary": options.vocabulary, "dim": options.dim, "products": products, "job": job, "ratio": ratio,
        "peak_mebibytes": memory,
    }  # fmt: skip


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--words", type=int, default=8_000_000, metavar="N", help="of each half (default 8 million)")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--epochs", type=int, default=5, metavar="N", help="of the halves")
    parser.add_argument(
        "--sentences", type=Path, default=SENTENCES, metavar="FILE", help="English, tab, French; zstd-compressed"
    )
    parser.add_argument("--sentence-epochs", type=int, default=20, metavar="N", help="of English and French")
    parser.add_argument("--evaluation", type=Path, default=EVALUATION, metavar="DIR", help="where en-fr.0-5000.txt is")
    parser.add_argument("--vocabulary", type=int, default=150_000, metavar="V", help="of the table that is timed")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--note", default="", help="what else the machine did, for the result")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
