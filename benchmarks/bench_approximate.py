"""Whether an approximate index finds the neighbours of all words sooner than the exact search, and how many of them.

Needs ``pip install hnswlib faiss-cpu``, which the project itself does not. Two threads for everything, on the vectors
of a training run. Queries are a random part of the words; their time is scaled up to all words.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import print_table, timed, write_result
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import open_vectors
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.tiled import QUERY_ROWS, find_neighbours, normalise

TOPN = 10
THREADS = 2
Search = Callable[[], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One way to search: seconds to build and to query with all words, and the part of the exact neighbours found."""

    name: str
    build: float
    query: float
    recall: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure them all, write ``results/approximate.json``."""
    options = _parse(argv)
    unit = normalise(open_vectors(options.vectors).stack)
    sample = np.random.default_rng(1).choice(len(unit), min(options.sample, len(unit)), replace=False)
    queries: Ids = np.sort(sample).astype(np.int32)
    exact = search_exactly(unit, queries)  # compiles as well
    rows = []
    for name, build, search in ways(unit, queries):
        seconds, found = [], exact
        for _ in range(options.repeats):
            with timed() as timing:
                found = search()
            seconds.append(timing.seconds)
        query = statistics.median(seconds) * len(unit) / len(queries)
        rows.append(Row(name, build, query, recall(found, exact, queries)))
        print(rows[-1], flush=True)
    print_table(
        ("", "build, s", "query, s", "together, s", f"recall@{TOPN}"),
        [(r.name, f"{r.build:.0f}", f"{r.query:.0f}", f"{r.build + r.query:.0f}", f"{r.recall:.3f}") for r in rows],
    )
    packages = {name: importlib.metadata.version(name) for name in ("hnswlib", "faiss-cpu")}
    result = {
        "vocabulary": len(unit), "dim": unit.shape[1], "topn": TOPN, "threads": THREADS, "sample": len(queries),
        "packages": packages, "rows": [asdict(row) for row in rows],
    }  # fmt: skip
    write_result("approximate", result)
    return 0


def ways(unit: Matrix, queries: Ids) -> Iterator[tuple[str, float, Search]]:
    """Name, seconds to build, and a search with the settings that the name tells."""
    yield "exact", 0.0, lambda: search_exactly(unit, queries)
    faiss, hnswlib = importlib.import_module("faiss"), importlib.import_module("hnswlib")
    faiss.omp_set_num_threads(THREADS)
    lists = 1024
    with timed() as timing:
        inverted = faiss.IndexIVFFlat(faiss.IndexFlatIP(unit.shape[1]), unit.shape[1], lists,
                                      faiss.METRIC_INNER_PRODUCT)  # fmt: skip
        inverted.train(unit[::2].copy())
        inverted.add(unit)
    for probes in (16, 64, 128):
        inverted.nprobe = probes
        yield f"faiss IVF, {lists} lists, {probes} probed", timing.seconds, lambda: _inverted(inverted, unit[queries])
    with timed() as timing:
        graph = hnswlib.Index("ip", unit.shape[1])
        graph.init_index(len(unit), M=16, ef_construction=200)
        graph.add_items(unit, num_threads=THREADS)
    for width in (100, 400):
        graph.set_ef(width)
        yield f"hnswlib, M = 16, ef = {width}", timing.seconds, lambda: _graph(graph, unit[queries])


def _inverted(index: Any, rows: Matrix) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = index.search(rows, TOPN + 1)[1]
    return found


def _graph(index: Any, rows: Matrix) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = index.knn_query(rows, k=TOPN + 1, num_threads=THREADS)[0]
    return found


def search_exactly(unit: Matrix, queries: Ids) -> npt.NDArray[Any]:
    """What the job does, without Spark: ids, (Q, topn)."""
    parts = [queries[start : start + QUERY_ROWS] for start in range(0, len(queries), QUERY_ROWS)]
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda part: next(find_neighbours(unit, part, TOPN)).ids, parts)
        return np.concatenate(list(found))


def recall(found: npt.NDArray[Any], exact: npt.NDArray[Any], queries: Ids) -> float:
    """The part of the exact neighbours that was found; the word itself does not count."""
    hits = 0
    for row, truth, own in zip(found.tolist(), exact.tolist(), queries.tolist(), strict=True):
        hits += len(set([other for other in row if other != own][:TOPN]) & set(truth))
    return hits / exact.size


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vectors", required=True, metavar="DIR", help="output directory of a training run")
    parser.add_argument("--sample", type=int, default=4096, metavar="Q", help="words to query with (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
