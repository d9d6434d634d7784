"""What the tests of Spark Connect do in a process of their own: a process has classic sessions or those of Connect."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder, TrainValidationSplit
from pyspark.sql import DataFrame

from tests.commands import train
from tests.spark.main_job import arguments
from tests.spark.tuning import CountsCoordinates
from w2v_spark.errors import ConfigError, WordNotFound
from w2v_spark.estimator import Word2Vec, Word2VecModel
from w2v_spark.spark.session import get_session

SENTENCES = [["a", "b", "c", "a", "b"], ["a", "c", "d", "d"]] * 10


def main(folder: Path) -> dict[str, Any]:
    """Use all there is; what came of it, as plain values."""
    spark = get_session("w2v-spark tests", config={"spark.sql.shuffle.partitions": "3"})
    frame = spark.createDataFrame([(words,) for words in SENTENCES], "words array<string>")
    estimator = Word2Vec(
        vectorSize=4, minCount=1, rounds=2, numPartitions=2, sample=0.0, inputCol="words", outputCol="vector",
        runDirectory=str(folder / "runs"), verbose=False,
    )  # fmt: skip
    model = estimator.fit(frame)
    model.save(str(folder / "model"))
    model.write().overwrite().save(str(folder / "model"))
    estimator.write().overwrite().save(str(folder / "estimator"))
    loaded = Word2VecModel.load(str(folder / "model"))
    fitted = Pipeline(stages=[Word2Vec.load(str(folder / "estimator"))]).fit(frame)
    fitted.write().overwrite().save(str(folder / "fitted"))
    pipeline = PipelineModel.load(str(folder / "fitted"))
    pipeline.write().overwrite().save(str(folder / "fitted"))
    loaded.write().overwrite().save(str(folder / "model"))
    over_themselves = PipelineModel.load(str(folder / "fitted")), Word2VecModel.load(str(folder / "model"))
    result = {
        "session": type(spark).__module__,
        "vectors": {row.word: row.vector.toArray().tolist() for row in model.getVectors().collect()},
        "synonyms": [tuple(row) for row in model.findSynonyms("a", 2).collect()],
        "array": model.findSynonymsArray("a", 2),
        "means": [
            [row.vector.toArray().tolist() for row in each.transform(frame).collect()]
            for each in (model, loaded, pipeline, *over_themselves)
        ],
        "summary": model.summary.corpus,
        "tuned": tune(estimator, frame),
    }
    try:
        model.findSynonyms("nothing", 1)
    except WordNotFound as error:
        result["unknown"] = str(error)
    (folder / "elsewhere").mkdir()
    make = tempfile.mkdtemp
    tempfile.mkdtemp = lambda prefix, dir: make(prefix=prefix, dir=folder / "elsewhere")  # type: ignore[assignment]
    try:
        estimator.fit(frame)
    except ConfigError as error:
        result["not shared"] = str(error)
    tempfile.mkdtemp = make
    text = folder / "text.txt"
    text.write_text("".join(" ".join(words) + "\n" for words in SENTENCES))
    result["job"] = train(arguments(text, folder / "out", "--quiet", settings=["model.dim=4", "train.sample=0"]))
    return result


def tune(estimator: Word2Vec, frame: DataFrame) -> dict[str, Any]:
    """Choose between two dimensions in both ways that Spark has; their metrics, and what the best models are."""
    base = {estimator.rounds: 1, estimator.numPartitions: 1}
    grid = ParamGridBuilder().addGrid(estimator.vectorSize, [5, 3]).baseOn(base).build()
    common = {"estimatorParamMaps": grid, "evaluator": CountsCoordinates(), "seed": 1}
    validated = CrossValidator(estimator=estimator, numFolds=2, parallelism=2, **common).fit(frame)
    split = TrainValidationSplit(estimator=Pipeline(stages=[estimator]), **common).fit(frame)
    best = {"CrossValidator": validated.bestModel, "TrainValidationSplit": split.bestModel.stages[0]}
    return {
        "metrics": [[float(metric) for metric in each] for each in (validated.avgMetrics, split.validationMetrics)],
        "dim": {name: model.vectors_table.dim for name, model in best.items()},
        "documents": {name: model.summary.corpus["documents"] for name, model in best.items()},
        "sizes": [[row.vector.size for row in each.transform(frame).collect()] for each in (validated, split)],
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
