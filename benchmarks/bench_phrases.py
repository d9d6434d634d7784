"""What two passes of phrases cost beside counting the words, and what gensim's take for one, on the same corpus.

Ours is timed in one session, after a run without the clock, in turns with the first pass of the main job. gensim learns
from the same words, in a process of its own, from memory. How many of the phrases are titles of articles is compared at
the same number of phrases, those with the best scores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyspark.sql.functions as sf
from pyspark.sql import DataFrame

from benchmarks.common import (
    ROOT,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    timed,
    write_result,
)
from benchmarks.corpus import words_of
from benchmarks.memory import run_measured, stop_on_failure
from w2v_spark.config import Config
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import VOCABULARY_FILE
from w2v_spark.run.progress import Progress
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.phrase_pass import counting_config
from w2v_spark.spark.phrase_search import FoundPhrases, PhraseSearch
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.session import get_session
from w2v_spark.spark.settings import text_pass_conf
from w2v_spark.storage import Directory

PASSES: Final = 2
COST, SPEED = 1.5, 20.0  # times counting; times gensim's speed
CONFIG: Final = Config().replace(phrases={"passes": PASSES, "threshold": 200.0})


def main(argv: Sequence[str] | None = None) -> int:
    """Time both, write ``results/phrases.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    if options.gensim_report is not None:
        return run_gensim(options)
    spark = get_session("w2v-spark benchmark", "local[2]")
    frame = spark.read.parquet(*map(str, data_files(options.data))).select(sf.col("text").alias("document"))
    rows, best = [], {}
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name, text_pass_conf(spark, default_parallelism(spark)):
        for number in range(options.repeats + 1):  # the first is for the compilers
            row, found = run_ours(frame, Directory.open(f"{name}/run-{number}"))
            best = titles_among(found.table.table.filter(pc.field("pass") == 1), options.data)
            print({key: round(value, 2) for key, value in row.items()}, flush=True)
            rows += [row] if number else []
    spark.stop()
    gensim = None if options.skip_gensim else _ask_gensim(options, len(best["ranked"]))
    medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    ratio = statistics.median(row["passes"] / row["count"] for row in rows)
    targets = [Target(f"{PASSES} passes, as a multiple of counting", ratio, COST, at_least=False)]
    share = best["share"]
    if gensim is not None:
        speed = gensim["seconds"] / (medians["passes"] / PASSES)
        targets += [
            Target("a pass, times as fast as gensim's", speed, SPEED),
            Target("share of titles among phrases, against gensim's", share, gensim["share"]),
        ]
    print_table(("seconds", *medians), [("median", *(f"{value:.1f}" for value in medians.values()))])
    passed = report_targets(targets)
    result = {
        "corpus": options.data.name, "settings": CONFIG.to_dict()["phrases"], "medians": medians, "runs": rows,
        "phrases_of_the_first_pass": len(best["ranked"]), "titles": share, "gensim": gensim,
    }  # fmt: skip
    write_result("phrases", result, targets)
    return 0 if passed else 1


def run_ours(frame: DataFrame, directory: Directory) -> tuple[dict[str, float], FoundPhrases]:
    """Seconds of counting, of encoding with gaps, and of both passes on the encoded text; and what they find."""
    spark, state = frame.sparkSession, RunDirectory(directory.create())
    with timed() as count:
        vocabulary, seen = build_vocabulary(frame, counting_config(CONFIG))
    digest = state.begin_corpus(vocabulary)[VOCABULARY_FILE]
    encode = EncodePass(CONFIG, directory, VOCABULARY_FILE, digest, vocabulary, default_parallelism(spark))
    with timed() as encoding:
        kept = encode.keep([frame], vocabulary.tokens)
    with timed() as passes:
        found = PhraseSearch.on(spark, encode, kept, seen, Progress(quiet=True)).find()
    directory.delete()
    return {"count": count.seconds, "encode": encoding.seconds, "passes": passes.seconds}, found


def titles_among(phrases: Any, data: Path, ranked: Sequence[str] | None = None) -> dict[str, Any]:
    """How many of the phrases are the title of an article: of our table, or of names."""
    titles = set()
    for file in data_files(data):
        given = pq.read_table(file, columns=["title"])["title"].to_pylist()
        for words in words_of([title.partition(" (")[0] for title in given]):
            titles.add("_".join(word for sentence in words for word in sentence))
    names = phrases.sort_by([("score", "descending")])["phrase"].to_pylist() if ranked is None else list(ranked)
    return {"ranked": names, "share": sum(name in titles for name in names) / max(len(names), 1)}


def _ask_gensim(options: argparse.Namespace, number: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name:
        report = Path(name, "gensim.json")
        command = [sys.executable, "-m", "benchmarks.bench_phrases", "--data", str(options.data)]
        run = run_measured([*command, "--gensim-report", str(report), "--number", str(number)], dict(os.environ), ROOT)
        stop_on_failure("gensim", run)
        content: dict[str, Any] = json.loads(report.read_text())
    return {**content, "peak_mebibytes": run.peaks.mebibytes()}


def run_gensim(options: argparse.Namespace) -> int:
    """One pass of gensim's on words that are in memory already."""
    from gensim.models.phrases import Phrases

    sentences = []
    for file in data_files(options.data):
        for batch in pq.ParquetFile(file).iter_batches(200, columns=["text"]):
            for document in words_of(batch["text"].to_pylist()):
                sentences += [list(map(sys.intern, sentence)) for sentence in document]
    begin = time.perf_counter()
    phrases = Phrases(sentences, min_count=5, threshold=10.0)
    seconds = time.perf_counter() - begin
    found = phrases.export_phrases()
    ranked = sorted(found, key=lambda name: -found[name])[: options.number]
    content = {
        "seconds": seconds, "words": sum(map(len, sentences)), "phrases": len(found),
        "share": titles_among(None, options.data, ranked)["share"], "compared": len(ranked),
    }  # fmt: skip
    options.gensim_report.write_text(json.dumps(content))
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours, of which the median counts")
    parser.add_argument("--skip-gensim", action="store_true", help="gensim takes minutes and some 12 GB")
    parser.add_argument("--gensim-report", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
