"""What vectors of k-mers know of sequences, and how fast they are made: ours, gensim's on the same k-mers, and counts.

Families of proteins by their 3-mers as in ProtVec, trained on one half and tested on the other; families of genes by
pairs of codons, trained on chimpanzees and tested on dogs. A sequence's vector is the mean of its k-mers' vectors,
which are trained on the same sequences as the classifiers: the nearest centroid by cosine, and logistic regression.
And dna2vec's measure: how cosines of 8-mers, of the dogs' genes, agree with scores of their alignments, equally many of
each score. Seconds are those that a process has had a core for, so that other programs of the machine count little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.alignment import correlations, even_pairs, have_relatives
from benchmarks.classifiers import linear_error
from benchmarks.common import Target, print_table, report_targets, write_result
from benchmarks.corpus import words_of
from benchmarks.labelled import LABELLED
from benchmarks.sequence_models import CODONS, DIM, DNA2VEC, OURS, PROTVEC, THEIRS, Recipe, Trained, train
from benchmarks.sequences import Bags, Flags, Labels, Matrix, halves, read_table
from w2v_spark.text.analyzer import build_analyzer

PROTEINS, GENES = "protein_pfam.tsv.zst", "dna_gene_families.tsv.zst"
COUNTS = "counts"
CENTROID, DISTANT, LOGISTIC = "nearest_centroid", "nearest_centroid_no_relatives", "logistic"
PAIRS: Final = 1000  # of each score, as in dna2vec's own
LENGTH: Final = 8
CUT_TIMES: Final = 3

COSINES: Final = "cosines"

Row = dict[str, float]
Models = dict[tuple[str, int], Trained]  # by program and seed
Rows = dict[str, list[Row]]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Sequences to classify.

    Attributes
    ----------
    sequences : list of str
    labels : (sequences,)
    train : (sequences,) bool
        Which to train on.
    recipe : Recipe
    """

    sequences: list[str]
    labels: Labels
    train: Flags
    recipe: Recipe

    @property
    def known(self) -> list[str]:
        """The sequences to train on."""
        return [self.sequences[row] for row in np.flatnonzero(self.train).tolist()]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, classify, compare, write ``results/sequences.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    genes = read_table(options.data / GENES, ["species", "family", "sequence"])
    tasks = {"proteins": proteins(options.data / PROTEINS), "genes": genes_by_species(genes)}
    dogs = genes.filter(pc.equal(genes["species"], "dog"))["sequence"].to_pylist()
    seeds = range(1, options.seeds + 1)
    texts = {**{name: (task.known, task.recipe) for name, task in tasks.items()}, COSINES: (dogs, DNA2VEC)}
    models = train_all(texts, seeds, options.jobs)
    families = {name: classify_all(task, models[name]) for name, task in tasks.items()}
    pairs = compare_cosines(models[COSINES])
    speed = time_cutting(genes["sequence"].combine_chunks(), DNA2VEC)
    bases = sum(map(len, dogs))
    for program in (OURS, THEIRS):
        seconds = statistics.median(row["seconds"] for row in pairs[program])
        speed[f"train_{program}"] = bases * DNA2VEC.epochs / seconds
    targets = judge(families, pairs)
    _print(families, pairs, speed)
    passed = report_targets(targets)
    result = {
        "recipes": {"proteins": asdict(PROTVEC), "genes": asdict(CODONS), "cosines": asdict(DNA2VEC), "dim": DIM},
        "sequences": {
            name: {"train": int(task.train.sum()), "test": int((~task.train).sum())} for name, task in tasks.items()
        },
        "errors": families, "bases_of_cosines": bases, "cosines": pairs, "bases_per_second": speed,
    }  # fmt: skip
    write_result("sequences", result, targets)
    return 0 if passed else 1


def proteins(path: Path) -> Task:
    """Families of proteins, half of each to train on."""
    table = read_table(path, ["id", "family", "sequence"])
    labels = np.asarray(table["family"])
    return Task(table["sequence"].to_pylist(), labels, halves(labels), PROTVEC)


def genes_by_species(table: pa.Table) -> Task:
    """Families of genes, the chimpanzees' to train on; many of the dogs' are the same genes in another species."""
    train = np.asarray(table["species"]) == "chimp"
    return Task(table["sequence"].to_pylist(), np.asarray(table["family"]), train, CODONS)


def train_all(texts: Mapping[str, tuple[list[str], Recipe]], seeds: Sequence[int], jobs: int) -> dict[str, Models]:
    """Vectors of each text, by both programs and all seeds; so many trainings at a time, each on one core."""
    models = {name: Models() for name in texts}
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        futures = {
            pool.submit(train, program, *texts[name], seed): (name, program, seed)
            for seed in seeds
            for name in texts
            for program in (OURS, THEIRS)
        }
        for future in as_completed(futures):
            name, program, seed = futures[future]
            models[name][program, seed] = future.result()
            print(f"{name}, {program}, seed {seed}: {future.result().seconds:.1f} s", flush=True)
    return models


