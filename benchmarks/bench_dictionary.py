"""What a dictionary is for: a classifier that was trained on one hospital's reports reads another hospital's.

A synthetic twin of two hospitals, since real reports are closed. Both describe the same findings of one ontology; each
finding has several synonyms, of one to three made-up words, some of which only the second hospital uses. Vectors are
trained on the first hospital's reports alone, with and without the dictionary and with sub-words, and so is a
classifier of the diagnosis on the mean of a report's vectors. It is tested at home, on other reports of the first, and
abroad, on the second's.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import Target, print_table, report_targets, setting_arguments, spark_environment, write_result
from benchmarks.memory import run_measured, stop_on_failure

FINDINGS, DIAGNOSES, FILLERS = 120, 8, 2000
AT_BOTH, ABROAD = 2, 2  # synonyms that both hospitals use, and that only the second does
GAIN: Final = 5.0  # points of accuracy abroad
SETTINGS: Final = (
    "model.architecture=cbow", "model.dim=100", "model.window=10", "train.epochs=20", "train.learning_rate=0.05",
    "vocabulary.min_count=3",
)  # fmt: skip
WAYS: Final = {
    "words alone": [],
    "dictionary": ["text.dictionary={dictionary}"],
    "sub-words": ["model.subwords=true"],
    "both": ["text.dictionary={dictionary}", "model.subwords=true"],
}
_SYLLABLES: Final = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "an", "or", "is")]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ontology:
    """Findings with their synonyms, words that mean nothing, and how likely findings are with each diagnosis."""

    synonyms: list[list[str]]
    fillers: list[str]
    chances: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, random: np.random.Generator) -> Ontology:
        """All words differ; half of a finding's synonyms share a stem, as inflected terms do."""
        taken: set[str] = set()

        def word(stem: str = "") -> str:
            while (made := stem + "".join(random.choice(_SYLLABLES, random.integers(1 if stem else 2, 4)))) in taken:
                pass
            taken.add(made)
            return made

        synonyms = []
        for _ in range(FINDINGS):
            stem, own = word(), []
            for number in range(AT_BOTH + ABROAD):
                first = word(stem) if number % 2 else word()
                own.append(" ".join([first, *(word() for _ in range(random.integers(0, 3)))]))
            synonyms.append(own)
        chances = random.dirichlet(np.full(FINDINGS, 0.15), DIAGNOSES)
        return cls(synonyms, [word() for _ in range(FILLERS)], 0.9 * chances + 0.1 / FINDINGS)

    def reports(
        self, number: int, abroad: bool, random: np.random.Generator
    ) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Some reports of a hospital, and their diagnoses."""
        weights = 1 / np.arange(1, FILLERS + 1)
        weights /= weights.sum()
        diagnoses = random.integers(0, DIAGNOSES, number)
        texts = []
        for diagnosis in diagnoses:
            sentences = []
            for finding in random.choice(FINDINGS, random.integers(3, 7), p=self.chances[diagnosis]):
                words = random.choice(FILLERS, random.integers(4, 12), p=weights)
                sentence = [self.fillers[word] for word in words]
                known = random.integers(0, AT_BOTH)
                form = random.integers(AT_BOTH, AT_BOTH + ABROAD) if abroad and random.random() < 0.8 else known
                sentence.insert(int(random.integers(0, len(sentence))), self.synonyms[finding][form])
                sentences.append(" ".join(sentence).capitalize() + ".")
            texts.append(" ".join(sentences))
        return texts, diagnoses

    def write(self, path: Path) -> Path:
        """The dictionary: every synonym, and the first of each finding as its concept."""
        lines = [f"{form}\t{own[0]}\n" for own in self.synonyms for form in own]
        path.write_text("".join(lines))
        return path


def main(argv: Sequence[str] | None = None) -> int:
    """Train in each way, test, write ``results/dictionary.json``."""
    options = _parse(argv)
    rows: list[Row] = []
    for seed in range(1, options.seeds + 1):
        random = np.random.default_rng(seed)
        ontology = Ontology.draw(random)
        home, labels = ontology.reports(options.reports, False, random)
        tests = {
            "at home": ontology.reports(options.reports // 4, False, random),
            "abroad": ontology.reports(options.reports // 4, True, random),
        }
        with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name:
            work = Path(name)
            dictionary = ontology.write(work / "dictionary.tsv")
            pq.write_table(pa.table({"text": home}), work / "home.parquet")
            for way, settings in WAYS.items():
                more = [f"train.seed={seed}", *(setting.format(dictionary=dictionary) for setting in settings)]
                train(work / "home.parquet", work / way, [*SETTINGS, *more])
                found = classify(work / way, (home, labels), tests)
                rows.append({"seed": seed, "way": way, **found})
                print(f"seed {seed}, {way}: {found}", flush=True)
    medians = {
        way: {test: statistics.median(row[test] for row in rows if row["way"] == way) for test in tests} for way in WAYS
    }
    header = ("accuracy, %, medians", "at home", "abroad")
    print_table(header, [(way, *(f"{own[t]:.1f}" for t in tests)) for way, own in medians.items()])
    gain = medians["dictionary"]["abroad"] - medians["words alone"]["abroad"]
    targets = [Target("points of accuracy abroad that the dictionary brings", gain, GAIN)]
    passed = report_targets(targets)
    write_result(
        "dictionary",
        {"reports": options.reports, "settings": list(SETTINGS), "medians": medians, "runs": rows},
        targets,
    )
    return 0 if passed else 1


def train(reports: Path, output: Path, settings: Sequence[str]) -> None:
    """The command line, as a user would."""
    command = [sys.executable, "-m", "w2v_spark", "train", "--input", str(reports), "--format", "parquet"]
    command += ["--output", str(output), "--quiet", *setting_arguments(settings)]
    stop_on_failure("w2v_spark train", run_measured(command, spark_environment("local[2]"), output.parent))


def classify(
    model: Path, home: tuple[list[str], npt.NDArray[np.int64]], tests: dict[str, tuple[list[str], Any]]
) -> dict[str, float]:
    """Accuracy in percent of logistic regression on the means of reports, which `Word2VecModel.transform` takes."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from w2v_spark.estimator import Word2VecModel
    from w2v_spark.spark.session import get_session

    spark = get_session(master="local[2]")
    served = Word2VecModel.load(model).setInputCol("text").setOutputCol("mean")

    def means(texts: Sequence[str]) -> npt.NDArray[np.float64]:
        frame = spark.createDataFrame(pa.table({"place": np.arange(len(texts)), "text": list(texts)}))
        collected = served.transform(frame).select("place", "mean").collect()
        return np.stack([row["mean"].toArray() for row in sorted(collected, key=lambda row: row["place"])])

    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(means(home[0]), home[1])
    return {name: 100 * float(fitted.score(means(texts), labels)) for name, (texts, labels) in tests.items()}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reports", type=int, default=10_000, metavar="N", help="of the first hospital")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="ontologies (default: %(default)s)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
