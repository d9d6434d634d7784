"""The names of everything in an output directory, and how to tell that this program has made it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.part_names import PART
from w2v_spark.storage import Directory

SUCCESS_FILE: Final = "_SUCCESS"
MODEL_FILE: Final = "model.json"
HISTORY_FILE: Final = "history.json"
PAGE_FILE: Final = "report.html"
PAGE_MARK: Final = '<meta name="generator" content="w2v-spark report">'
"""Stands within the first 1,000 bytes of every page about a model."""
VECTORS: Final = "vectors"
DOCUMENTS: Final = "documents"
TAGS: Final = "tags"
NGRAMS: Final = "ngrams"
TABLES: Final = (VECTORS, DOCUMENTS, TAGS, NGRAMS)
DICTIONARY: Final = "dictionary.parquet"
"""Which words of a text, or runs of them, stand for a concept, in a result and in a run."""
PHRASES: Final = "phrases.parquet"
"""To which the words of a text are joined, in a result and in a run."""
RUN: Final = "_run"
RUN_FILE: Final = "run.json"
MARK_FILE: Final = "w2v_spark.json"
"""Written first into every directory of work in progress."""

LOCK_FILE: Final = "lock.json"
"""Says who is at work in an output or a root of versions."""

# A root of versions, and what a version has beyond a plain result.
CURRENT_FILE: Final = "CURRENT"
VERSIONS: Final = "versions"
PINS_FILE: Final = "pins.json"
SWITCHES_FILE: Final = "switches.json"
CHANGE_LOCK_FILE: Final = "_change.json"
MANIFEST_FILE: Final = "manifest.json"
REPORT_FILE: Final = "report.json"
STATE: Final = "state"
SAMPLING_FILE: Final = "sampling.npz"
"""What inference draws from, in the state of a model of documents, and in a run."""

COUNTS: Final = "counts"
WORDS: Final = "words"
DRIFT: Final = "drift"
ROTATION_FILE: Final = "rotation.npy"
TARGET: Final = "target"
"""The table of the space onto which another one was mapped, where it was moved as well."""
MAP_FILE: Final = "map.json"
"""Of which files a map, or an export of one, is made."""
NOISE: Final = "noise"
"""What seeds differ by, of each configuration: a folder of a root."""

METADATA_PREFIX: Final = "w2v."
"""Of all keys that this program writes into a Parquet file."""

_LOCK_ASIDE: Final = re.compile(r"lock\.json(\.[0-9a-f]{32}\.(tmp|old|claim))+")
"""What a process that was killed while it took a lock may leave behind."""


_PARTS: Final = (*TABLES, DICTIONARY, PHRASES, STATE, MODEL_FILE, HISTORY_FILE, PAGE_FILE, ROTATION_FILE, TARGET)


def other_parts(names: Sequence[str]) -> list[str]:
    """What a result with word vectors may have beside some parts, and an earlier one in its place may have had."""
    return [name for name in _PARTS if name not in names]


class Kind(StrEnum):
    """What an output directory holds."""

    VECTORS = "vector table"
    DOCUMENTS = "table of documents"
    NEIGHBOURS = "table of neighbours"
    TOPICS = "result of topics"
    PHRASES = "table of phrases"
    DRIFT = "table of drift"
    MAP = "map"


def find_foreign(directory: Directory, kind: Kind) -> str | None:
    """The first thing in an output directory that this program has not made; None if there is none.

    Parameters
    ----------
    directory : Directory
        It may be missing, or hold a part of a result.
    kind : Kind

    Returns
    -------
    str or None
        Its path below the directory.

    Notes
    -----
    Parquet files are told by the keys in their footers, JSON files by their content, work in progress by a file that
    is written first. An empty ``_SUCCESS``, which Spark writes as well, belongs to what lies beside it.
    """
    own = _ENTRIES[kind]
    for info in directory.list():
        if _LOCK_ASIDE.fullmatch(info.base_name):
            continue
        test = own.get(info.base_name) or (own.get("part") if PART.fullmatch(info.base_name) else None)
        if is_retained(info.base_name, _SHOWN.get(kind, "")):
            test = own.get(_SHOWN[kind])
        foreign = info.base_name if test is None else test(directory, info)
        if foreign is not None:
            return foreign
    return None


def is_retained(name: str, shown: str) -> bool:
    """Whether a name is that of a table which was replaced, and was called ``shown`` before."""
    return re.fullmatch(rf"\.{re.escape(shown)}\.[0-9a-f]{{32}}\.old", name) is not None


def is_remnant(directory: Directory, info: pafs.FileInfo) -> bool:
    """Whether something in an output is of no use to anybody: of a lock, or of a run that was killed while it counted.

    Parameters
    ----------
    directory : Directory
        The output.
    info : FileInfo
        Of what it holds.
    """
    if info.base_name != RUN:
        return is_of_lock(info.base_name)
    names = {entry.base_name for entry in directory.child(RUN).list()}
    return MARK_FILE in names and names <= {MARK_FILE, WORDS}


def is_of_lock(name: str) -> bool:
    """Whether a file only says who is at work in an output, or who was killed while finding out."""
    return name == LOCK_FILE or _LOCK_ASIDE.fullmatch(name) is not None


def mark(directory: Directory) -> Directory:
    """Make a directory of work in progress, which may be removed later; no harm if it is there."""
    directory.create().write_json(MARK_FILE, {"made_by": "w2v-spark"})
    return directory


def _own_part(directory: Directory, info: pafs.FileInfo) -> str | None:
    try:
        metadata = pq.read_metadata(info.path, filesystem=directory.filesystem).metadata or {}
    except (pa.ArrowException, OSError, ValueError):  # a column's name that is no UTF-8 is a ValueError
        return str(info.base_name)
    return None if f"{METADATA_PREFIX}format_version".encode() in metadata else str(info.base_name)


def _own_table(directory: Directory, info: pafs.FileInfo) -> str | None:
    if info.type != pafs.FileType.Directory:
        return str(info.base_name)
    table = directory.child(info.base_name)
    foreign = (
        part.base_name if not PART.fullmatch(part.base_name) else _own_part(table, part) for part in table.list()
    )
    return next((f"{info.base_name}/{name}" for name in foreign if name is not None), None)


def _own_weights(directory: Directory, info: pafs.FileInfo) -> str | None:
    """A folder of matrices as numpy writes them."""
    if info.type != pafs.FileType.Directory:
        return str(info.base_name)
    names = (entry.base_name for entry in directory.child(info.base_name).list())
    return next((f"{info.base_name}/{name}" for name in names if not _WEIGHTS.fullmatch(name)), None)


def _own_array(directory: Directory, info: pafs.FileInfo) -> str | None:
    """A file of numpy's format."""
    if info.type != pafs.FileType.File:
        return str(info.base_name)
    with directory.filesystem.open_input_file(info.path) as file:
        return None if file.read(len(_ARRAY)) == _ARRAY else str(info.base_name)


