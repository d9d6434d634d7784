"""The configuration of a run, and the one table of settings that it is made from."""

from w2v_spark.config.choices import (
    Apostrophes,
    Architecture,
    Freeze,
    Merge,
    Normalize,
    Objective,
    PublishedRows,
    Sentences,
    Tokenizer,
)
from w2v_spark.config.configuration import SETTINGS, Config
from w2v_spark.config.reading import preset_names
from w2v_spark.config.sections import (
    RENAMED,
    Auto,
    InferConfig,
    ModelConfig,
    RetrainConfig,
    TextConfig,
    TrainConfig,
    VocabularyConfig,
    WholeSentence,
)
from w2v_spark.config.setting import Entry, Setting

__all__ = [
    "RENAMED",
    "SETTINGS",
    "Apostrophes",
    "Architecture",
    "Auto",
    "Config",
    "Entry",
    "Freeze",
    "InferConfig",
    "Merge",
    "ModelConfig",
    "Normalize",
    "Objective",
    "PublishedRows",
    "RetrainConfig",
    "Sentences",
    "Setting",
    "TextConfig",
    "Tokenizer",
    "TrainConfig",
    "VocabularyConfig",
    "WholeSentence",
    "preset_names",
]
