"""``w2v-spark demo``: train on text that is already on this machine, and show what came out.

Without ``--input`` the text is the English documentation of the installed Python and its data libraries. The training
is ``w2v-spark train`` with the arguments that are printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from w2v_spark.cli.demo.corpus import collect, source_roots, write_corpus
from w2v_spark.publishing.description import ModelDescription, read_history
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors

EXAMPLE: Final = """\
w2v-spark demo
w2v-spark demo --input 'texts/*.txt.gz' --set model.dim=50"""

# A few million words are little: more passes make up for it, and words met ten times at least have good vectors.
SETTINGS = ("train.epochs=20", "vocabulary.min_count=10")
WORDS = ("dataframe", "array", "exception", "thread", "parse", "socket", "datetime", "json", "sort", "memory", "matrix")
NEIGHBOURS = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--input", nargs="+", metavar="PATH", help="your own text instead of Python's documentation")
    parser.add_argument("--format", help="as of train: whatever Spark reads (default: by the names of the files)")
    parser.add_argument("--column", help="as of train: the column with the documents, of formats other than text")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the training")
    parser.add_argument("--output", type=Path, default=Path("w2v-demo"), help="directory (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Run the demo and return the exit code of the training."""
    from w2v_spark.cli import train
    from w2v_spark.spark import session  # noqa: F401 - without PySpark it ends here, and not after the collection

    started = time.perf_counter()
    if options.input:
        inputs, settings = options.input, options.set
    else:
        inputs, settings = [str(_collect_documentation(options.output / "corpus"))], [*SETTINGS, *options.set]
    model = options.output / "model"
    arguments = ["--input", *inputs]
    for name in ("format", "column"):
        if (value := getattr(options, name)) is not None:
            arguments += [f"--{name}", value]
    arguments += [
        "--output",
        str(model),
        "--overwrite",
        *itertools.chain.from_iterable(("--set", item) for item in settings),
    ]
    print(f"\nRunning: w2v-spark train {shlex.join(arguments)}\n", flush=True)
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    if code := train.run(parser.parse_args(arguments)):
        return code
    _show(model, () if options.input else WORDS)
    print(f"\nThe whole demo took {time.perf_counter() - started:.0f} s.")
    return 0


def spread_words(words: Sequence[str], count: int = 10) -> list[str]:
    """Choose words from all over a vocabulary in rank order, without the words that stand everywhere.

    The ranks grow by a constant factor, from behind the most frequent tenth (at most 100 words) to the middle of the
    vocabulary, where words still have a fair number of occurrences. Numbers and single letters are passed over.
    """
    first, last = max(1, min(100, len(words) // 10)), max(1, len(words) // 2)
    chosen: list[str] = []
    for step in range(count):
        start = round(first * (last / first) ** (step / max(count - 1, 1)))
        fitting = (word for word in words[start:] if len(word) > 1 and word.isalpha() and word not in chosen)
        chosen += itertools.islice(fitting, 1)
    return chosen


def neighbours_code(vectors: Path, word: str, count: int = NEIGHBOURS) -> str:
    """Python code of one line that shows the nearest neighbours of a word of letters, found by DuckDB alone."""
    path = vectors.as_posix().replace("'", "''")
    table = f"'{path}/*.parquet'"
    sql = (
        f"SELECT b.word, b.count, round(list_cosine_similarity(a.vector, b.vector), 3) AS similarity "
        f"FROM {table} a JOIN {table} b ON a.word = '{word}' AND a.id <> b.id ORDER BY similarity DESC LIMIT {count}"
    )
    return f"import duckdb; duckdb.sql('''{sql}''').show()"


def _collect_documentation(directory: Path) -> Path:
    started = time.perf_counter()
    print("Collecting the documentation of the installed Python and its data libraries ...", flush=True)
    summary = write_corpus(collect(source_roots()), directory)
    for source, words in summary.words.items():
        print(f"  {source:<10}{words:>10,} words in {summary.passages[source]:>6,} passages")
    seconds = time.perf_counter() - started
    print(f"  {'total':<10}{sum(summary.words.values()):>10,} words, written to {directory} in {seconds:.0f} s")
    return directory


def _show(model: Path, wanted: Iterable[str]) -> None:
    """Print the statistics of a run, some neighbourhoods and how to ask for more."""
    directory = Directory.open(model)
    _show_statistics(ModelDescription.read(directory), read_history(directory))
    vectors = KeyedVectors.load(model)
    words = [word for word in wanted if word in vectors] or spread_words(vectors.words)
    print("\nNearest neighbours")
    for word in words:
        near = ", ".join(f"{other} {cosine:.2f}" for other, cosine in vectors.most_similar(word, topn=NEIGHBOURS))
        print(f"  {word:<12}{near}")
    print(f"\nThe table: {model / 'vectors'} ({len(vectors):,} words, {vectors.dim} numbers each; Parquet)")
    if words:
        _show_query(neighbours_code(model / "vectors", words[0]))


def _show_statistics(model: ModelDescription, rounds: Sequence[dict[str, Any]]) -> None:
    counted, encoded, seconds = model.counted, model.encoded, model.timings
    trained = sum(entry["tokens"] for entry in rounds)
    print("\nCorpus")
    print(f"  {counted.documents:,} documents, {counted.sentences:,} sentences, {counted.tokens:,} words")
    print(f"  {counted.distinct_words:,} distinct words, {encoded.vocabulary_size:,} of them in the vocabulary,")
    print(f"  which cover {encoded.kept_tokens / max(counted.tokens, 1):.1%} of the text")
    print("\nThroughput")
    print(f"  counted   {counted.tokens / seconds['count']:>12,.0f} words/s")
    print(f"  encoded   {counted.tokens / seconds['encode']:>12,.0f} words/s")
    print(f"  trained   {trained / seconds['train']:>12,.0f} words/s, {trained:,} words in {seconds['train']:.1f} s")


def _show_query(code: str) -> None:
    """Print a command to paste into a shell, and run it where DuckDB is installed."""
    executable = Path(sys.executable)
    local = executable.is_relative_to(Path.cwd())
    python = shlex.quote(str(executable.relative_to(Path.cwd()) if local else executable))
    quoted = re.sub(r'([\\$`"])', r"\\\1", code)  # between double quotes, which leaves SQL's own quotes readable
    print(f'\nThe same in SQL, with DuckDB:\n\n  {python} -c "{quoted}"\n', flush=True)
    if importlib.util.find_spec("duckdb") is None:
        print(f"DuckDB is not installed here; to try it: {python} -m pip install duckdb")
    else:
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONIOENCODING": "utf-8"}, check=False)
