"""What the package itself offers, and what it says where PySpark is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import w2v_spark
from tests.unit.test_extras import import_without
from w2v_spark import estimator


def test_the_estimator_is_imported_when_it_is_asked_for() -> None:
    script = (
        "import sys, w2v_spark\n"
        "print('pyspark' in sys.modules, w2v_spark.Config.__name__, w2v_spark.KeyedVectors.__name__)\n"
        "from w2v_spark import Word2Vec, Word2VecModel\n"
        "print('pyspark' in sys.modules, Word2Vec.__module__, Word2VecModel.__module__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines() == [
        "False Config KeyedVectors",
        "True w2v_spark.estimator w2v_spark.estimator",
    ]


def test_all_that_is_announced_is_there() -> None:
    assert {getattr(w2v_spark, name) for name in w2v_spark.__all__} >= {estimator.Word2Vec, estimator.Word2VecModel}
    with pytest.raises(AttributeError, match="module 'w2v_spark' has no attribute 'Word3Vec'"):
        w2v_spark.Word3Vec  # noqa: B018


@pytest.mark.parametrize("module", ["w2v_spark.estimator", "w2v_spark; w2v_spark.Word2Vec"])
def test_without_pyspark_one_line_says_what_to_install(module: str) -> None:
    said = import_without(["pyspark"], module)
    assert said.startswith("MissingExtra pyspark is not installed; run: pip install 'w2v-spark[spark]'")
    assert said.count("\n") == 1
