"""A run as ``run.json`` says it: what is trained, and whether a run that goes on is still the same."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from w2v_spark.config import COUNTED, Config, Merge
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import CheckpointMismatch, Name, StoreError
from w2v_spark.models.subsample import leaves_nothing
from w2v_spark.publishing import layout
from w2v_spark.publishing.layout import RUN_FILE
from w2v_spark.storage import Directory, damage_naming, from_plain
from w2v_spark.training.plan import Plan

FORMAT_VERSION: Final = 5
VOCABULARY_FILE: Final = "vocabulary.parquet"
SAMPLING_FILE: Final = layout.SAMPLING_FILE
UPDATE_STATISTICS_FILE: Final = "update_statistics.npz"
TAGS_FILE: Final = "tags.parquet"
SUBWORDS_FILE: Final = "subwords.npz"


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained, as ``run.json`` says it.

    Attributes
    ----------
    identity : str
        Different for every run, so that executors never mix up two runs at one place.
    config : Config
        As the user gave it: ``auto`` stays ``auto``.
    input : dict
        See `source.Source.fingerprint`.
    plan : Plan
        What ``auto`` has become.
    statistics : CorpusStatistics
    files : dict of str to str
        The digests of the tables in the run directory, by their names.
    tags, ngrams : int
        How many rows tags have, and n-grams.
    """

    identity: str
    config: Config
    input: dict[str, Any]
    plan: Plan
    statistics: CorpusStatistics
    files: dict[str, str] = field(default_factory=dict)
    tags: int = 0
    ngrams: int = 0

    @property
    def others(self) -> int:
        """Rows of the input matrix behind those of words."""
        return self.tags + self.ngrams

    @classmethod
    def start(
        cls, config: Config, source: dict[str, Any], plan: Plan, statistics: CorpusStatistics, tags: int = 0
    ) -> Run:  # fmt: skip
        """A new run."""
        return cls(uuid.uuid4().hex, config, source, plan, statistics, tags=tags)

    @property
    def corrects(self) -> bool:
        """Whether merging corrects by how curved the loss is."""
        return self.config.train.merge is Merge.CURVATURE and self.plan.shards > 1

    def trains_on_every_word(self, vocabulary: Vocabulary) -> bool:
        """Whether the text is so small that it is trained without subsampling, whatever the plan says.

        Never where counts are decomposed: words are not drawn there, but count by the chance that they are kept.
        """
        if self.config.model.objective in COUNTED:
            return False
        sample, sentences, epochs = self.plan.sample, self.statistics.sentences, self.plan.epochs
        return leaves_nothing(vocabulary.counts, sample, sentences, epochs, vocabulary.trained)

    def write(self, directory: Directory) -> None:
        """Save as ``run.json``."""
        directory.write_sealed_json(
            RUN_FILE,
            {
                "format_version": FORMAT_VERSION,
                "identity": self.identity,
                "config": self.config.to_dict(),
                "input": self.input,
                "plan": asdict(self.plan),
                "statistics": self.statistics.to_dict(),
                "files": self.files,
                "tags": self.tags,
                "ngrams": self.ngrams,
            },
        )

    @classmethod
    def read(cls, directory: Directory) -> Run:
        """Load ``run.json``.

        Raises
        ------
        StoreError
            It is missing, damaged, or of another format version.
        """
        found = directory.read_json(RUN_FILE).get("format_version")
        if found != FORMAT_VERSION:
            raise StoreError(
                f"{directory.uri}/{RUN_FILE} has format version {found}, this program reads {FORMAT_VERSION}"
            )
        value = directory.read_sealed_json(RUN_FILE)
        with damage_naming(f"{directory.uri}/{RUN_FILE}"):
            config = Config.from_dict(value["config"])
            return cls(
                str(value["identity"]),
                config,
                dict(value["input"]),
                from_plain(Plan, value["plan"]),
                from_plain(CorpusStatistics, value["statistics"]),
                _read_digests(value["files"], config),
                int(value.get("tags", 0)),
                int(value.get("ngrams", 0)),
            )


def _read_digests(value: dict[str, Any], config: Config) -> dict[str, str]:
    digests = {str(name): str(found) for name, found in value.items()}
    drawn = set() if config.model.objective in COUNTED else {SAMPLING_FILE, UPDATE_STATISTICS_FILE}
    missing = {VOCABULARY_FILE, *drawn} - set(digests)
    if missing:
        raise ValueError(f"no digest of {', '.join(sorted(missing))}")
    return digests


def check_same(before: Config, now: Config, source: dict[str, Any], seen: dict[str, Any], directory: Directory) -> None:
    """Refuse to go on with another configuration or input.

    Parameters
    ----------
    source, seen : dict
        Fingerprints of the input of then and of now.

    Raises
    ------
    CheckpointMismatch
        Names the differences.
    """
    differences = compare_configs(before, now) or [
        f"input {key} was {source.get(key)}, is {seen.get(key)}"
        for key in ("files", "bytes", "digest", "version", "reading", "dictionary")
        if source.get(key) != seen.get(key)
    ]
    if differences:
        raise CheckpointMismatch(
            f"the run in {directory.uri} differs: {'; '.join(differences)}; give the same configuration and input, or "
            "start again with ", Name("overwrite"),
        )  # fmt: skip


def compare_configs(before: Config, now: Config) -> list[str]:
    """The keys in which two configurations differ, with both values."""
    old, new = before.to_dict(), now.to_dict()
    return [
        f"{section}.{key} was {old[section][key]!r}, is {new[section][key]!r}"
        for section in old
        for key in old[section]
        if old[section][key] != new[section][key]
    ]
