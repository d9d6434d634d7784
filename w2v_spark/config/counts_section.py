"""The section [counts] of the table of settings: vectors made of counts, by ``ppmi_svd`` and ``lsa``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from w2v_spark.config.choices import Architecture, Freeze, Objective, PublishedRows, TermWeights
from w2v_spark.config.setting import setting
from w2v_spark.errors import ConfigError, Name

if TYPE_CHECKING:
    from w2v_spark.config.model_section import ModelConfig
    from w2v_spark.config.sections import TrainConfig

COUNTED = (Objective.PPMI_SVD, Objective.LSA)
"""The objectives that factorise counts, in the place of training by gradients."""


@dataclass(frozen=True, slots=True)
class CountsConfig:
    """How counts become vectors; for the objectives ``ppmi_svd`` and ``lsa`` only."""

    smoothing: float = setting(
        0.75,
        "`ppmi_svd`: contexts count by how often they occur to this power, so that rare ones do not stand out; 1: as "
        "they occur",
        0.0,
        1.0,
        param="contextSmoothing",
    )
    shift: float = setting(
        1.0,
        "`ppmi_svd`: the logarithm of this number is taken off all associations before negative ones become 0; 1: none",
        1.0,
        1_000.0,
        param="associationShift",
    )
    term_weights: TermWeights = setting(
        TermWeights.LOG_ENTROPY,
        "`lsa`: what the count of a word in a document becomes, before documents are brought to length 1",
        param="termWeights",
        gensim="`LogEntropyModel`, `TfidfModel`",
    )
    eigenvalue_weight: float = setting(
        0.5,
        "the power of the singular values that coordinates are multiplied by: 0 all alike, 1 as they are, which is "
        "worse for words",
        0.0,
        1.0,
        param="eigenvalueWeight",
    )
    iterations: int = setting(
        20,
        "steps of the decomposition, at most; it ends sooner where the singular values no longer change",
        1,
        1_000,
        param="maxSvdIterations",
        gensim="`power_iters` of `LsiModel` (2)",
    )
    oversampling: int = setting(
        100,
        "directions that are followed beyond the dimensions of the vectors, so that the last of these are right as "
        "well",
        0,
        4_096,
        param="svdOversampling",
        gensim="`extra_samples` of `LsiModel` (100)",
    )


def check_counted(model: ModelConfig, train: TrainConfig) -> None:
    """Refuse settings that mean nothing for counts but would be thought to. Raises `ConfigError`."""
    if model.objective not in COUNTED:
        return
    if model.architecture is not Architecture.SKIPGRAM:
        raise _refused(
            "model.architecture", model.architecture, model, "counts have no architecture, and documents get no "
            "vectors", "'skipgram', which stands for none",
        )  # fmt: skip
    if model.subwords:
        raise _refused("model.subwords", "true", model, "n-grams of words are not counted", "false", quotes="")
    if train.freeze is not Freeze.NONE:
        raise _refused("train.freeze", train.freeze, model, "there are no weights to begin with", "'none'")
    if model.objective is Objective.LSA and model.published_rows is not PublishedRows.INPUT:
        raise _refused(
            "model.published_rows", model.published_rows, model, "words have one vector each, and the others are "
            "those of documents", "'input'",
        )  # fmt: skip


def _refused(key: str, value: str, model: ModelConfig, why: str, expected: str, quotes: str = "'") -> ConfigError:
    return ConfigError(
        Name(key), f" = {quotes}{value}{quotes} is not allowed with ", Name("model.objective"),
        f" = '{model.objective}': {why}; expected {expected}, or choose ", Name("model.objective"),
        " = 'negative_sampling'",
    )  # fmt: skip
