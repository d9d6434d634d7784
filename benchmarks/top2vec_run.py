"""Find topics with Top2Vec, in an environment of its own, and write them as JSON for `topic_scores`.

    python -m venv ENV && ENV/bin/pip install top2vec==1.0.34 pyarrow
    ENV/bin/python -m benchmarks.top2vec_run --tokens FILE --output FILE

Its last release, 1.0.36, needs torch and transformers even for the vectors of doc2vec, which are as in 1.0.34. It gets
the words that this project's tokenizer has found, so that topic words of both are of one vocabulary. Everything else is
its default: `learn`, which is hierarchical softmax, D = 300, window 15, 40 epochs; words that occur 50 times; UMAP
without a seed, so that each run is another. A seed makes UMAP use one core and one worker makes gensim repeatable.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import timed
from benchmarks.labelled import Tokens

WORDS = 10  # of a topic
PACKAGES = ("top2vec", "gensim", "umap-learn", "hdbscan", "scikit-learn", "numpy", "numba")


def main(argv: Sequence[str] | None = None) -> int:
    """Find topics, reduce them to each of some numbers, and write all of them."""
    from top2vec import Top2Vec

    options = _parse(argv)
    tokens = Tokens.read(options.tokens)
    settings: dict[str, Any] = {
        "embedding_model": "doc2vec",
        "speed": options.speed,
        "min_count": options.min_count,
        "workers": options.workers,
    }
    if options.seed is not None:  # the other three are its defaults, which a dictionary replaces
        umap = {"n_neighbors": 15, "n_components": 5, "metric": "cosine", "random_state": options.seed}
        settings["umap_args"] = umap
    with timed() as timing:
        model = Top2Vec([" ".join(words) for words in tokens], tokenizer=str.split, **settings)
    levels = [describe(model, tokens.ids, reduced=False)]
    for topics in options.reduce:
        if topics < len(levels[0]["words"]):  # no more than it has found
            model.hierarchical_topic_reduction(topics)
            levels.append(describe(model, tokens.ids, reduced=True))
    report = {
        "program": "Top2Vec",
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "settings": settings,
        "documents": len(tokens),
        "vocabulary_size": len(model.vocab),
        "seconds": timing.seconds,
        "levels": levels,
    }
    options.output.write_text(json.dumps(report) + "\n")
    print(f"{[len(level['words']) for level in levels]} topics in {timing.seconds:.1f} s")
    return 0


def describe(model: Any, ids: Sequence[str], reduced: bool) -> dict[str, Any]:
    """The words of each topic, nearest first, and the topic of each document."""
    sizes, _ = model.get_topic_sizes(reduced=reduced)
    words, _, _ = model.get_topics(reduced=reduced)
    documents = model.doc_top_reduced if reduced else model.doc_top
    return {
        "words": [topic[:WORDS].tolist() for topic in words],
        "sizes": [int(size) for size in sizes],
        "documents": dict(zip(ids, (int(topic) for topic in documents), strict=True)),
    }


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tokens", type=Path, required=True, help="Parquet file with 'id' and 'words'")
    parser.add_argument("--output", type=Path, required=True, help="JSON file for the topics")
    parser.add_argument("--speed", default="learn", help="how doc2vec learns (default: %(default)s)")
    parser.add_argument("--min-count", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=1, help="threads that train doc2vec (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of UMAP (default: none, another result each time)")
    parser.add_argument("--reduce", type=int, nargs="*", default=[], metavar="N", help="numbers of topics to reduce to")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
