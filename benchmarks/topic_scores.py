"""How good topics are: coherence and diversity of their words, and agreement of documents' topics with labels."""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import Target, print_table, report_targets, write_result
from benchmarks.labelled import Tokens, labels_of, read_labelled
from w2v_spark.topics.model import TopicModel
from w2v_spark.topics.tables import DOCUMENT_TOPICS, TOPICS_FILE

WINDOW: Final = 10  # words, as in gensim's `c_npmi` and so in the published figures of BERTopic and Top2Vec
TOP: Final = 10  # words of a topic
SCORES: Final = ("npmi", "npmi_of_documents", "diversity", "nmi")
EPSILON: Final = 1e-12  # added to the probability of a pair, as gensim does: -0.4 or so for words that never meet
_TOKENS_AT_A_TIME = 1 << 22

Counts = npt.NDArray[np.int64]


def npmi(topics: Sequence[Sequence[str]], tokens: Tokens, window: int | None = WINDOW) -> list[float]:
    """Mean normalised pointwise mutual information of all pairs of a topic's words, for each topic.

    ``ln(p(a, b) / (p(a) p(b))) / -ln p(a, b)``, where p is a share of the windows of so many words that slide over each
    document, one word at a time; a shorter document is one window. Bouma 2009; Röder et al. 2015, C_NPMI.

    Parameters
    ----------
    topics : words of each topic
    tokens : Tokens
        The reference: the documents that the topics were found in.
    window : int, optional
        None for whole documents.

    Returns
    -------
    list of float
        -1..1; NaN for a topic that has no two words which occur in the reference.
    """
    words = sorted({word for topic in topics for word in topic})
    together, windows = count_windows(words, tokens, window)
    place = {word: row for row, word in enumerate(words)}
    scores = []
    for topic in topics:
        rows = [row for word in topic if together[row := place[word], row]]
        pairs = [
            _npmi(together[a, a], together[b, b], together[a, b], windows) for a, b in itertools.combinations(rows, 2)
        ]
        scores.append(statistics.fmean(pairs) if pairs else float("nan"))
    return scores


def count_windows(words: Sequence[str], tokens: Tokens, window: int | None) -> tuple[Counts, int]:
    """In how many windows each two words are together, and each alone on the diagonal; and how many windows there are.

    Returns
    -------
    together : (words, words) int64
    windows : int
    """
    from scipy.sparse import csr_array

    place = {word: row for row, word in enumerate(words)}
    together = np.zeros((len(words), len(words)), np.int64)
    total = 0
    for begin, end in _pieces(tokens.offsets):
        offsets = tokens.offsets[begin : end + 1]
        ids = np.fromiter((place.get(word, -1) for word in tokens.words[offsets[0] : offsets[-1]]), np.int64)
        size = int(np.diff(offsets).max(initial=1)) if window is None else window
        number, word, count = _memberships(ids, offsets - offsets[0], size)
        total += count
        seen = csr_array((np.ones(len(word), np.int64), (number, word)), shape=(count, len(words)))
        seen.data[:] = 1  # however often a word is in a window
        together += (seen.T @ seen).toarray()
    return together, total


def diversity(topics: Sequence[Sequence[str]]) -> float:
    """Share of different words among those of all topics, 0..1. Dieng et al. 2020."""
    words = list(itertools.chain.from_iterable(topics))
    return len(set(words)) / len(words) if words else float("nan")


def agreement(labels: Iterable[Any], topics: Iterable[Any]) -> float:
    """Normalised mutual information of two partitions of the documents, 0..1, by the mean of their entropies."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(list(labels), list(topics)))


def read_topics(path: Path, levels: Iterable[int] = ()) -> list[dict[str, Any]]:
    """Levels of topics, each ``words`` and ``documents``.

    Parameters
    ----------
    path : a file of `top2vec_run`, or a directory that ``w2v-spark topics`` has written
    levels : of a directory, the numbers of topics to cut its tree at beside all that were found; no larger ones
    """
    if path.is_file():
        found: list[dict[str, Any]] = json.loads(path.read_text())["levels"]
        return found
    model = TopicModel.load(path)
    table = pq.read_table(path / DOCUMENT_TOPICS, columns=["document", "topic"])
    pairs = list(zip(table["document"].cast(pa.string()).to_pylist(), table["topic"].to_pylist(), strict=True))
    cuts = [len(model), *sorted((n for n in set(levels) if n < len(model)), reverse=True)]
    return [_cut(model, pairs, topics) for topics in cuts]


def _cut(model: TopicModel, pairs: Sequence[tuple[str, int]], topics: int) -> dict[str, Any]:
    owners = model.level(topics) if topics else {}
    words = [[word for word, _ in model.words(topic, TOP)] for topic in sorted(set(owners.values()))]
    return {"words": words, "documents": {document: owners.get(topic, -1) for document, topic in pairs}}


def score(level: dict[str, Any], tokens: Tokens, labels: Sequence[Any] | None) -> dict[str, Any]:
    """All that can be said of one level of topics. Ends the program where labels are compared and one has no topic."""
    missing = [name for name in tokens.ids if name not in level["documents"]]
    if missing and labels is not None:
        sys.exit(f"{len(missing):,} of {len(tokens):,} documents have no row in the topics, {missing[0]!r} for one")
    words = [topic[:TOP] for topic in level["words"]]
    sliding, whole = npmi(words, tokens), npmi(words, tokens, None)
    row = {
        "topics": len(words),
        "npmi": float(np.nanmean(sliding)) if words else float("nan"),
        "npmi_of_documents": float(np.nanmean(whole)) if words else float("nan"),
        "diversity": diversity(words),
    }
    if labels is not None:
        row["nmi"] = agreement(labels, [level["documents"][name] for name in tokens.ids])
    return row


def judge(rows: Sequence[dict[str, Any]], baseline: Sequence[dict[str, Any]]) -> list[Target]:
    """No score below the baseline's with as many topics, or nearly as many; the mean where it has several of them."""
    targets = []
    for row in rows:
        nearest = min((abs(other["topics"] - row["topics"]) for other in baseline), default=0)
        others = [other for other in baseline if abs(other["topics"] - row["topics"]) == nearest]
        targets += [
            Target(
                f"{row['from']}, {row['topics']} topics: {name}", row[name], statistics.fmean(o[name] for o in others)
            )
            for name in SCORES
            if others and name in row
        ]
    return targets