def _own_json(*keys: str) -> Callable[[Directory, pafs.FileInfo], str | None]:
    """A file that holds a JSON object with some keys."""

    def test(directory: Directory, info: pafs.FileInfo) -> str | None:
        try:
            value = directory.read_json(info.base_name)
        except (StoreError, OSError):
            return str(info.base_name)
        return None if all(key in value for key in keys) else str(info.base_name)

    return test


def is_page(head: bytes) -> bool:
    """Whether a file that begins so, with 1,000 bytes or more, is a page that ``w2v-spark report`` has made."""
    return PAGE_MARK.encode() in head[:1000]


def _own_page(directory: Directory, info: pafs.FileInfo) -> str | None:
    is_own = info.type == pafs.FileType.File and is_page(directory.read_range(info.base_name, 0, 1000))
    return None if is_own else str(info.base_name)


def _own_listed(directory: Directory, info: pafs.FileInfo) -> str | None:
    """A file, or a folder of files, that are all in the list of `MAP_FILE`."""
    try:
        listed = set(directory.read_json(MAP_FILE)["files"])
    except (StoreError, LookupError, TypeError):
        return str(info.base_name)
    if info.type != pafs.FileType.Directory:
        return None if info.base_name in listed else str(info.base_name)
    names = (f"{info.base_name}/{entry.base_name}" for entry in directory.child(info.base_name).list())
    return next((name for name in names if name not in listed), None)


