"""Find the first half of an article by its second: the first ones are trained on, the second ones inferred.

Both programs get the words that this project's tokenizer finds, from the same files, in one random order, and the model
with words (`pv_dbow`). An article's second half is compared with all first halves by cosine. gensim trains with two
workers and infers on one core; it infers from the first 10,000 words of a half (`longer_than_gensim_reads` counts those
that have more).
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.common import Target, add_data_argument, data_files, print_table, report_targets, write_result
from benchmarks.document_models import LONGEST, Matrix, Settings, infer_ours, read_documents, run_gensim, train_ours
from benchmarks.labelled import Tokens, analyze, write_tokens

WORKERS: Final = 2
SETTINGS: Final = Settings("pv_dbow_words", epochs=10, window=5, sample=1e-4, min_count=5)
FEWEST: Final = 2  # words of an article, one a half
_ROWS = 512  # of second halves, compared with all first ones at a time

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Halves:
    """Files of tokens that both programs read, and the names of the articles in the order of both."""

    first: Path
    second: Path
    ids: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, infer, retrieve, write ``results/half_retrieval.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name).absolute()
        halves = write_halves(read_articles(data_files(options.data), options.documents), work)
        rows = {}
        if not options.skip_gensim:
            rows["gensim"] = run_theirs(halves, options.kept or work, options.infer_epochs)
        if not options.skip_ours:
            rows["w2v-spark"] = run_ours(halves, work, options)
        lengths = np.diff(Tokens.read(halves.second).offsets)
    _print(rows)
    targets = judge(rows)
    passed = report_targets(targets)
    result = {
        "corpus": options.data.name,
        "documents": len(halves.ids),
        "words_of_second_halves": int(lengths.sum()),
        "longer_than_gensim_reads": int((lengths > LONGEST).sum()),
        "settings": SETTINGS.ours(),
        "programs": rows,
    }
    write_result("half_retrieval", result, targets)
    return 0 if passed else 1


def read_articles(files: Sequence[Path], documents: int | None) -> pa.Table:
    """``id`` as string and ``words`` of articles of two words at least, the first ones where a number is given."""
    table = pa.concat_tables(pq.read_table(file, columns=["id", "text"]) for file in files)
    table = table.slice(0, documents).drop_null()
    words = analyze(table["text"])
    articles = pa.table({"id": table["id"].cast(pa.string()), "words": words})
    return articles.filter(pc.greater_equal(pc.list_value_length(words), FEWEST))


def write_halves(articles: pa.Table, work: Path) -> Halves:
    """Write the first halves of articles, by words, and the second ones; both in the same random order."""
    words = articles["words"].combine_chunks()
    offsets = words.offsets.to_numpy()
    middles = offsets[:-1] + np.diff(offsets) // 2
    paths = work / "first.parquet", work / "second.parquet"
    for path, starts, ends in zip(paths, (offsets[:-1], middles), (middles, offsets[1:]), strict=True):
        rows = [words.values[start:end] for start, end in zip(starts, ends, strict=True)]
        bounds = pa.array(np.append(0, np.cumsum(ends - starts)))
        write_tokens(articles["id"], pa.LargeListArray.from_arrays(bounds, pa.concat_arrays(rows)), path)
    return Halves(*paths, pq.read_table(paths[0], columns=["id"])["id"].to_pylist())


def run_ours(halves: Halves, work: Path, options: argparse.Namespace) -> Row:
    """Train and infer with the command line."""
    model, inferred = work / "model", work / "inferred"
    train, described = train_ours(halves.first, model, [*SETTINGS.ours(), *options.set], options.master)
    infer = infer_ours(model, halves.second, inferred, options.master, options.infer_epochs)
    vectors = [read_documents(directory / "documents", halves.ids, may_lack=True) for directory in (model, inferred)]
    return {
        **retrieve(*vectors),
        "train_seconds": train.seconds,
        "infer_seconds": infer.seconds,
        "infer_epochs": options.infer_epochs,
        "without_vector": [int((~matrix.any(axis=1)).sum()) for matrix in vectors],
        "vocabulary_size": described["corpus"]["vocabulary_size"],
        "plan": described["plan"],
    }


def run_theirs(halves: Halves, kept: Path, infer_epochs: int) -> Row:
    """Train and infer with gensim, or take what an earlier run with the same settings and articles has kept."""
    arguments, asked = SETTINGS.gensim(WORKERS), {"articles": len(halves.ids), "infer_epochs": infer_epochs}
    first, second = kept / "gensim-first.npy", kept / "gensim-second.npy"
    report, finished = kept / "gensim-report.json", kept / "gensim-halves.json"
    earlier = finished.is_file()
    if not earlier:
        more = [
            "--infer-epochs",
            str(infer_epochs),
            "--vectors",
            str(first),
            "--infer",
            str(halves.second),
            "--inferred",
            str(second),
        ]
        _, content = run_gensim(halves.first, report, arguments, more)
        finished.write_text(json.dumps({**asked, **content}, indent=2) + "\n")
    content = json.loads(finished.read_text())
    if any(content[name] != value for name, value in {**asked, "settings": arguments}.items()):
        sys.exit(f"{finished} is of other settings or articles; name another directory with --kept")
    kept_from = datetime.datetime.fromtimestamp(finished.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")
    return {
        **retrieve(np.load(first), np.load(second)),
        "train_seconds": content["scan_seconds"] + content["train_seconds"],
        "infer_seconds": content["infer"]["seconds"],
        "infer_epochs": content["infer"]["epochs"],
        "vocabulary_size": content["vocabulary_size"],
        "program": content["program"],
        "settings": arguments,
        "kept_from": kept_from if earlier else None,
    }


def retrieve(first: Matrix, second: Matrix) -> dict[str, float]:
    """How well each row of one matrix finds the same row of another by cosine among all.

    Parameters
    ----------
    first : (N, D) float32
        What is searched in.
    second : (N, D) float32
        What is searched for. A row of zeros finds nothing.

    Returns
    -------
    dict
        ``p_at_1`` in percent; ``mrr``, the mean of one over the rank, 0..1; ``median_rank``. Others that are as near as
        the own one stand before it.
    """
    one, other = (
        matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-30) for matrix in (first, second)
    )
    ranks = np.empty(len(other), np.int64)
    for start in range(0, len(other), _ROWS):
        cosines = other[start : start + _ROWS] @ one.T
        rows = np.arange(len(cosines))
        ranks[start + rows] = (cosines >= cosines[rows, start + rows, None]).sum(axis=1)
    return {
        "p_at_1": 100 * float(np.mean(ranks == 1)),
        "mrr": float(np.mean(1 / ranks)),
        "median_rank": float(np.median(ranks)),
    }


def judge(rows: dict[str, Row]) -> list[Target]:
    """At least as good as gensim."""
    if len(rows) < 2:
        return []
    ours, gensim = rows["w2v-spark"], rows["gensim"]
    return [
        Target("P@1, %", ours["p_at_1"], gensim["p_at_1"]),
        Target("mean reciprocal rank", ours["mrr"], gensim["mrr"]),
    ]


def _print(rows: dict[str, Row]) -> None:
    print_table(
        ("program", "P@1, %", "MRR", "median rank", "training, s", "inference, s"),
        [
            (name, f"{row['p_at_1']:.2f}", f"{row['mrr']:.4f}", f"{row['median_rank']:.0f}",
             f"{row['train_seconds']:.1f}", f"{row['infer_seconds']:.1f}")
            for name, row in rows.items()
        ],
    )  # fmt: skip


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--documents", type=int, metavar="N", help="the first so many articles (default: all)")
    parser.add_argument("--skip-gensim", action="store_true", help="run ours alone")
    parser.add_argument("--skip-ours", action="store_true", help="run gensim alone, to keep what it finds")
    parser.add_argument("--infer-epochs", type=int, default=50, metavar="N", help="of both (default: %(default)s)")
    parser.add_argument(
        "--kept",
        type=Path,
        metavar="DIR",
        help="keeps what gensim finds there, and takes it from there (default: none)",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where temporary files go: 2 GB")
    parser.add_argument("--master", default="local[2]", help="of Spark (default: %(default)s)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key of ours"
    )
    options = parser.parse_args(argv)
    if options.kept is not None:
        options.kept = options.kept.absolute()
        options.kept.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    sys.exit(main())
