"""Infer vectors of documents without Spark on one core, in a process of its own that reports its time."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import timed
from benchmarks.labelled import Tokens

FEW = 10  # documents, so that the kernels are compiled


def main(argv: Sequence[str] | None = None) -> int:
    """Infer, and write how long it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="directory that the training has written")
    parser.add_argument("--tokens", type=Path, required=True, help="Parquet file with 'id' and 'words'")
    parser.add_argument("--epochs", type=int, required=True, help="passes over a document")
    parser.add_argument("--report", type=Path, required=True, help="JSON file for the time")
    options = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    package: Any = importlib.import_module("w2v_spark")
    documents = list(Tokens.read(options.tokens))
    with timed() as loading:
        inference = package.DocumentInference.load(str(options.model), epochs=options.epochs)
    inference.infer(documents[:FEW])
    with timed() as timing:
        vectors = inference.infer(documents)
    report = {
        "documents": len(vectors),
        "epochs": options.epochs,
        "load_seconds": loading.seconds,
        "seconds": timing.seconds,
    }
    options.report.write_text(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
