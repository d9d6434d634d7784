"""A small corpus of documents with names and tags, how it is trained on, and what is published of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tests.commands import infer, train
from w2v_spark.publishing.part_names import is_named_by_content

TOPICS, LONG = 3, 30_000
UNKNOWN = "zzz qqq"
SETTINGS = (
    "vocabulary.min_count=2", "model.dim=8", "train.epochs=2", "train.rounds=3", "train.shards=3", "train.sample=0",
)  # fmt: skip


def build_rows(number: int = 60, seed: int = 0) -> list[dict[str, Any]]:
    """Documents of one topic each; the first is very long, one has no known word, and one is null.

    A row has a ``name``, ``text``, a ``party`` or null, and ``themes``, a list, which may be empty or null.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for n in range(number):
        topic = n % TOPICS
        words = [f"t{topic}w{random.integers(8)}" for _ in range(LONG if n == 0 else random.integers(3, 30))]
        text = " ".join(words[:20]) + ". " + " ".join(words[20:])
        party = None if n % 7 == 3 else f"party {topic}"
        themes = [["even", "all"], ["all", "all", None], [], None][n % 4]
        rows.append({"name": 10 * n, "text": text, "party": party, "themes": themes})
    rows[5]["text"], rows[6]["text"] = UNKNOWN, None
    rows[5]["party"] = "nobody"
    return rows


def write_rows(folder: Path, rows: Sequence[dict[str, Any]], files: int = 1, **types: pa.DataType) -> Path:
    """As Parquet, in so many files."""
    folder.mkdir(parents=True)
    known = {"name": pa.int64(), "text": pa.string(), "party": pa.string(), "themes": pa.list_(pa.string())} | types
    schema = pa.schema([(name, known[name]) for name in rows[0]])
    for number in range(files):
        pq.write_table(pa.Table.from_pylist(list(rows[number::files]), schema), folder / f"part-{number}.parquet")
    return folder


def arguments(
    source: Path, output: Path, *options: str, settings: Sequence[str] = (), to: str = "--output"
) -> list[str]:
    changes = [item for setting in (*SETTINGS, *settings) for item in ("--set", setting)]
    return ["--input", str(source), "--format", "parquet", to, str(output), "--quiet", *changes, *options]


NAMED = ("--id", "name")
TAGGED = (*NAMED, "--tag", "party", "--tag", "themes")


def run(source: Path, output: Path, *options: str, settings: Sequence[str] = ()) -> Path:
    """Train, expecting success."""
    assert train(arguments(source, output, *options, settings=settings)) == 0
    return output


def run_infer(model: Path, source: Path, output: Path, *options: str) -> Path:
    """Infer, expecting success."""
    begin = ["--model", str(model), "--input", str(source), "--format", "parquet", "--output", str(output), "--quiet"]
    assert infer([*begin, *options]) == 0
    return output


def tokens_of(rows: Sequence[dict[str, Any]]) -> dict[Any, int]:
    """How many known words each document has, those without any left out; words count that occur twice."""
    words = {row["name"]: (row["text"] or "").replace(".", "").split() for row in rows}
    counts = Counter(word for some in words.values() for word in some)
    found = {name: sum(counts[word] > 1 for word in some) for name, some in words.items()}
    return {name: tokens for name, tokens in found.items() if tokens}


def tags_of(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, int]]:
    """The documents that have each tag, and their known words."""
    tokens, found = tokens_of(rows), dict[tuple[str, str], tuple[int, int]]()
    for row in rows:
        for tag, values in (("party", [row["party"]]), ("themes", row["themes"] or [])):
            for value in {each for each in values if each is not None}:
                if row["name"] in tokens:
                    documents, words = found.get((tag, value), (0, 0))
                    found[tag, value] = documents + 1, words + tokens[row["name"]]
    return found


def content(output: Path) -> dict[str, list[bytes]]:
    """The bytes of all tables, file by file."""
    return {table.name: [file.read_bytes() for file in sorted(table.iterdir())] for table in _tables(output)}


def numbers(output: Path) -> dict[str, pa.Table]:
    """All tables without what their files say of the run."""
    return {table.name: pq.read_table(table).replace_schema_metadata() for table in _tables(output)}


def _tables(output: Path) -> list[Path]:
    return [output / name for name in ("vectors", "documents", "tags") if (output / name).exists()]


@dataclass
class Tables:
    """What has been published."""

    output: Path
    documents: pa.Table = field(init=False)
    vectors: dict[Any, npt.NDArray[np.float32]] = field(init=False)

    def __post_init__(self) -> None:
        files = sorted((self.output / "documents").iterdir())
        assert [file.name[:11] for file in files] == [f"part-{number:05d}-" for number in range(len(files))]
        assert all(is_named_by_content(file.name) for file in files)
        self.documents = pq.read_table(self.output / "documents")
        self.vectors = dict(zip(self.ids, map(_vector, self.documents["vector"].to_pylist()), strict=True))
        assert len(self.vectors) == len(self.documents)

    @property
    def ids(self) -> list[Any]:
        return self.documents["id"].to_pylist()

    @property
    def tokens(self) -> dict[Any, int]:
        return dict(zip(self.ids, self.documents["tokens"].to_pylist(), strict=True))

    @property
    def tags(self) -> dict[tuple[str, str], tuple[int, int]]:
        rows = pq.read_table(self.output / "tags").to_pylist()
        return {(row["tag"], row["value"]): (row["documents"], row["tokens"]) for row in rows}

    @property
    def words(self) -> npt.NDArray[np.float32]:
        return np.array(pq.read_table(self.output / "vectors")["vector"].to_pylist(), np.float32)


def _vector(values: list[float] | None) -> Any:
    return None if values is None else np.array(values, np.float32)
