"""Infer documents that were trained, by epochs of training and by the exact optimum, which is convex for PV-DBOW.

With the output matrix frozen the loss of a document's vector x is that of a logistic regression: over its words w, each
n_w times, of o_w against noise, here against one sample of noise words for all documents, and with a ridge that keeps
short documents finite. Newton's method finds its minimum in a few steps, the same each time and without any epochs.
What is wanted is the vector that training gives, so a method is judged by the cosine with that and by how often the
own trained vector is the nearest of all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from benchmarks.common import print_table, write_result
from benchmarks.document_models import Settings, read_documents, train_ours
from benchmarks.labelled import LABELLED, Tokens, read_labelled, separate, write_tokens
from w2v_spark.config import TextConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.inference.document_inference import DocumentInference, OpenModel, open_model
from w2v_spark.inference.encoding import encode_documents
from w2v_spark.models.alias import noise_probabilities
from w2v_spark.text.analyzer import build_analyzer

Numbers = npt.NDArray[np.float64]

EPOCHS: Final = (5, 10, 20, 50, 100)
NOISE: Final = (500, 2000)
RIDGES: Final = (1.0, 4.0, 16.0)
STEPS: Final = 10
LONGEST_STEP: Final = 5.0


class Exact:
    """The optimum by Newton's method, in float64.

    Parameters
    ----------
    noise : int
        How many noise words stand for all.
    ridge : float
        The weight of ``|x|^2 / 2``.
    """

    def __init__(self, opened: OpenModel, noise: int, ridge: float) -> None:
        self._outputs = np.asarray(opened.weights[1][0 : len(opened.words)], np.float64)
        self._table = WordTable.from_words(opened.words)
        model = opened.description.config.model
        self._negatives, self._ridge = model.negatives, ridge
        chances = noise_probabilities(opened.counts, model.noise_exponent)
        drawn = np.random.default_rng(0).choice(len(chances), noise, p=chances)
        self._noise = self._outputs[drawn]

    def infer(self, documents: pa.Array) -> Numbers:
        """The vectors of documents, (n, D)."""
        encoded = encode_documents(documents, build_analyzer(TextConfig()), self._table, 10_000)
        ends = encoded.offsets[encoded.starts]
        return np.stack([self._solve(encoded.ids[a:b]) for a, b in pairwise(ends)])

    def _solve(self, ids: npt.NDArray[np.int32]) -> Numbers:
        words, counts = np.unique(ids, return_counts=True)
        rows = np.concatenate([self._outputs[words], self._noise])
        labels = np.repeat([1.0, 0.0], [len(words), len(self._noise)])
        noise = np.full(len(self._noise), len(ids) * self._negatives / len(self._noise))
        weights = np.concatenate([counts.astype(np.float64), noise])
        x = np.zeros(rows.shape[1])
        for _ in range(STEPS):
            chances = 1 / (1 + np.exp(-(rows @ x)))
            slope = rows.T @ (weights * (chances - labels)) + self._ridge * x
            curvature = (rows * (weights * chances * (1 - chances))[:, None]).T @ rows
            step = np.linalg.solve(curvature + self._ridge * np.eye(len(x)), slope)
            length = float(np.linalg.norm(step))
            x -= step * min(1.0, LONGEST_STEP / max(length, 1e-12))
            if length < 1e-3 * np.linalg.norm(x):
                break
        return x


def judge(method: str, infer: Callable[[], Any], trained: Numbers) -> dict[str, Any]:
    """A row of the results."""
    begin = time.perf_counter()
    inferred = _unit(infer())
    seconds = time.perf_counter() - begin
    nearest = (inferred @ trained.T).argmax(axis=1)
    return {
        "method": method,
        "cosine": float((inferred * trained).sum(axis=1).mean()),
        "nearest_is_own": float((nearest == np.arange(len(trained))).mean()),
        "documents_a_second": len(trained) / seconds,
    }


def _unit(vectors: Any) -> Numbers:
    wide = np.asarray(vectors, np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True))


def main(argv: Sequence[str] | None = None) -> int:
    """Train a model, infer its documents, write ``results/inference.json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, default=LABELLED / "bbc_news.tsv.zst", metavar="FILE",
        help="split, label, id and text, separated by tabs, compressed by zstd",
    )  # fmt: skip
    parser.add_argument("--master", default="local[2]", help="of Spark (default: local[2])")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name, threadpool_limits(limits=1):
        tokens, output = Path(name) / "tokens.parquet", Path(name) / "model"
        table = read_labelled(options.data)
        write_tokens(table["id"], separate(table["text"]), tokens)
        settings = Settings("pv_dbow_words", epochs=20, window=5, sample=1e-3)
        train_ours(tokens, output, settings.ours(), options.master)
        read = Tokens.read(tokens)
        documents = pa.array(list(read))
        trained, opened = _unit(read_documents(output / "documents", read.ids)), open_model(output)
        DocumentInference.load(output, epochs=1).infer(documents[:9])  # compiles
        rows = []
        for epochs in EPOCHS:
            model = DocumentInference.load(output, epochs=epochs)
            rows.append(judge(f"{epochs} epochs", partial(model.infer, documents), trained))
        for noise in NOISE:
            for ridge in RIDGES:
                exact = Exact(opened, noise, ridge)
                method = f"exact, {noise} noise words, ridge {ridge:g}"
                rows.append(judge(method, partial(exact.infer, documents), trained))
    header = ("method", "cosine", "own is nearest", "documents a second")
    print_table(header, [
        (row["method"], f"{row['cosine']:.3f}", f"{row['nearest_is_own']:.3f}", f"{row['documents_a_second']:.0f}")
        for row in rows
    ])  # fmt: skip
    write_result("inference", {"corpus": options.data.name, "documents": len(trained), "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
