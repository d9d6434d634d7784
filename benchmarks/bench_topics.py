"""What topics of a million documents cost: time by step, and memory of all processes together.

Made-up documents around made-up topics, so that it can be told how many of them are found again. The job as a whole
process: ``w2v-spark topics`` with its defaults.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from benchmarks.apart import check_room, work_directory
from benchmarks.common import Target, print_table, report_targets, spark_environment, write_result
from benchmarks.memory import run_measured, stop_on_failure
from w2v_spark.topics.tables import leaf_rows
from w2v_spark.vectors.table import write_vectors

FILES: Final = 16
VOCABULARY: Final = 50_000
SPREAD: Final = 0.1  # of each number of a document around its topic's vector, which has length 1
GIBIBYTE: Final = 1 << 10  # in MiB
_TIME_LIMIT: Final = 3 * 3600.0

MEANING = {
    "seconds": "wall time of each step by topics.json, and `job`, from the start of Python to its exit",
    "found": "planted topics that are the nearest to some topic that was found, by vectors, at a cosine of 0.9 or more",
    "agreement": "normalised mutual information of the planted topics of all documents and those that they were given",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write ``results/topics_million.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    check_room(options.output, 3 * 4 * options.documents * options.dim, "the documents need")
    with work_directory(options.output, _TIME_LIMIT) as work:
        planted, centres = write_documents(work / "model", options.documents, options.dim, options.topics)
        command = [sys.executable, "-m", "w2v_spark", "topics", "--model", str(work / "model")]
        run = run_measured(
            [*command, "--output", str(work / "out")], spark_environment(f"local[{options.cores}]"), work
        )
        stop_on_failure("the job", run)
        described = json.loads((work / "out" / "topics.json").read_text())
        vectors = np.array(leaf_rows(pq.read_table(work / "out" / "topics"))["vector"].to_pylist(), np.float32)
        given = pq.read_table(work / "out" / "document_topics", columns=["topic"])["topic"].to_numpy()
    cosines = vectors @ centres.T
    found = len(set(cosines.argmax(axis=1)[cosines.max(axis=1) >= 0.9].tolist()))
    seconds = {**described["timings"], "job": round(run.seconds, 1)}
    memory = run.peaks.mebibytes()
    agreement = mutual_information(planted, given)
    print_table(("step", "seconds"), [(name, f"{value:,.1f}") for name, value in seconds.items()])
    print_table(("memory", "peak MiB"), [(role, f"{size:,}") for role, size in memory.items()])
    print(f"{found} of {options.topics} planted topics found, as {len(vectors)}; agreement {agreement:.4f}")
    targets = [Target("peak memory, GiB", memory["total"] / GIBIBYTE, 6, at_least=False)]
    passed = report_targets(targets)
    result = {
        "meaning": MEANING, "documents": options.documents, "dim": options.dim, "planted": options.topics,
        "cores": options.cores, "sample": described["sample"], "topics": len(vectors), "found": found,
        "agreement": agreement, "seconds": seconds, "peak_mebibytes": memory,
    }  # fmt: skip
    write_result("topics_million", result, targets)
    return 0 if passed else 1


def write_documents(
    directory: Path, documents: int, dim: int, topics: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """A model with so many documents; the planted topic of each, and the vectors of the topics."""
    random = np.random.default_rng(1)
    centres = random.standard_normal((topics, dim), np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    shares = np.arange(1, topics + 1) ** -0.7
    planted = random.choice(topics, documents, p=shares / shares.sum())
    words = centres[random.integers(0, topics, VOCABULARY)]
    words = words + 0.08 * random.standard_normal(words.shape, np.float32)
    names, counts = pa.array([f"word{row}" for row in range(VOCABULARY)]), np.arange(VOCABULARY, 0, -1)
    write_vectors(fs.LocalFileSystem(), str(directory / "vectors"), names, counts, [words.astype(np.float32)], {})
    (directory / "documents").mkdir()
    edges = np.linspace(0, documents, FILES + 1).astype(int).tolist()
    for number, (start, stop) in enumerate(itertools.pairwise(edges)):
        rows = centres[planted[start:stop]] + SPREAD * random.standard_normal((stop - start, dim), np.float32)
        offsets = pa.array(np.arange(stop - start + 1, dtype=np.int32) * np.int32(dim))
        table = pa.table(
            {
                "id": pa.array(np.arange(start, stop)),
                "tokens": pa.array(np.full(stop - start, 100)),
                "vector": pa.ListArray.from_arrays(offsets, pa.array(rows.astype(np.float32).reshape(-1))),
            }
        )
        pq.write_table(table, directory / "documents" / f"part-{number:05d}.parquet", compression="none")
    (directory / "_SUCCESS").touch()
    return planted, centres


def mutual_information(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """Normalised by the mean of the entropies, 0..1."""

    def entropy(counts: npt.NDArray[np.int64]) -> float:
        shares = counts / counts.sum()
        return float(-(shares * np.log(shares)).sum())

    _, ones, of_one = np.unique(one, return_inverse=True, return_counts=True)
    _, others, of_other = np.unique(other, return_inverse=True, return_counts=True)
    of_both = np.unique(ones * len(of_other) + others, return_counts=True)[1]
    alone = entropy(of_one) + entropy(of_other)
    return (alone - entropy(of_both)) / max(alone / 2, 1e-12)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--topics", type=int, default=300, metavar="T", help="that are planted")
    parser.add_argument("--cores", type=int, default=2, metavar="N")
    parser.add_argument("--output", type=Path, default=Path("/tmp"), metavar="DIR", help="for temporary files")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
