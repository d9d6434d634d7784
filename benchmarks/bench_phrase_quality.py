"""How good phrases are, and the vectors of text that they are joined in: ours and those of gensim's pipeline.

Both read the same sentences, find phrases in two passes by gensim's scorer with the same thresholds, and train
skip-gram on what has been joined, one shard against one worker. Compared are the share of phrases that are titles of
articles, at the same number of phrases, those with the best scores, in the first pass also by the scorer that is ours
unless told otherwise; and the analogies of phrases of Mikolov et al. 2013 (NIPS), with the share that is answered.

The names that the analogies ask for are rare, and gensim is slow. So both read the sentences that have one of them and
their neighbours, of each name the first 300, unless told to read all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.bench_phrases import titles_among
from benchmarks.common import (
    EVALUATION,
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
from benchmarks.gensim_run import write_sentences
from w2v_spark.evaluation.analogies import read_analogies
from w2v_spark.evaluation.kind import Settings
from w2v_spark.evaluation.suite import evaluate

MIN_COUNT, THRESHOLDS = 5, (10.0, 5.0)
DIM, WINDOW, NEGATIVES, SAMPLE, EPOCHS = 100, 10, 5, 1e-4, 10
ALL_WORDS: Final = 1_000_000  # phrases are rarer than what --restrict takes unless told otherwise
OURS, THEIRS = "w2v-spark", "gensim"
PASSAGES: Final = 300
_ENDS: Final = re.compile(r"(?<=[a-z]{2}[.!?])\s+(?=[A-Z])")
QUESTIONS: Final = "questions-phrases.txt"

PHRASES: Final = [f"phrases.passes={len(THRESHOLDS)}", f"phrases.min_count={MIN_COUNT}"]
LIKE_GENSIM: Final = ["phrases.scorer=gensim", f"phrases.threshold={THRESHOLDS[0]}"]  # half as much in the second
TRAINING: Final = [
    f"vocabulary.min_count={MIN_COUNT}", f"model.dim={DIM}", f"model.window={WINDOW}",
    f"model.negatives={NEGATIVES}", f"train.sample={SAMPLE}", f"train.epochs={EPOCHS}", "train.shards=1",
]  # fmt: skip

Ranked = list[list[str]]  # phrases of each pass, those with the best scores first
Row = dict[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Find, train and compare, write ``results/phrase_quality.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    seeds, questions = range(1, options.seeds + 1), options.evaluation / QUESTIONS
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name, ThreadPoolExecutor(2) as pool:
        work = Path(name)
        files = data_files(options.data)
        if not options.all:
            asked = [question for section in read_analogies(questions) for question in section.questions]
            files = [write_passages(files, set(itertools.chain(*asked)), work / "passages.parquet")]
        words = write_sentences(files, work / "sentences.txt")
        first, second = pool.submit(run_ours, files, work, seeds), pool.submit(run_gensim, work, seeds)
        (found, ours), (theirs, seconds, gensims) = first.result(), second.result()
        rows = {
            program: [answer(vectors, questions) for vectors in models]
            for program, models in ((OURS, ours), (THEIRS, gensims))
        }
    shares = {scorer: compare_titles(one, theirs, options.data) for scorer, one in found.items()}
    targets = judge(shares, rows)
    _print(shares, rows)
    passed = report_targets(targets)
    result = {
        "corpus": options.data.name, "passages_of_a_name": None if options.all else PASSAGES, "words": words,
        "settings": {"phrases": [*PHRASES, *LIKE_GENSIM], "thresholds": THRESHOLDS, "training": TRAINING},
        "titles": shares, "gensim_seconds": seconds, "analogies": rows,
    }  # fmt: skip
    write_result("phrase_quality", result, targets)
    return 0 if passed else 1


def write_passages(files: Sequence[Path], names: Collection[str], path: Path) -> Path:
    """Write the sentences of articles that have one of some names in any case, and the ones before and after.

    Of each name the first `PASSAGES`. Sentences begin after two small letters and a full stop, so not within St. Louis.
    """
    wanted = dict.fromkeys(sorted({name.replace("_", " ").lower() for name in names}), PASSAGES)
    articles = []
    for file in files:
        for text in pq.read_table(file, columns=["text"])["text"].to_pylist():
            lowered = text.lower()
            present = [name for name, missing in wanted.items() if missing and name in lowered]
            sentences = _ENDS.split(text) if present else []
            small = [sentence.lower() for sentence in sentences]
            chosen: set[int] = set()
            for name in present:
                found = [number for number, sentence in enumerate(small) if name in sentence][: wanted[name]]
                wanted[name] -= len(found)
                chosen.update(near for number in found for near in range(number - 1, number + 2))
            if chosen:
                articles.append("\n".join(sentence for n, sentence in enumerate(sentences) if n in chosen))
    pq.write_table(pa.table({"text": articles}), path)
    return path


def run_ours(files: Sequence[Path], work: Path, seeds: Sequence[int]) -> tuple[dict[str, Ranked], list[Path]]:
    """Phrases by gensim's scorer and by ours unless told otherwise, and a result a seed of text that has the former."""
    models = [work / f"ours-{seed}" for seed in seeds]
    for seed, out in zip(seeds, models, strict=True):
        _job("train", files, out, [*PHRASES, *LIKE_GENSIM, *TRAINING, f"train.seed={seed}"])
    _job("phrases", files, work / "phrases", [*PHRASES, f"vocabulary.min_count={MIN_COUNT}"])
    return {"gensim": ranked(models[0]), "word2phrase": ranked(work / "phrases")[:1]}, models