def _own_success(_: Directory, info: pafs.FileInfo) -> str | None:
    return None if info.type == pafs.FileType.File and not info.size else str(info.base_name)


def _own_run(directory: Directory, info: pafs.FileInfo) -> str | None:
    run = directory.child(info.base_name)
    if info.type != pafs.FileType.Directory:
        return str(info.base_name)
    entries = {entry.base_name for entry in run.list()}
    if not entries:
        return None
    marks = {MARK_FILE: ("made_by",), RUN_FILE: ("identity", "plan")}  # the second, of runs before there were marks
    for name, keys in marks.items():
        if name in entries and _own_json(*keys)(run, run.filesystem.get_file_info(run.file(name))) is None:
            return next((f"{info.base_name}/{name}" for name in sorted(entries) if not _is_of_run(name)), None)
    return f"{info.base_name}/{min(entries)}"


def _is_of_run(name: str) -> bool:
    """Whether a run directory has an entry of that name; temporary files of killed writers included."""
    return _RUN_ENTRY.fullmatch(name) is not None


_RUN_ENTRY: Final = re.compile(
    r"(w2v_spark\.json|(run|corpus)\.json|(vocabulary|tags|phrases|dictionary)\.parquet|\w+\.npz|report-\d+\.arrow"
    r"|corpus|counts|rounds|words|factorization|publish)"
    r"(\.[0-9a-f]{32}\.(tmp|old))?"
)

_MAP_PARTS: Final = (
    "index.html", "assets", "data", "words.parquet", "vectors.bytes", "metadata.tsv", "projector_config.json",
    "projector_config.pbtxt",
)  # fmt: skip
_ARRAY: Final = b"\x93NUMPY"
_WEIGHTS: Final = re.compile(r"w_(in|out|node)\.npy|sampling\.npz")

_Test = Callable[[Directory, pafs.FileInfo], str | None]
_ENTRIES: Final[Mapping[Kind, Mapping[str, _Test]]] = {
    Kind.VECTORS: {
        VECTORS: _own_table,
        DOCUMENTS: _own_table,
        TAGS: _own_table,
        NGRAMS: _own_table,
        DICTIONARY: _own_part,
        PHRASES: _own_part,
        STATE: _own_weights,
        ROTATION_FILE: _own_array,
        TARGET: _own_table,
        MODEL_FILE: _own_json("format_version", "packages"),
        HISTORY_FILE: _own_json("rounds"),
        PAGE_FILE: _own_page,
        SUCCESS_FILE: _own_success,
        RUN: _own_run,
        LOCK_FILE: _own_json("made_by", "token"),
    },
    Kind.DOCUMENTS: {
        DOCUMENTS: _own_table,
        MODEL_FILE: _own_json("format_version", "packages"),
        SUCCESS_FILE: _own_success,
        RUN: _own_run,
        LOCK_FILE: _own_json("made_by", "token"),
    },
    Kind.NEIGHBOURS: {"part": _own_part, SUCCESS_FILE: _own_success},
    Kind.DRIFT: {"part": _own_part, SUCCESS_FILE: _own_success},
    Kind.MAP: {
        **dict.fromkeys(_MAP_PARTS, _own_listed),
        MAP_FILE: _own_json("made_by", "files"),
        SUCCESS_FILE: _own_success,
    },
    Kind.PHRASES: {
        PHRASES: _own_part,
        SUCCESS_FILE: _own_success,
        RUN: _own_run,
        LOCK_FILE: _own_json("made_by", "token"),
    },
    Kind.TOPICS: {
        "topics": _own_table,
        "document_topics": _own_table,
        "topics.json": _own_json("made_by", "next_id"),
        SUCCESS_FILE: _own_success,
    },
}
_SHOWN: Final[Mapping[Kind, str]] = {Kind.VECTORS: VECTORS, Kind.DOCUMENTS: DOCUMENTS}
"""The table of a result that is kept, hidden, when another one takes its place."""
