"""The secret that Spark's processes know each other by: kept out of the list of processes, and read from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyspark

from w2v_spark.errors import ConfigError
from w2v_spark.redaction import is_secret

_ENABLED: Final = "spark.authenticate"
_SECRET: Final = "spark.authenticate.secret"
_FILE: Final = "spark.authenticate.secret.file"
_VARIABLE: Final = "_SPARK_AUTH_SECRET"  # Spark's own, by which a worker tells it to executors


def without_secrets(settings: Mapping[str, str]) -> pyspark.SparkConf:
    """What Java is started with, and everybody sees in the list of processes; the context is told the rest."""
    return pyspark.SparkConf().setAll([(key, value) for key, value in settings.items() if not is_secret(key)])


def with_secret(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a driver with the secret of its cluster, for which Spark's own master has no other way.

    Spark makes a secret by itself for YARN, Kubernetes and a local master. With its own master a driver demands the
    setting ``spark.authenticate.secret``, and takes the file that ``spark.authenticate.secret.file`` names only on
    Kubernetes. Here that file, or the environment variable by which Spark's daemons are told, is enough.

    Parameters
    ----------
    settings : mapping of str to str
        Those that come on top of what Java was started with.

    Raises
    ------
    ConfigError
        The cluster asks for a secret, and there is none.
    """
    started = pyspark.SparkConf()

    def value(key: str) -> str:
        return settings.get(key) or started.get(key) or ""

    if value(_ENABLED).lower() != "true" or value(_SECRET) or not value("spark.master").startswith("spark://"):
        return dict(settings)
    if from_environment := os.environ.get(_VARIABLE):
        return {**settings, _SECRET: from_environment}
    file = value(_FILE)
    try:
        secret = Path(file).read_text(encoding="utf-8").strip() if file else ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{_FILE} = {file} cannot be read: {reason}; the cluster knows its drivers by it") from None
    if not secret:
        raise ConfigError(f"{_ENABLED} is true and there is no secret: name the file that holds it, {_FILE}")
    return {**settings, _SECRET: secret}
