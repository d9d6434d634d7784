"""Join the phrases of a file of sentences by gensim, pass by pass, in a process of its own that reports them."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import timed


def main(argv: Sequence[str] | None = None) -> int:
    """Learn and join as often as there are thresholds; the last pass's sentences stay in ``--joined``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--text", type=Path, required=True, help="one sentence a line, words separated by spaces")
    parser.add_argument("--min-count", type=int, required=True)
    parser.add_argument("--thresholds", type=float, nargs="+", required=True, help="one a pass")
    parser.add_argument("--joined", type=Path, required=True, help="where the joined sentences go")
    parser.add_argument("--report", type=Path, required=True, help="JSON file for times and phrases of each pass")
    options = parser.parse_args(argv)
    passes, source = [], options.text
    for number, threshold in enumerate(options.thresholds):
        target = options.joined.with_suffix(f".{number}")
        passes.append(_join(source, target, options.min_count, threshold))
        source = target
    source.replace(options.joined)
    options.report.write_text(json.dumps({"passes": passes}))
    return 0


def _join(source: Path, target: Path, min_count: int, threshold: float) -> dict[str, object]:
    """One pass: its phrases, those with the best scores first, and the seconds of learning and of joining.

    All pairs of neighbours are scored: `export_phrases` and `freeze` split names at the delimiter and score the outer
    words, so in a second pass they have other phrases than it joins (gensim's issue 3326).
    """
    from gensim.models.phrases import Phrases
    from gensim.models.word2vec import LineSentence

    sentences = LineSentence(str(source))
    with timed() as learning:
        phrases = Phrases(sentences, min_count=min_count, threshold=threshold)
    with timed() as joining, target.open("w", encoding="utf-8") as out:
        out.writelines(" ".join(phrases[sentence]) + "\n" for sentence in sentences)
    pairs = {pair for sentence in sentences for pair in itertools.pairwise(sentence)}
    found = dict(phrases.score_candidate(*pair, []) for pair in pairs)
    found.pop(None, None)  # of all pairs that are none
    ranked = sorted(found, key=lambda name: (-found[name], name))
    return {"learn_seconds": learning.seconds, "join_seconds": joining.seconds, "phrases": ranked}


if __name__ == "__main__":
    sys.exit(main())
