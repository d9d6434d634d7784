"""The configuration of a run, and the one table of settings that it is made from."""

from w2v_spark.config.alphabets import AMBIGUOUS, LETTERS, k_range
from w2v_spark.config.choices import (
    Alphabet,
    Apostrophes,
    Architecture,
    Freeze,
    Merge,
    Normalize,
    Objective,
    PublishedRows,
    ReverseComplement,
    Sentences,
    TermWeights,
    Tokenizer,
    UnknownLetters,
)
from w2v_spark.config.configuration import SETTINGS, Config
from w2v_spark.config.counts_section import COUNTED, CountsConfig
from w2v_spark.config.model_section import ModelConfig, WholeSentence
from w2v_spark.config.reading import preset_names
from w2v_spark.config.sections import (
    RENAMED,
    InferConfig,
    RetrainConfig,
    TrainConfig,
    VocabularyConfig,
)
from w2v_spark.config.setting import Entry, Setting
from w2v_spark.config.text_section import Auto, TextConfig

__all__ = [
    "AMBIGUOUS",
    "COUNTED",
    "LETTERS",
    "RENAMED",
    "SETTINGS",
    "Alphabet",
    "Apostrophes",
    "Architecture",
    "Auto",
    "Config",
    "CountsConfig",
    "Entry",
    "Freeze",
    "InferConfig",
    "Merge",
    "ModelConfig",
    "Normalize",
    "Objective",
    "PublishedRows",
    "RetrainConfig",
    "ReverseComplement",
    "Sentences",
    "Setting",
    "TermWeights",
    "TextConfig",
    "Tokenizer",
    "TrainConfig",
    "UnknownLetters",
    "VocabularyConfig",
    "WholeSentence",
    "k_range",
    "preset_names",
]
