"""The table of settings: a new setting is one entry here. All else that knows of settings is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from w2v_spark.config.choices import Freeze, Merge
from w2v_spark.config.setting import setting
from w2v_spark.config.text_section import Auto

RENAMED: Final = {"model.vectors": "model.published_rows"}
"""Keys of earlier versions, which are refused with the name of today."""


@dataclass(frozen=True, slots=True)
class VocabularyConfig:
    """Which words get a vector."""

    min_count: int = setting(
        5,
        "occurrences that a word needs to get a vector",
        1,
        2**62,
        param="minCount",
        param_note="0 is taken as 1",
        gensim="`min_count`",
        mllib="`minCount`",
        mllib_default="5",
        c_program="`-min-count`",
    )
    max_size: int = setting(
        0,
        "keep only so many of the most frequent words; 0: all",
        0,
        2**31 - 1,
        param="maxVocabularySize",
        gensim="`max_final_vocab`",
    )


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How it is trained. ``shards`` and ``rounds`` are part of the result, the cluster is not.

    With ``threads`` above 1 the result differs a little from run to run.
    """

    epochs: int = setting(
        5,
        "passes over the corpus",
        1,
        10_000,
        param="maxIter",
        param_default=1,
        param_note="1 as in MLlib; 5, the default of the command, is better for all but large corpora",
        gensim="`epochs`",
        mllib="`maxIter` (1)",
        mllib_default="1",
        c_program="`-iter`",
    )
    learning_rate: float = setting(
        0.025,
        "learning rate at the start",
        above=0.0,
        high=10.0,
        param="stepSize",
        param_note="falls to `minStepSize` over all epochs",
        gensim="`alpha`",
        mllib="`stepSize`",
        mllib_default="0.025",
        c_program="`-alpha`",
    )
    min_learning_rate: float = setting(
        0.0001,
        "learning rate at the end, reached in a straight line",
        0.0,
        10.0,
        limit="not above `train.learning_rate`",
        param="minStepSize",
        param_note="`stepSize` where that is less",
        gensim="`min_alpha`",
        mllib="1e-4 of the start",
        c_program="1e-4 of the start",
    )
    sample: float = setting(
        1e-3,
        "words above this share of the corpus are skipped now and then; 0: never",
        0.0,
        1.0,
        param="sample",
        gensim="`sample`",
        c_program="`-sample`",
    )
    held_out: float = setting(
        0.0,
        "share of the documents that is not trained on, so that the loss on them can be a gate; a document's content "
        "decides",
        0.0,
        0.5,
    )
    shards: int | Auto = setting(
        "auto",
        'parts of the corpus that are trained side by side; "auto": the cores of the cluster, divided by `threads`, or '
        "as many fewer as a short run is done sooner with",
        1,
        65_536,
        param="numPartitions",
        param_note="0: automatic. MLlib's 1 keeps one core busy, since more make its vectors worse; here the number "
        "hardly matters to the vectors, so it follows the cluster and the length of the run. A number that is set is "
        "kept",
        mllib="`numPartitions` (1)",
        mllib_default="1",
    )
    threads: int = setting(
        1,
        "threads of each shard on one copy of the weights, for models too large for a copy a core; above 1 the vectors "
        "vary a little from run to run",
        1,
        256,
        limit="not above the cores of a `local[N]` master",
        param="threads",
        gensim="`workers`",
        c_program="`-threads`",
    )
    rounds: int | Auto = setting(
        "auto",
        'how often the shards meet in the whole run; "auto": 23 times the square root of the shards, more beyond 300 '
        "million words",
        1,
        100_000,
        param="rounds",
        mllib="`maxIter` (1)",
    )
    noise_pool: int | Auto = setting(
        "auto",
        "words that are drawn, anew for each stretch of eight times as many words of the text, to draw its noise from, "
        'so that their rows stay at hand; 0: noise comes from all words; "auto": 512 for skip-gram, '
        "8,192 words or more, and one shard or slices of twelve times as many words; for short slices a 16th of their "
        "noise, at least 8,192 and at most a quarter of all words; else 0",
        0,
        1 << 24,
    )
    merge: Merge = setting(
        Merge.CURVATURE, "how they meet: the corrected mean, or the plain one", param="merge", mllib="mean"
    )
    freeze: Freeze = setting(
        Freeze.NONE,
        "matrix that stays as it is while the other one is trained, for spaces that are aligned from the start; needs "
        "weights to begin with",
        gensim="`vectors_lockf` for the input matrix",
    )
    seed: int = setting(
        1,
        "another seed, other starting weights, order of the corpus and random draws",
        0,
        2**63 - 1,
        param="seed",
        param_note="the same vectors in every process; negative seeds are taken modulo 2^63",
        gensim="`seed`",
        mllib="`seed`",
        mllib_default="a hash of the class name, another one in each Python process",
    )


@dataclass(frozen=True, slots=True)
class RetrainConfig:
    """How a version is made of the one before and of new text; the other sections stay those of the first version."""

    epochs: int = setting(3, "passes over the new text and the older text that is drawn again", 1, 10_000)
    learning_rate: float = setting(
        0.05, "learning rate at the start", above=0.0, high=10.0, gensim="`start_alpha` of `train`"
    )
    min_learning_rate: float = setting(
        0.0001, "learning rate at the end", 0.0, 10.0, limit="not above `retrain.learning_rate`",
        gensim="`end_alpha` of `train`",
    )  # fmt: skip
    sample: float | Auto = setting(
        "auto",
        "threshold of subsampling in continued training, which has more to teach of rare words than of frequent ones; "
        '"auto": 0.15 times `train.sample`; 0 keeps every word',
        0.0,
        1.0,
    )
    replay: float = setting(
        0.2,
        "share of the older text that is trained once more, other documents each time, so that words which the new "
        "text lacks do not stay behind; 0: none",
        0.0,
        1.0,
    )
    interpolation: float = setting(
        0.4,
        "how much of the way from the old to the newly trained weights words go, which averages what the new text "
        "teaches with what is known; a word that is mostly new goes further; 1: all the way",
        above=0.0,
        high=1.0,
    )
    half_life: float = setting(
        0.0,
        "retrainings after which counts of older text count half, which lets old words go; 0: they count for ever",
        0.0,
        1e6,
    )
    drift_words: int = setting(
        10_000, "most frequent words whose ten nearest neighbours are compared with those of before", 1, 2**31 - 1
    )


@dataclass(frozen=True, slots=True)
class InferConfig:
    """How vectors of documents that the model has not seen are trained; all else is the model's."""

    epochs: int = setting(
        20,
        "passes over a document that is inferred",
        1,
        10_000,
        document_param="inferEpochs",
        gensim="`epochs` of `infer_vector`",
    )
    learning_rate: float = setting(
        0.025, "learning rate of inference at the start", above=0.0, high=10.0, document_param="inferStepSize",
        gensim="`alpha` of `infer_vector`",
    )  # fmt: skip
    min_learning_rate: float = setting(
        0.0001, "learning rate of inference at the end", 0.0, 10.0, limit="not above `infer.learning_rate`",
        gensim="`min_alpha` of `infer_vector`",
    )  # fmt: skip