def main(argv: Sequence[str] | None = None) -> int:
    """Score topics on the same documents, write ``results/topic_scores.json``. Returns 1 for one below the baseline."""
    options = _parse(argv)
    tokens, labels = Tokens.read(options.tokens), None
    if options.labels is not None:
        labels = labels_of(read_labelled(options.labels), tokens.ids)[0].tolist()
    given = [(path, level) for path in options.baseline for level in read_topics(path)]
    sizes = [len(level["words"]) for _, level in given]
    ours = [(path, level) for path in options.topics for level in read_topics(path, sizes)]
    rows, baseline = (
        [{"from": path.name, **score(level, tokens, labels)} for path, level in levels] for levels in (ours, given)
    )
    print_table(
        ("topics of", "topics", *SCORES),
        [
            (row["from"], str(row["topics"]), *(f"{row[name]:.3f}" if name in row else "" for name in SCORES))
            for row in (*rows, *baseline)
        ],
    )
    targets = judge(rows, baseline)
    passed = report_targets(targets)
    result = {
        "documents": len(tokens), "words": len(tokens.words), "window": WINDOW, "top_words": TOP, "rows": rows,
        "baseline": baseline, "made_by": {path.name: made_by(path) for path in (*options.topics, *options.baseline)},
    }  # fmt: skip
    write_result(options.result, result, targets)
    return 0 if passed else 1


def made_by(path: Path) -> dict[str, Any]:
    """What `top2vec_run` says of itself, such as packages and settings; of a directory its ``topics.json``.

    Where a model lay says nothing to those who read the results, so locations are left out.
    """
    if path.is_dir():
        described: dict[str, Any] = json.loads((path / TOPICS_FILE).read_text())
        for part in ("model", "documents"):
            described[part].pop("location", None)
        return described
    content = json.loads(path.read_text())
    return {name: content[name] for name in ("program", "packages", "settings", "seconds", "vocabulary_size")}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("topics", type=Path, nargs="*", help="JSON of top2vec_run, or a directory of topics")
    parser.add_argument("--baseline", type=Path, nargs="*", default=[], help="others, which must not be better")
    parser.add_argument("--tokens", type=Path, required=True, help="the documents: Parquet file with 'id' and 'words'")
    parser.add_argument("--labels", type=Path, help="labelled documents: split, label, id and text, .tsv.zst")
    parser.add_argument("--result", default="topic_scores", help="name of the file of results (default: %(default)s)")
    return parser.parse_args(argv)


def _npmi(one: int, other: int, both: int, windows: int) -> float:
    joint = both / windows + EPSILON
    return float(np.log(joint * windows * windows / one / other) / -np.log(joint)) if both < windows else 1.0


def _pieces(offsets: Counts) -> Iterable[tuple[int, int]]:
    """Stretches of whole documents of some million words, so that memory is constant."""
    begin = 0
    while begin < len(offsets) - 1:
        end = int(np.searchsorted(offsets, offsets[begin] + _TOKENS_AT_A_TIME, "right")) - 1
        end = max(end, begin + 1)
        yield begin, end
        begin = end


def _memberships(ids: Counts, offsets: Counts, size: int) -> tuple[Counts, Counts, int]:
    """Which windows the words are in.

    Parameters
    ----------
    ids : (tokens,) int64
        A word's row; negative where it is none of those asked for.
    offsets : (documents + 1,) int64
    size : int
        Words of a window.

    Returns
    -------
    number, word : (memberships,) int64
        A window and a word in it; twice where it is there twice.
    windows : int
    """
    lengths = np.diff(offsets)
    windows = np.where(lengths > 0, np.maximum(lengths - size, 0) + 1, 0)
    first = np.cumsum(windows) - windows  # number of each document's first window
    at = np.flatnonzero(ids >= 0)
    document = np.searchsorted(offsets, at, "right") - 1
    place = at - offsets[document]
    begin = np.maximum(place - size + 1, 0)
    end = np.minimum(place, windows[document] - 1)  # the last window that it is in
    counts = np.maximum(end - begin + 1, 0)
    spread = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(first[document] + begin, counts) + spread, np.repeat(ids[at], counts), int(windows.sum())


if __name__ == "__main__":
    sys.exit(main())
