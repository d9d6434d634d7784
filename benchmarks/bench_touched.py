"""Which part of the rows the shards of a round touch: one of them, and all of them together.

What one touches is what it reads and writes where it exchanges no other rows; what none touches is what a merge need
not write. Counted by drawing ahead what training draws, for the plan of rounds that the main job would make.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import add_data_argument, data_files, print_table, write_result
from benchmarks.corpus import Corpus, read_corpus, synthetic_corpus
from w2v_spark.config import Config
from w2v_spark.kernels.arguments import Sentences
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.touched import mark_rows
from w2v_spark.models.tables import SamplingTables
from w2v_spark.training.noise_pool import pool_size
from w2v_spark.training.plan import Plan
from w2v_spark.training.trainer import build_model

MEANING = {
    "shard": "rows of the input and of the output matrix that a shard touches in a round, as a part of all, on average",
    "round": "the same of all shards of a round together",
    "tokens": "of a shard's slice",
}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Count, and write ``results/touched.json``."""
    options = _parse(argv)
    rows = []
    for corpus in (
        read_corpus(data_files(options.data), options.tokens, Config()),
        synthetic_corpus(options.vocabulary),
    ):
        rows += [count(corpus, shards, options.epochs) for shards in options.shards]
    print_table(
        ("V", "words", "shards", "rounds", "words of a slice", "shard: in, out", "round: in, out"),
        [
            (
                *(f"{row[name]:,}" for name in ("vocabulary", "words", "shards", "rounds", "tokens")),
                *(", ".join(f"{100 * part:.0f} %" for part in row[of]) for of in ("shard", "round")),
            )
            for row in rows
        ],
    )  # fmt: skip
    write_result("touched", {"meaning": MEANING, "corpus": options.data.name, "epochs": options.epochs, "rows": rows})
    return 0


def count(corpus: Corpus, shards: int, epochs: int) -> Row:
    """For the round in the middle of a run."""
    size, seed = len(corpus.vocabulary), 1
    config = Config.from_dict({"train": {"epochs": epochs, "shards": shards, "seed": seed}})
    plan = Plan.build(config, shards, len(corpus), size)
    tables = SamplingTables.build(corpus.vocabulary.counts, config.model, plan.sample)
    cuts = np.searchsorted(corpus.offsets, [len(corpus) * p // shards for p in range(shards + 1)])
    cuts[-1] = corpus.sentences
    none = np.zeros(1, np.int64), np.zeros(0, np.int32)
    together, alone, tokens = np.zeros((2, size), np.uint8), np.zeros((shards, 2)), 0
    for p in range(shards):
        offsets = corpus.offsets[cuts[p] : cuts[p + 1] + 1]
        marks = np.zeros((2, size), np.uint8)
        slices = plan.slices(plan.rounds // 2, int(offsets[-1] - offsets[0]))
        pool = pool_size(config, size, sum(part.tokens for part in slices), shards)
        model = build_model(config.model, tables, False, False, pool=pool)
        for part in slices:
            tokens += part.tokens
            first, last = np.searchsorted(offsets[:-1] - offsets[0], [part.start, part.stop])
            sentences = Sentences(corpus.ids, offsets[first : last + 1], -int(offsets[0]))
            mark_rows(sentences, np.uint64(stream_key(seed, part.epoch, p)), model, tables, *none, *marks)
        alone[p] = marks.mean(axis=1)
        together |= marks
    return {
        "vocabulary": size, "words": len(corpus), "shards": shards, "rounds": plan.rounds, "tokens": tokens // shards,
        "shard": alone.mean(axis=0).tolist(), "round": together.mean(axis=1).tolist(),
    }  # fmt: skip


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--tokens", type=int, default=17_000_000, metavar="N", help="words of the text to read")
    parser.add_argument("--vocabulary", type=int, default=1_000_000, metavar="V", help="of the made-up text")
    parser.add_argument(
        "--shards", type=int, nargs="+", default=[2, 16, 32, 64], metavar="P", help="default: 2 16 32 64"
    )
    parser.add_argument("--epochs", type=int, default=5, help="default: %(default)s")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
