"""Train gensim on a corpus with the settings of the main job, in a process of its own that reports its times.

The text that gensim reads has one sentence a line and is written with this project's tokenizer, so that both train on
the same words. Writing it is not timed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from benchmarks.common import timed
from w2v_spark.config import TextConfig
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.vectors.table import write_vectors

if TYPE_CHECKING:
    from gensim.models import Word2Vec

SPACE, NEWLINE = 32, 10


def write_sentences(files: Sequence[Path], path: Path) -> int:
    """Write the sentences of some Parquet files, one a line, and return how many words they have."""
    analyzer = build_analyzer(TextConfig())
    count = 0
    with path.open("wb") as out:
        for file in files:
            for batch in pq.ParquetFile(file).iter_batches(columns=["text"], batch_size=256):
                for words in analyzer.words(batch.column(0)):
                    separators = np.where(words.breaks > 0, NEWLINE, SPACE).astype(np.uint8)
                    text = np.insert(words.text[: words.offsets[-1]], words.offsets[:-1], separators)
                    out.write(text[1:].tobytes() if count == 0 else text.tobytes())
                    count += len(words)
        out.write(b"\n")
    return count


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and write the times and perhaps the vectors."""
    parser = argparse.ArgumentParser(description="Train gensim on a file of sentences.")
    parser.add_argument("--text", type=Path, required=True, help="one sentence a line, words separated by spaces")
    parser.add_argument("--settings", type=json.loads, required=True, help="keyword arguments of Word2Vec, as JSON")
    parser.add_argument("--epochs", type=int, default=1, help="passes to train (default: %(default)s)")
    parser.add_argument("--report", type=Path, required=True, help="JSON file for the times")
    parser.add_argument("--vectors", type=Path, help="directory for the vectors, as a Parquet table")
    options = parser.parse_args(argv)
    model, report = train(str(options.text), options.settings, options.epochs)
    options.report.write_text(json.dumps(report))
    if options.vectors is not None:
        _write_vectors(model, options.vectors)
    return 0


def train(text: str, settings: dict[str, Any], epochs: int) -> tuple[Word2Vec, dict[str, Any]]:
    """Scan the vocabulary, then train from the file (the fastest way gensim has), each timed."""
    from gensim.models import Word2Vec

    model = Word2Vec(sg=1, hs=0, epochs=epochs, **settings)
    with timed() as scan:
        model.build_vocab(corpus_file=text)
    with timed() as training:
        model.train(
            corpus_file=text,
            total_examples=model.corpus_count,
            total_words=model.corpus_total_words,
            epochs=epochs,
        )
    return model, {
        "words": int(model.corpus_total_words),
        "vocabulary_size": len(model.wv),
        "epochs": epochs,
        "scan_seconds": scan.seconds,
        "train_seconds": training.seconds,
    }


def _write_vectors(model: Word2Vec, directory: Path) -> None:
    vectors = model.wv
    counts = np.array([vectors.get_vecattr(word, "count") for word in vectors.index_to_key], np.int64)
    words = pa.array(vectors.index_to_key, pa.string())
    write_vectors(fs.LocalFileSystem(), str(directory), words, counts, [vectors.vectors], {})


if __name__ == "__main__":
    sys.exit(main())
