"""The demo's text: the English documentation that comes with any installation of this project.

Docstrings, long texts and comments are read from the *source* of the standard library and of the libraries the
project depends on. Nothing is imported, so nothing is run.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import itertools
import multiprocessing
import os
import re
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.errors import ConfigError, Name

LIBRARIES = ("numpy", "pandas", "pyarrow", "pyspark", "numba", "llvmlite", "py4j", "dateutil")
SCHEMA = pa.schema([("source", pa.string()), ("module", pa.string()), ("text", pa.string())])

MIN_WORDS = 6  # shorter passages are mostly names, formats and commented-out code
MARK = "_W2V_DEMO"  # in a directory that this module has written, whose files it may replace; Spark does not read it
PARTS = 4  # files of the dataset, so that a local Spark reads it with more than one task

_WORD = re.compile(r"\w+")
_CYTHON_TEXT = re.compile(r'"""(.*?)"""', re.DOTALL)
_HASH_BLOCK = re.compile(r"(?:^[ \t]*#.*\n?)+", re.MULTILINE)
_SLASH_BLOCK = re.compile(r"(?:^[ \t]*//.*\n?)+|/\*(?s:.*?)\*/", re.MULTILINE)
_COMMENT_MARK = re.compile(r"^[ \t]*(?:#+:?|//+[!<]*|/\*+|\*+/?)[ \t]?|[ \t]*\*/[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Passage:
    """One docstring, long text or block of comments."""

    source: str
    module: str
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What a corpus holds, per source."""

    passages: Mapping[str, int]
    words: Mapping[str, int]


def source_roots() -> dict[str, Path]:
    """The directories to read: the standard library first, then every installed library of `LIBRARIES`."""
    roots = {"python": Path(sysconfig.get_paths()["stdlib"])}
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)  # of a top-level name: finds the file, imports nothing
        if spec is not None and spec.origin is not None:
            roots[name] = Path(spec.origin).parent
    return roots


def collect(roots: Mapping[str, Path], workers: int | None = None) -> Iterator[Passage]:
    """Read all passages below some directories, each text once, always in the same order.

    Parameters
    ----------
    roots : mapping of source name to directory
    workers : processes that parse; 1 parses in this process, None takes one per core.

    Yields
    ------
    Passage
        By source as given, then by path, then by place in the file. Of equal texts (whitespace aside) only
        the first is kept: libraries copy docstrings along their class trees, and every file repeats the licence.
    """
    files = [(root, path, source) for source, root in roots.items() for path in _source_files(root)]
    seen: set[str] = set()
    for passages in _map_files(files, workers or os.cpu_count() or 1):
        for passage in passages:
            key = " ".join(passage.text.split())
            if key not in seen:
                seen.add(key)
                yield passage


def write_corpus(passages: Iterable[Passage], directory: Path) -> Summary:
    """Write passages as a Parquet dataset of columns ``source``, ``module`` and ``text``.

    The order is kept over the part files. An earlier corpus is replaced.

    Raises
    ------
    ConfigError
        There is something else in the directory.
    """
    check_directory(directory)
    rows = list(passages)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARK).touch()
    per_part = -(-len(rows) // PARTS)
    for part in range(PARTS):
        block = rows[part * per_part : (part + 1) * per_part]
        table = pa.Table.from_pylist([dataclasses.asdict(row) for row in block], schema=SCHEMA)
        pq.write_table(table, directory / f"part-{part:05d}.parquet", compression="zstd")
    return _summarise(rows)


def check_directory(directory: Path) -> None:
    """Refuse a directory of somebody else's. Raises `ConfigError`."""
    is_ours = (directory / MARK).is_file()
    if directory.exists() and not is_ours and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigError(
            Name("output"),
            f" {directory.parent} holds {directory.name}, which no demo has written; choose another path",
        )


def read_passages(root: Path, path: Path, source: str) -> list[Passage]:
    """All passages of one source file; a file that cannot be read or parsed gives what can be had, never an error."""
    try:
        code = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError:
        return []
    parts = path.relative_to(root).with_suffix("").parts
    if path.suffix == ".h":
        texts = _comments(code, _SLASH_BLOCK)
    elif path.suffix in (".pyx", ".pxi"):
        texts = [*_CYTHON_TEXT.findall(code), *_comments(code, _HASH_BLOCK)]
    elif {"test", "tests"}.intersection(parts):  # comments only: test data is no documentation, and slow to parse
        texts = _comments(code, _HASH_BLOCK)
    else:
        texts = [*_python_texts(code), *_comments(code, _HASH_BLOCK)]
    module = ".".join(parts if source == "python" else (source, *parts)).removesuffix(".__init__")
    return [Passage(source, module, text) for text in texts if len(_WORD.findall(text)) >= MIN_WORDS]


def _python_texts(code: str) -> list[str]:
    """String literals in the order of the file: docstrings, and help texts, templates and messages as well."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    literals = [(node.lineno, node.col_offset, node.value) for node in constants if isinstance(node.value, str)]
    return [inspect.cleandoc(text) for _, _, text in sorted(literals)]


def _comments(code: str, block: re.Pattern[str]) -> list[str]:
    """Blocks of comments without their comment marks."""
    return [_COMMENT_MARK.sub("", match.group()).strip() for match in block.finditer(code)]


def _source_files(root: Path) -> list[Path]:
    """Source files below a directory in the order of their paths; packages installed inside it are not part of it."""
    suffixes = {".py", ".pyi", ".pyx", ".pxi", ".h"}
    foreign = {"site-packages", "dist-packages"}
    paths = (path.relative_to(root) for path in root.rglob("*") if path.suffix in suffixes)
    return [root / path for path in sorted(paths) if not foreign.intersection(path.parts)]


def _map_files(files: list[tuple[Path, Path, str]], workers: int) -> Iterator[list[Passage]]:
    if workers == 1:
        yield from itertools.starmap(read_passages, files)
        return
    # Spawned, not forked: the caller may have threads (Arrow's, a JVM gateway's).
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(read_passages, *zip(*files, strict=True), chunksize=32)


def _summarise(rows: Iterable[Passage]) -> Summary:
    passages: dict[str, int] = {}
    words: dict[str, int] = {}
    for row in rows:
        passages[row.source] = passages.get(row.source, 0) + 1
        words[row.source] = words.get(row.source, 0) + len(_WORD.findall(row.text))
    return Summary(passages, words)
