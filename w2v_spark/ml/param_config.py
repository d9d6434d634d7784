"""The configuration that Params stand for."""

from __future__ import annotations

from typing import Any, Final

from pyspark.ml.param import Params

from w2v_spark.config import Config
from w2v_spark.errors import ConfigError

CONFIG_KEYS: Final = {
    "vectorSize": ("model", "dim"),
    "numPartitions": ("train", "shards"),
    "minCount": ("vocabulary", "min_count"),
    "windowSize": ("model", "window"),
    "maxSentenceLength": ("text", "max_sentence_length"),
    "stepSize": ("train", "learning_rate"),
    "maxIter": ("train", "epochs"),
    "seed": ("train", "seed"),
    "architecture": ("model", "architecture"),
    "objective": ("model", "objective"),
    "negative": ("model", "negatives"),
    "noiseExponent": ("model", "noise_exponent"),
    "cbowMean": ("model", "cbow_mean"),
    "shrinkWindow": ("model", "shrink_window"),
    "vectors": ("model", "vectors"),
    "sample": ("train", "sample"),
    "minStepSize": ("train", "min_learning_rate"),
    "rounds": ("train", "rounds"),
    "threads": ("train", "threads"),
    "merge": ("train", "merge"),
    "maxVocabularySize": ("vocabulary", "max_size"),
    "tokenizer": ("text", "tokenizer"),
    "normalize": ("text", "normalize"),
    "lowercase": ("text", "lowercase"),
    "apostrophes": ("text", "apostrophes"),
    "sentences": ("text", "sentences"),
}
"""Section and key of each Param; those of `pyspark.ml.feature.Word2Vec` first."""

_AUTOMATIC: Final = ("numPartitions", "rounds")  # 0 is "auto"
_SEEDS: Final = 2**63


def default_values() -> dict[str, Any]:
    """The default of each Param that is a key of the configuration."""
    defaults = Config().to_dict()
    values = {name: defaults[section][key] for name, (section, key) in CONFIG_KEYS.items()}
    return {**values, **dict.fromkeys(_AUTOMATIC, 0), "lowercase": None}  # numbers and truth values know no "auto"


def build_config(params: Params) -> Config:
    """The configuration that the Params of an estimator ask for.

    Raises
    ------
    ConfigError
        A value is not allowed; the message names the Param beside the key.
    """
    values: dict[str, dict[str, Any]] = {}
    for name, (section, key) in CONFIG_KEYS.items():
        value = params.getOrDefault(name)
        if value is not None:
            values.setdefault(section, {})[key] = _as_setting(name, value)
    train = values["train"]
    if not params.isSet("minStepSize"):
        train["min_learning_rate"] = min(train["min_learning_rate"], train["learning_rate"])
    try:
        return Config.from_dict(values)
    except ConfigError as error:
        raise ConfigError(f"{_named(str(error))}") from error


def _as_setting(name: str, value: Any) -> Any:
    if name in _AUTOMATIC and value == 0:
        return "auto"
    if name == "seed":
        return value % _SEEDS  # Spark's are signed
    return max(value, 1) if name == "minCount" and value == 0 else value


def _named(message: str) -> str:
    """A message of the configuration with the Param's name in front, where it is about a key."""
    for name, (section, key) in CONFIG_KEYS.items():
        if message.startswith(f"{section}.{key} "):
            return f"Param {name}: {message}"
    return message
