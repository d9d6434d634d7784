"""What is known of a model's training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from w2v_spark.publishing.description import ModelDescription, read_history, read_steps, to_html
from w2v_spark.storage import Directory


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """How a model was trained.

    Attributes
    ----------
    history : list of dict
        A round each: ``round``, ``tokens``, ``kept``, ``pairs``, ``loss`` (nats a pair), ``learning_rate``,
        ``words_per_second``, ``seconds`` and more; see `w2v_spark.training.history.RoundRecord`.
    corpus : dict
        ``documents``, ``sentences``, ``tokens``, ``distinct_words``, ``vocabulary_size``, ``kept_tokens`` and more.
    seconds : dict
        Wall time of each stage (``count``, ``encode``, ``train``, ``publish``), of all ``rounds``, and ``total``.
    plan : dict
        ``shards``, ``rounds`` and ``epochs``: what "automatic" became.
    config : dict
        The whole configuration by sections.
    steps : list of dict
        In the place of rounds where counts were decomposed; see `w2v_spark.counting.stages.StepRecord`.
    """

    history: list[dict[str, Any]]
    corpus: dict[str, Any]
    seconds: dict[str, float]
    plan: dict[str, Any]
    config: dict[str, dict[str, Any]]
    steps: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, directory: Directory) -> TrainingSummary:
        """From the files of a model. Raises `StoreError` if one is missing or damaged."""
        model = ModelDescription.read(directory).to_dict()
        return cls(
            read_history(directory),
            model["corpus"],
            model["timings"],
            model["plan"],
            model["config"],
            read_steps(directory),
        )

    @property
    def loss(self) -> list[float]:
        """The mean loss of each round, nats a pair."""
        return [float(record["loss"]) for record in self.history]

    @property
    def total_iterations(self) -> int:
        """Epochs."""
        return int(self.plan["epochs"])

    def __str__(self) -> str:
        corpus, plan = self.corpus, self.plan
        text = (
            f"{corpus['documents']:,} documents, {corpus['tokens']:,} words, vocabulary {corpus['vocabulary_size']:,}; "
        )
        if self.steps:
            return f"{text}{len(self.steps)} steps of a decomposition; {self.seconds['total']:.1f} s"
        losses = [float(record["loss"]) for record in self.history if record["pairs"]] or [0.0]
        return (
            f"{text}{plan['shards']} shards x {plan['rounds']} rounds, loss {losses[0]:.4f} to {losses[-1]:.4f}; "
            f"{self.seconds['total']:.1f} s"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows at the end of a cell: the line of ``str`` and a table of the rounds."""
        if self.steps:
            keys = ("step", "largest", "smallest", "change")
            shown = [[f"{record[key]:.5g}" for key in keys] for record in self.steps]
            return to_html(str(self), keys, shown)
        names = ("round", "words", "loss", "learning rate", "words/s", "seconds")
        rows = [
            (
                f"{record['round'] + 1}",
                f"{record['tokens']:,}",
                f"{record['loss']:.4f}",
                f"{record['learning_rate']:.5f}",
                f"{record['words_per_second']:,.0f}",
                f"{record['seconds']['total']:.1f}",
            )
            for record in self.history
        ]
        return to_html(str(self), names, rows)