def ranked(result: Path) -> Ranked:
    """The phrases of a result."""
    table = pq.read_table(result / "phrases.parquet").sort_by([("score", "descending"), ("phrase", "ascending")])
    numbers = range(1, len(THRESHOLDS) + 1)
    return [table.filter(pc.equal(table["pass"], number))["phrase"].to_pylist() for number in numbers]


def run_gensim(work: Path, seeds: Sequence[int]) -> tuple[Ranked, list[Row], list[Path]]:
    """The phrases of gensim's passes over ``sentences.txt``, what each took, and vectors of what they have joined."""
    joined, report = work / "joined.txt", work / "phrases.json"
    command = [sys.executable, "-m", "benchmarks.gensim_phrases", "--text", str(work / "sentences.txt")]
    command += ["--min-count", str(MIN_COUNT), "--thresholds", *map(str, THRESHOLDS)]
    _run("gensim's phrases", [*command, "--joined", str(joined), "--report", str(report)])
    passes = json.loads(report.read_text())["passes"]
    models = [work / f"gensim-{seed}" for seed in seeds]
    for seed, out in zip(seeds, models, strict=True):
        settings = {
            "vector_size": DIM, "window": WINDOW, "negative": NEGATIVES, "sample": SAMPLE,
            "min_count": MIN_COUNT, "workers": 1, "seed": seed,
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.gensim_run", "--text", str(joined), "--vectors", str(out)]
        command += ["--settings", json.dumps(settings), "--epochs", str(EPOCHS)]
        _run("gensim", [*command, "--report", str(work / "gensim.json")])
    return [one.pop("phrases") for one in passes], passes, models


def compare_titles(ours: Ranked, theirs: Ranked, data: Path) -> list[Row]:
    """For each pass of ours: the share of titles among as many phrases as both have, and how many those are.

    Scores of two scorers cannot be compared, but the orders that they bring pairs into can.
    """
    rows = []
    for one, other in zip(ours, theirs, strict=False):
        number = min(len(one), len(other))
        shares = {
            program: titles_among(None, data, names[:number])["share"]
            for program, names in ((OURS, one), (THEIRS, other))
        }
        common = len(set(one) & set(other)) / max(len(set(one) | set(other)), 1)
        rows.append({**shares, "phrases": number, "found": len(one), "found_gensim": len(other), "in_common": common})
    return rows


def answer(vectors: Path, questions: Path) -> Row:
    """Analogies of phrases among all words: those answered and right in percent, and right ones of all questions."""
    total = evaluate(vectors, {"analogies": [questions]}, settings=Settings(ALL_WORDS))["analogies"][0]["total"]
    asked = total["answered"] + total["skipped"]
    return {
        "accuracy": 100 * total["accuracy"], "coverage": 100 * total["answered"] / asked,
        "right_of_all": 100 * total["correct"] / asked, "answered": total["answered"],
    }  # fmt: skip


def judge(shares: Mapping[str, Sequence[Row]], rows: Mapping[str, Sequence[Row]]) -> list[Target]:
    """Titles as often as gensim's; no less accuracy and coverage beyond the spread of its seeds."""
    targets = [
        Target(f"titles among phrases of pass {number}, {scorer}", row[OURS], row[THEIRS])
        for scorer, found in shares.items()
        for number, row in enumerate(found, 1)
    ]
    for name in ("accuracy", "coverage"):
        ours, theirs = ([row[name] for row in rows[program]] for program in (OURS, THEIRS))
        limit = statistics.mean(theirs) - (max(theirs) - min(theirs))
        targets.append(Target(f"analogies of phrases, {name}, %", statistics.mean(ours), limit))
    return targets


def _job(command: str, files: Sequence[Path], output: Path, settings: Sequence[str]) -> None:
    call = [sys.executable, "-m", "w2v_spark", command, "--input", *map(str, files), "--format", "parquet"]
    _run(command, [*call, "--output", str(output), "--overwrite", "--quiet", *setting_arguments(settings)])


def _run(name: str, command: Sequence[str]) -> None:
    master = os.environ.get("MASTER", "local[1]")
    code = subprocess.run(command, env=spark_environment(master), cwd=ROOT, check=False).returncode
    if code:
        sys.exit(f"{name} ended with exit code {code}")


def _print(shares: Mapping[str, Sequence[Row]], rows: Mapping[str, Sequence[Row]]) -> None:
    shown = [
        (
            f"{scorer}, pass {number}",
            f"{row['phrases']:,}",
            *(f"{100 * row[program]:.2f}" for program in (OURS, THEIRS)),
        )
        for scorer, found in shares.items()
        for number, row in enumerate(found, 1)
    ]
    print_table(("titles among phrases, %", "phrases", OURS, THEIRS), shown)
    names = ("accuracy", "coverage", "right_of_all")
    means = [
        (program, *(f"{statistics.mean(row[name] for row in found):.2f}" for name in names))
        for program, found in rows.items()
    ]
    print_table(("analogies of phrases, %", *names), means)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument(
        "--eval", dest="evaluation", type=Path, default=EVALUATION, metavar="DIR", help=f"has {QUESTIONS}"
    )
    parser.add_argument("--all", action="store_true", help="read all text; gensim takes hours")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="trainings of each program (default 2)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
