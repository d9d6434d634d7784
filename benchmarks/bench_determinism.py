"""Train on one core, on two cores and on a cluster of two workers, and compare the vectors bit for bit."""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import (
    ROOT,
    add_data_argument,
    data_files,
    print_table,
    setting_arguments,
    spark_environment,
    timed,
    write_result,
)
from tests.spark.cluster import standalone_cluster
from w2v_spark.vectors.keyed_vectors import KeyedVectors

TRAIN = ROOT / "jobs" / "train.py"
SHARDS = 4
SETTINGS = (f"train.shards={SHARDS}", "train.epochs=2", "train.rounds=6", "train.sample=1e-4")

Digests = dict[str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Train three times, compare digests, write ``results/determinism.json``. Returns 1 when any differ."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name:
        work = Path(name)
        corpus = write_sample(options.data, work / "corpus", options.documents)
        arguments = ["--input", str(corpus), "--format", "parquet", *setting_arguments([*SETTINGS, *options.set])]
        runs: dict[str, dict[str, float | str]] = {}
        for number, master in enumerate(("local[1]", "local[2]", "2 workers")):
            output = work / f"run-{number}"
            with timed() as timing:
                (_train_on_cluster if master == "2 workers" else _train_locally)(master, arguments, output)
            runs[master] = {"seconds": timing.seconds, **digest(output / "vectors")}
    _print(runs)
    same = {key: len({str(run[key]) for run in runs.values()}) == 1 for key in ("vectors", "words", "files")}
    print("".join(f"{key} are {'identical' if equal else 'DIFFERENT'}\n" for key, equal in same.items()))
    write_result("determinism", {"documents": options.documents, "shards": SHARDS, "runs": runs, "identical": same})
    return 0 if all(same.values()) else 1


def write_sample(data: Path, directory: Path, documents: int) -> Path:
    """Write the first documents of a corpus, in four files so that there is something to distribute."""
    tables = []
    for file in data_files(data):
        tables.append(pq.read_table(file, columns=["text"]))
        if sum(map(len, tables)) >= documents:
            break
    directory.mkdir()
    per_file = -(-documents // 4)
    sample = pa.concat_tables(tables)[:documents]
    for part in range(4):
        pq.write_table(sample[part * per_file : (part + 1) * per_file], directory / f"part-{part}.parquet")
    return directory


def digest(vectors: Path) -> Digests:
    """SHA-256 of the matrix in rank order, of the words, and of the Parquet files as they lie on disk."""
    table = KeyedVectors.load(vectors)
    files = hashlib.sha256()
    for file in sorted(vectors.glob("*.parquet")):
        files.update(file.read_bytes())
    return {
        "vectors": hashlib.sha256(table.matrix.tobytes()).hexdigest(),
        "words": hashlib.sha256("\n".join(table.words).encode()).hexdigest(),
        "files": files.hexdigest(),
    }


def _train_locally(master: str, arguments: Sequence[str], output: Path) -> None:
    command = [sys.executable, str(TRAIN), *arguments, "--output", str(output)]
    subprocess.run(command, env=spark_environment(master), cwd=output.parent, check=True)


def _train_on_cluster(name: str, arguments: Sequence[str], output: Path) -> None:
    """Through ``spark-submit`` on two worker processes, which get the package shipped."""
    directory = output.with_name("cluster")
    directory.mkdir()
    with standalone_cluster(directory, workers=2, cores=1) as cluster:
        done = cluster.submit(TRAIN, *arguments, "--output", str(output), timeout=1800)
        if done.returncode:
            sys.exit(f"the main job on {name} ended with exit code {done.returncode}\n{done.stdout}\n{done.stderr}")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--documents", type=int, default=2000, help="size of the sample (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the main job")
    return parser.parse_args(argv)


def _print(runs: dict[str, dict[str, float | str]]) -> None:
    digests = ("vectors", "words", "files")
    rows = [(name, f"{run['seconds']:.1f}", *(str(run[key])[:16] for key in digests)) for name, run in runs.items()]
    print_table(("master", "seconds", *digests), rows)


if __name__ == "__main__":
    sys.exit(main())
