"""How fast the Estimator's model is beside Spark MLlib's with the same vectors, on paragraphs of a corpus.

Both models are made from the same random vectors for the most frequent words, so nothing is trained. ``transform`` is
timed to Spark's ``noop`` sink, on documents that lie in Parquet files as lists of words.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.feature import Word2VecModel as MLlibModel
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.common import (
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    timed,
    write_result,
)
from w2v_spark.estimator import Word2VecModel
from w2v_spark.ml.model_store import FittedStore
from w2v_spark.ml.transform import arrow_function, dense_vectors, row_by_row
from w2v_spark.spark.session import get_session
from w2v_spark.storage import Directory
from w2v_spark.vectors.table import write_vectors

WORDS_A_DOCUMENT = 64  # a paragraph
QUERIES = ("king", "paris", "water", "music", "green", "seven", "history")
SYNONYMS = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Time both models, write ``results/estimator.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        documents, counts = write_documents(options.data, work / "documents", options.documents)
        words = [word for word, _ in counts.most_common(options.vocabulary)]
        matrix = np.random.default_rng(1).standard_normal((len(words), options.dim), dtype=np.float32)
        spark = get_session(master=f"local[{options.cores}]", config={"spark.w2v.directory": str(work)})
        spark.sparkContext.setLogLevel("ERROR")
        mllib, ours = mllib_model(work / "mllib", words, matrix), our_model(work / "ours", words, matrix)
        frame = spark.read.parquet(str(work / "documents"))
        check_same(mllib, ours, frame)
        seconds = {
            **measure_transform(mllib, ours, frame, options.dim, options.repeats),
            **measure_synonyms(spark, mllib, ours, options.queries),
        }
        spark.stop()
    rows = [(key, f"{value['mllib']:.4f}", f"{value['ours']:.4f}", f"{ratio(value):.1f}")
            for key, value in seconds.items()]  # fmt: skip
    print_table(("median seconds", "MLlib", "ours", "ratio"), rows)
    transform = seconds["transform"]
    print(
        f"of transform, reading the documents: {transform['reading']:.4f}, and to Python: {transform['crossing']:.4f}"
    )
    targets = [
        Target(
            "transform, times what it takes to bring words to Python",
            transform["ours"] / transform["crossing"],
            1.6,
            at_least=False,
        ),
        Target("findSynonymsArray, times as fast as MLlib", ratio(seconds["findSynonymsArray"]), 10),
    ]
    passed = report_targets(targets)
    result = {
        "vocabulary": len(words), "dim": options.dim, "documents": documents,
        "words_a_document": WORDS_A_DOCUMENT, "cores": options.cores, "seconds": seconds,
        "ratios": {key: ratio(value) for key, value in seconds.items()},
    }  # fmt: skip
    write_result("estimator", result, targets)
    return 0 if passed else 1


def ratio(seconds: dict[str, Any]) -> float:
    return float(seconds["mllib"] / seconds["ours"])


def write_documents(data: Path, directory: Path, limit: int) -> tuple[int, Counter[str]]:
    """Cut the corpus into documents of so many words, written as lists of words; how many, and the words' counts."""
    directory.mkdir()
    counts: Counter[str] = Counter()
    total = 0
    for file in data_files(data):
        documents: list[list[str]] = []
        for text in pq.read_table(file, columns=["text"])["text"].to_pylist():
            words = text.lower().split()
            counts.update(words)
            documents += [words[i : i + WORDS_A_DOCUMENT] for i in range(0, len(words), WORDS_A_DOCUMENT)]
        documents = documents[: limit - total]
        total += len(documents)
        table = pa.table({"words": pa.array(documents, pa.list_(pa.string()))})
        pq.write_table(table, directory / f"{file.stem}.parquet", row_group_size=20_000)
        if total == limit:
            break
    return total, counts


def mllib_model(path: Path, words: Sequence[str], matrix: Any) -> Any:
    """MLlib's model with given vectors, by way of the files that it saves."""
    (path / "data").mkdir(parents=True)
    (path / "metadata").mkdir()
    metadata = {
        "class": "org.apache.spark.ml.feature.Word2VecModel", "timestamp": 0, "sparkVersion": "4.0.0", "uid": "w2v",
        "paramMap": {"inputCol": "words", "outputCol": "vector", "vectorSize": matrix.shape[1]}, "defaultParamMap": {},
    }  # fmt: skip
    (path / "metadata" / "part-00000").write_text(json.dumps(metadata) + "\n")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
    table = pa.table({"word": pa.array(words), "vector": vectors.cast(pa.list_(pa.float32()))})
    pq.write_table(table, path / "data" / "part-00000.parquet")
    return MLlibModel.load(str(path))


