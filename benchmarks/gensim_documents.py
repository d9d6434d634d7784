"""Train gensim's Doc2Vec on tokens in a process of its own, which reports its times and writes the documents' vectors.

It reads the documents from memory: with `corpus_file`, which can be faster, it leaves documents out that lie where the
stretches of two workers meet (https://github.com/piskvorky/gensim/issues/2757). Of a document it drops the words after
the 10,000th; so that it learns from all of them, a longer one is handed to it in pieces with the same tag.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import timed
from benchmarks.labelled import Tokens

MOST_WORDS = 10_000  # of a document, for gensim
PROGRESS_SECONDS = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Train, perhaps infer, and write times and vectors."""
    parser = argparse.ArgumentParser(description="Train gensim's Doc2Vec on a file of tokens.")
    parser.add_argument("--tokens", type=Path, required=True, help="Parquet file with 'id' and 'words'")
    parser.add_argument("--settings", type=json.loads, required=True, help="keyword arguments of Doc2Vec, as JSON")
    parser.add_argument("--epochs", type=int, help="passes to train of those that the settings plan (default: all)")
    parser.add_argument("--corpus-file", action="store_true", help="train in the faster way that loses documents")
    parser.add_argument("--report", type=Path, required=True, help="JSON file for the times")
    parser.add_argument("--vectors", type=Path, help="NPY file for the documents' vectors, in the order of the file")
    parser.add_argument("--infer", type=Path, help="Parquet file of documents to infer when the training has ended")
    parser.add_argument("--infer-epochs", type=int, help="passes over a document to infer (default: as in training)")
    parser.add_argument("--inferred", type=Path, help="NPY file for their vectors")
    options = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    tokens = Tokens.read(options.tokens)
    settings = {**options.settings, "epochs": options.epochs or options.settings["epochs"]}
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.report.parent) as work:
        text = write_lines(tokens, Path(work) / "documents.txt") if options.corpus_file else None
        model, report = train(tokens, settings, text)
    if options.vectors is not None:
        np.save(options.vectors, model.dv.vectors)
    if options.infer is not None:
        vectors, report["infer"] = infer(model, Tokens.read(options.infer), options.infer_epochs)
        if options.inferred is not None:
            np.save(options.inferred, vectors)
    options.report.write_text(json.dumps(report, indent=2) + "\n")
    return 0


class Tagged:
    """Documents as gensim takes them; the tag of each is its number."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __iter__(self) -> Iterator[Any]:
        """Documents, those of more than 10,000 words in pieces."""
        from gensim.models.doc2vec import TaggedDocument

        for number, words in enumerate(self._tokens):
            for begin in range(0, max(len(words), 1), MOST_WORDS):
                yield TaggedDocument(words[begin : begin + MOST_WORDS], [number])


def write_lines(tokens: Tokens, path: Path) -> Path:
    """Write a document a line, words separated by blanks; the number of a line is the document's tag."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(" ".join(words) + "\n" for words in tokens)
    return path


def train(tokens: Tokens, settings: dict[str, Any], text: Path | None = None) -> tuple[Any, dict[str, Any]]:
    """Scan the vocabulary, then train, each timed; from a file of lines where one is given."""
    import gensim
    from gensim.models import Doc2Vec

    source = {"corpus_iterable": Tagged(tokens)} if text is None else {"corpus_file": str(text)}
    model = Doc2Vec(**settings)
    with timed() as scan:
        model.build_vocab(**source)
    with timed() as training:
        model.train(
            **source,
            total_examples=model.corpus_count,
            total_words=model.corpus_total_words,
            epochs=model.epochs,
            report_delay=PROGRESS_SECONDS,
        )
    return model, {
        "program": f"gensim {gensim.__version__}",
        "settings": settings,
        "documents": len(tokens),
        "words": int(model.corpus_total_words),
        "vocabulary_size": len(model.wv),
        "epochs": model.epochs,
        "scan_seconds": scan.seconds,
        "train_seconds": training.seconds,
    }


def infer(model: Any, tokens: Tokens, epochs: int | None) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    """Infer one document after the other, on one core; words after the 10,000th are not read."""
    with timed() as timing:
        vectors = np.stack([model.infer_vector(words, epochs=epochs) for words in tokens])
    return vectors, {"documents": len(tokens), "epochs": epochs or model.epochs, "seconds": timing.seconds}


if __name__ == "__main__":
    sys.exit(main())
