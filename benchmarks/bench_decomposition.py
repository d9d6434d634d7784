"""Vectors of PPMI-SVD beside an exact decomposition of the same counts, by hyperhyper or by scipy's svds alone.

The reference counts, weighs and decomposes by itself, from the same words in the same sentences.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import svds

from benchmarks.bench_counts import CORES, MODELS, SETTINGS, write_head
from benchmarks.common import (
    ROOT,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    write_result,
)
from benchmarks.corpus import Corpus, read_corpus
from benchmarks.memory import run_measured, stop_on_failure
from w2v_spark.config import Config
from w2v_spark.models.subsample import keep_probabilities
from w2v_spark.vectors.keyed_vectors import KeyedVectors

NEAREST: Final = 10
LEAST_SHARED: Final = 0.96
CHOICES: Final = ((1_000_000, 100), (1_000_000, 300))

Numbers = npt.NDArray[np.float64]


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, print, write ``results/decomposition.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    rows = []
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as work:
        for words, dim in CHOICES:
            rows.append(compare(data_files(options.data), words, dim, Path(work)))
            print(rows[-1], flush=True)
    print_table(tuple(rows[0]), [[str(value) for value in row.values()] for row in rows])
    targets = [
        Target(
            f"{row['words']:,} words, D = {row['dim']}: of the ten nearest, those of {row['reference']}",
            share,
            LEAST_SHARED,
        )
        for row in rows
        if (share := row["shared_neighbours"]) is not None
    ]
    passed = report_targets(targets)
    write_result("decomposition", {"corpus": options.data.name, "settings": SETTINGS, "rows": rows}, targets)
    return 0 if passed else 1


def compare(files: Sequence[Path], words: int, dim: int, work: Path) -> dict[str, Any]:
    """Run the main job and decompose the same counts exactly."""
    settings = [*SETTINGS, *MODELS["ppmi_svd"], f"model.dim={dim}"]
    source, output = work / "text.parquet", work / "model"
    write_head(files, words, source)
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", str(source), "--output", str(output)]
    command += ["--overwrite", "--quiet", *setting_arguments(settings)]
    stop_on_failure("the main job", run_measured(command, spark_environment(f"local[{CORES}]"), work))
    config = Config.load(None, settings)
    corpus = read_corpus([source], 2 * words, config)
    ours = KeyedVectors.load(output)
    order = [ours.key_to_index[word] for word in corpus.vocabulary.words.to_pylist()]
    weights = associations(count(corpus, config), config)
    name, (left, values) = decompose(weights, dim)
    exact = unit(left * np.sqrt(values))
    found = unit(np.asarray(ours.vectors, np.float64)[order])
    steps = json.loads((output / "history.json").read_text())["steps"]
    return {
        "words": words, "dim": dim, "vocabulary_size": len(order), "reference": name, "steps": len(steps),
        "shared_neighbours": shared(found, exact), "largest_difference_of_singular_values": difference(ours, values),
    }  # fmt: skip


def count(corpus: Corpus, config: Config) -> Any:
    """Neighbours of words as hyperhyper counts them, what subsampling keeps of them on average; (V, V) sparse."""
    kept = keep_probabilities(corpus.vocabulary.counts, config.train.sample)
    sentence = np.repeat(np.arange(corpus.sentences), np.diff(corpus.offsets))
    shape, window = (len(kept), len(kept)), int(config.model.window)
    total = sparse.csr_matrix(shape)
    for distance in range(1, window + 1):
        near = sentence[distance:] == sentence[:-distance]
        first, second = corpus.ids[:-distance][near], corpus.ids[distance:][near]
        share = kept[first] * kept[second] * (window + 1 - distance) / window
        total = total + sparse.coo_matrix((share, (first, second)), shape).tocsr()
    return total + total.T


def associations(counts: Any, config: Config) -> Any:
    """Positive pointwise mutual information with smoothed contexts: by hyperhyper, or by the same formula."""
    if importlib.util.find_spec("hyperhyper"):
        pmi = importlib.import_module("hyperhyper.pmi")
        ratios = pmi.calc_pmi(counts.tocsr(), config.counts.smoothing)
        return pmi.PPMIEmbedding(ratios, normalize=False, neg=config.counts.shift).m
    words, contexts = (np.asarray(counts.sum(axis=axis)).ravel() for axis in (1, 0))
    contexts = contexts**config.counts.smoothing
    entries = counts.tocoo()
    ratio = entries.data * contexts.sum() / (words[entries.row] * contexts[entries.col])
    values = np.maximum(np.log(ratio) - np.log(config.counts.shift), 0.0)
    result = sparse.coo_matrix((values, (entries.row, entries.col)), counts.shape).tocsr()
    result.eliminate_zeros()
    return result


def decompose(weights: Any, dim: int) -> tuple[str, tuple[Numbers, Numbers]]:
    """Left singular vectors and singular values, the largest first, and whose they are."""
    weights = weights.astype(np.float64)
    if importlib.util.find_spec("hyperhyper"):
        svd = importlib.import_module("hyperhyper.svd")
        left, values, _ = svd.calc_svd(SimpleNamespace(m=weights), dim, "scipy", {"random_state": 1})
        return "hyperhyper with scipy's svds", (left, values)
    left, values, _ = svds(weights, k=dim, random_state=1)
    return "scipy's svds", (left[:, ::-1], values[::-1])


def difference(ours: KeyedVectors, values: Numbers) -> float:
    """The largest difference of a singular value from that of the reference, in parts of it."""
    found = (np.asarray(ours.vectors, np.float64) ** 2).sum(axis=0)  # the columns are those of U S^(1/2)
    return float(np.abs(np.sort(found)[::-1] / values - 1).max())


def unit(rows: Numbers) -> Numbers:
    """Rows brought to length 1."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    result: Numbers = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return result


def shared(first: Numbers, second: Numbers) -> float:
    """Of the ten nearest of each word by one table, the share that are so by the other."""
    same = 0
    for start in range(0, len(first), 1000):
        nearest = []
        for table in (first, second):
            cosines = table[start : start + 1000] @ table.T
            cosines[np.arange(len(cosines)), start + np.arange(len(cosines))] = -2.0
            nearest.append(np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST])
        same += sum(len(np.intersect1d(*pair)) for pair in zip(*nearest, strict=True))
    return same / (NEAREST * len(first))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