def classify_all(task: Task, models: Models) -> Rows:
    """Errors of both programs' vectors and of counts, an entry a seed."""
    bags = Bags.of(words_of(task.sequences, task.recipe.text))
    relatives = have_relatives(task.sequences, task.labels, task.train, bags.counts) if task.recipe is PROTVEC else None
    rows: Rows = {COUNTS: [classify(bags.shares(), task, relatives)], OURS: [], THEIRS: []}
    for (program, seed), model in sorted(models.items()):
        row = classify(bags.means(model.words, model.vectors), task, relatives)
        rows[program].append({**row, "seconds": model.seconds})
        print(program, seed, {name: round(value, 2) for name, value in row.items()}, flush=True)
    return rows


def classify(vectors: Matrix, task: Task, relatives: Flags | None) -> Row:
    """Errors on the sequences to test on, in percent, and of the nearest centroid on those that have no relatives."""
    wrong = nearest_is_wrong(vectors, task.labels, task.train)
    row = {CENTROID: 100 * float(wrong.mean())}
    if relatives is not None:
        row |= {DISTANT: 100 * float(wrong[~relatives].mean()), "no_relatives": int((~relatives).sum())}
    return {**row, LOGISTIC: linear_error(vectors, task.labels, task.train)}


def nearest_is_wrong(vectors: Matrix, labels: Labels, train: Flags) -> Flags:
    """For which sequences to test on the label whose mean is nearest by cosine is another."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    names = np.unique(labels)
    centroids = np.stack([unit[train & (labels == name)].mean(axis=0) for name in names])
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    wrong: Flags = names[np.argmax(unit[~train] @ centroids.T, axis=1)] != labels[~train]
    return wrong


def compare_cosines(models: Models) -> Rows:
    """How cosines of 8-mers agree with scores of their alignments, of the same pairs for both programs."""
    rows: Rows = {OURS: [], THEIRS: []}
    for (program, seed), model in sorted(models.items()):
        eights = [row for row, word in enumerate(model.words) if len(word) == LENGTH]
        pairs, scores = even_pairs([model.words[row] for row in eights], PAIRS, seed)
        found = correlations(model.vectors[eights], pairs, scores)
        rows[program].append({**found, "words": len(eights), "seconds": model.seconds})
        print(program, seed, {name: round(value, 3) for name, value in rows[program][-1].items()}, flush=True)
    return rows


def time_cutting(dna: pa.Array, recipe: Recipe) -> Row:
    """Bases a second that are cut into k-mers on one core: by our tokenizer, and by slices of Python strings.

    The slices are of k letters at each letter, without strands and lengths that are drawn, the least that a program in
    Python has to do.
    """
    texts, seconds = dna.to_pylist(), dict[str, list[float]]()

    def ours() -> int:
        return sum(len(part) for part in build_analyzer(recipe.text).words(dna))

    def slices() -> int:
        return sum(len([text[i : i + LENGTH] for i in range(len(text) - LENGTH + 1)]) for text in texts)

    for turn in range(1 + CUT_TIMES):  # the first is for the compilers
        for name, way in (("cut_w2v-spark", ours), ("cut_python", slices)):
            begin = time.process_time()
            if not way():
                sys.exit("the sequences are shorter than a k-mer")
            if turn:
                seconds.setdefault(name, []).append(time.process_time() - begin)
    return {name: sum(map(len, texts)) / statistics.median(found) for name, found in seconds.items()}


def judge(families: Mapping[str, Rows], pairs: Rows) -> list[Target]:
    """No more errors, and no less correlation, than gensim's beyond the spread of its seeds."""
    targets = []
    for task, rows in families.items():
        for name in (CENTROID, LOGISTIC):
            ours, theirs = ([row[name] for row in rows[program]] for program in (OURS, THEIRS))
            limit = statistics.mean(theirs) + max(theirs) - min(theirs)
            targets.append(Target(f"errors, {task}, {name}, %", statistics.mean(ours), limit, at_least=False))
    for name in ("spearman", "spearman_different"):
        ours, theirs = ([row[name] for row in pairs[program]] for program in (OURS, THEIRS))
        limit = statistics.mean(theirs) - (max(theirs) - min(theirs))
        targets.append(Target(f"cosines of 8-mers, {name}", statistics.mean(ours), limit))
    return targets


def _print(families: Mapping[str, Rows], pairs: Rows, speed: Row) -> None:
    columns = (CENTROID, DISTANT, LOGISTIC)
    for task, rows in families.items():
        shown = [(program, *(_mean(found, name, 2) for name in columns)) for program, found in rows.items()]
        print_table((f"errors, {task}, %", *columns), shown)
    names = ("spearman", "pearson", "spearman_different", "pearson_different")
    shown = [(program, *(_mean(found, name, 3) for name in names)) for program, found in pairs.items()]
    print_table(("cosines of 8-mers", *names), shown)
    print_table(("million bases a second", ""), [(name, f"{value / 1e6:.2f}") for name, value in speed.items()])


def _mean(rows: Sequence[Row], name: str, digits: int) -> str:
    return f"{statistics.mean(row[name] for row in rows):.{digits}f}" if name in rows[0] else ""


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, default=LABELLED, metavar="DIR", help=f"directory of {PROTEINS} and {GENES}"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings of each program (default 3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trainings at a time (default 2)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
