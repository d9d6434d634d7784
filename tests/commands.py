"""The commands of ``w2v-spark`` as functions: each takes the arguments after its name and returns the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from w2v_spark.cli.main import main


def _command(name: str) -> Callable[[Sequence[str]], int]:
    return lambda arguments: main([name, *arguments])


train = _command("train")
evaluate = _command("evaluate")
report = _command("report")
explore = _command("explore")
neighbours = _command("neighbours")
topics = _command("topics")
export = _command("export")
import_vectors = _command("import")
infer = _command("infer")
retrain = _command("retrain")
phrases = _command("phrases")
demo = _command("demo")
align = _command("align")
translate = _command("translate")
drift = _command("drift")
