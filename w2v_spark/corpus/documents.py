"""Documents that have names in the encoded corpus: which sentences of a shard are whose.

Beside each file of sentences lies an Arrow IPC file with a row a chunk, in the order of the sentences: ``id``, of the
type that the input has, ``piece int32``, ``first int64`` and ``sentences int32``. A document of more than
`CHUNK_TOKENS` words is several chunks, whose pieces are numbered from 0 and may lie in different shards. A document
without a word of the vocabulary is in none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.corpus.shards import EncodedCorpus, Part, damaged, read_batches
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory, digest


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A document in a shard, or as much of it as is in one chunk.

    Attributes
    ----------
    id : Any
        The document's name, as Python has values of the column's type.
    number : int
        0 for the document's beginning; pieces follow each other in the order of their numbers.
    ids : (tokens,) int32
        Word ids.
    offsets : (sentences + 1,) int32
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    """

    id: Any
    number: int
    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]


def write_documents(
    directory: Directory,
    ids: pa.Array,
    pieces: pa.Array,
    sentences: npt.NDArray[np.int64],
    more: Mapping[str, pa.Array] = MappingProxyType({}),
) -> tuple[str, str]:
    """Write whose the sentences of a file are, to a new file; its name and its digest.

    Parameters
    ----------
    ids, pieces : (chunks,) arrays
        The document of each chunk, and which piece of it the chunk is.
    sentences : (chunks,) int64
        How many sentences each chunk has.
    more : mapping of str to (chunks,) array
        Further columns.
    """
    file = f"{uuid.uuid4().hex}.documents.arrow"
    first = np.cumsum(sentences) - sentences
    table = pa.table({
        "id": ids, "piece": pieces.cast(pa.int32()), "first": pa.array(first, pa.int64()),
        "sentences": pa.array(sentences, pa.int32()), **more,
    })  # fmt: skip
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content = sink.getvalue()
    with directory.filesystem.open_output_stream(directory.file(file)) as stream:
        stream.write(content)
    return file, digest(content)


def read_documents(directory: Directory, corpus: EncodedCorpus, shard: int) -> Iterator[Piece]:
    """Yield the documents of a shard, or their pieces, in the order in which they are trained on.

    Parameters
    ----------
    directory : Directory
        Where the corpus' files are.

    Raises
    ------
    StoreError
        The documents of the corpus have no names, or a file is missing or damaged.
    """
    for part in corpus.shards[shard].parts:
        documents, sentences = _read_named(directory, part)
        for row in documents.to_pylist():
            yield _piece(row, sentences)


def find_document(directory: Directory, corpus: EncodedCorpus, name: Any) -> list[Piece]:
    """All pieces of the documents of a name, in order: empty where no document with that name has a known word.

    Reads the names of the whole corpus, and of the sentences what belongs to them.

    Raises
    ------
    StoreError
        As `read_documents`.
    """
    found = []
    for part in (part for shard in corpus.shards for part in shard.parts):
        documents, sentences = _read_named(directory, part)
        wanted = pa.compute.equal(documents["id"], pa.scalar(name, documents.schema.field("id").type))
        found += [_piece(row, sentences) for row in documents.filter(wanted).to_pylist()]
    return sorted(found, key=lambda piece: piece.number)


def _piece(row: dict[str, Any], sentences: pa.Table) -> Piece:
    lists = sentences["ids"].slice(row["first"], row["sentences"]).combine_chunks()
    offsets = np.asarray(lists.offsets)
    ids = np.asarray(lists.values)[offsets[0] : offsets[-1]]
    return Piece(row["id"], row["piece"], ids, (offsets - offsets[0]).astype(np.int32))


def _read_named(directory: Directory, part: Part) -> tuple[pa.Table, pa.Table]:
    """Whose the sentences of a file are, and the sentences."""
    documents = read_table(directory, part)
    return documents, pa.Table.from_batches(read_batches(directory, part, range(len(part.batches))))


def read_table(directory: Directory, part: Part) -> pa.Table:
    """Whose the sentences of a file are, as `write_documents` wrote it.

    Raises
    ------
    StoreError
        As `read_documents`.
    """
    if part.documents is None:
        raise StoreError(f"{directory.uri}/{part.file} does not say whose its sentences are: documents had no names")
    data = directory.read_bytes(part.documents, part.documents_digest)
    try:
        with pa.ipc.open_file(pa.py_buffer(data)) as reader:
            return reader.read_all()
    except pa.ArrowInvalid as error:
        raise damaged(directory, part.documents, error) from error