def our_model(path: Path, words: Sequence[str], matrix: Any) -> Word2VecModel:
    """Ours with the same."""
    directory = Directory.open(path).create()
    counts = np.arange(len(words), 0, -1)
    write_vectors(directory.filesystem, directory.file("vectors"), pa.array(words), counts, iter([matrix]), {})
    directory.write_bytes("_SUCCESS", b"")
    model = Word2VecModel(FittedStore(directory))
    return model.setInputCol("words").setOutputCol("vector").setUnknownWords("zero")  # as MLlib has it


def check_same(mllib: Any, ours: Word2VecModel, frame: DataFrame) -> None:
    """Ends the program unless both say the same of a few documents and words."""
    few = frame.limit(100)
    pairs = zip(mllib.transform(few).collect(), ours.transform(few).collect(), strict=True)
    worst = max(float(np.abs(one.vector.toArray() - other.vector.toArray()).max()) for one, other in pairs)
    found = [[word for word, _ in model.findSynonymsArray(QUERIES[0], SYNONYMS)] for model in (mllib, ours)]
    if worst > 1e-5 or found[0] != found[1]:
        sys.exit(f"the two models differ: {worst}, {found}")


def zeros_udf(dim: int) -> Any:
    """A function of a column that gives a vector of zeros for each of its values."""

    def of_documents(documents: pa.Array) -> pa.Array:
        return dense_vectors([np.zeros((len(documents), dim), np.float32)], [np.zeros(len(documents), bool)])

    return arrow_function()(of_documents, VectorUDT())


def measure_transform(
    mllib: Any, ours: Word2VecModel, frame: DataFrame, dim: int, repeats: int
) -> dict[str, dict[str, Any]]:
    """Seconds of ``transform`` over all documents, by turns, and of what cannot be done without.

    ``reading`` is part of both. ``crossing`` is reading, and handing all words to Python, which gives vectors of zeros
    back without a look at them.
    """

    def run(result: DataFrame) -> None:
        result.write.format("noop").mode("overwrite").save()

    kinds = {
        "mllib": mllib.transform(frame),
        "ours": ours.transform(frame),
        "reading": frame,
        "crossing": row_by_row(frame, F.col("words")).select("*", zeros_udf(dim)("words").alias("vector")),
    }
    return {"transform": by_turns({name: partial(run, result) for name, result in kinds.items()}, repeats)}


def measure_synonyms(spark: SparkSession, mllib: Any, ours: Any, queries: int) -> dict[str, dict[str, Any]]:
    """Seconds of a query: as a list, and as a DataFrame that is collected, which adds a Spark query of its own."""
    words = [QUERIES[i % len(QUERIES)] for i in range(queries)]
    kinds: dict[str, Callable[[Any, str], Any]] = {
        "findSynonymsArray": lambda model, word: model.findSynonymsArray(word, SYNONYMS),
        "findSynonyms": lambda model, word: model.findSynonyms(word, SYNONYMS).collect(),
    }
    result = {}
    for name, query in kinds.items():
        each: dict[str, list[float]] = {"mllib": [], "ours": []}
        for number, word in enumerate(words * 2):  # the first half warms up
            for which, model in (("mllib", mllib), ("ours", ours)):
                with timed() as timing:
                    query(model, word)
                if number >= len(words):
                    each[which].append(timing.seconds)
        result[name] = {key: statistics.median(values) for key, values in each.items()}
    return result


def by_turns(kinds: dict[str, Callable[[], None]], repeats: int) -> dict[str, Any]:
    """Median seconds of each, after a first run that does not count; the runs take turns."""
    runs: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(repeats + 1):
        for name, call in kinds.items():
            with timed() as timing:
                call()
            if number:
                runs[name].append(timing.seconds)
                print(f"{name}: {timing.seconds:.2f} s", flush=True)
    return {**{name: statistics.median(values) for name, values in runs.items()}, "runs": runs}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--vocabulary", type=int, default=150_000, metavar="V")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--queries", type=int, default=21)
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
