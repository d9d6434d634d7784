"""Documents with ids for the benchmarks of document vectors: read, cut into words once, and kept as Parquet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from benchmarks.common import ROOT, data_files
from w2v_spark.config import TextConfig
from w2v_spark.text.analyzer import build_analyzer

LABELLED = ROOT.parent / "shared" / "data"
COLUMNS = ("split", "label", "id", "text")
MARKS = r'([.,!?;:()"])'  # a word each, as in gensim's notebook on these reviews; an apostrophe stays in its word
SCHEMA = pa.schema([("id", pa.string()), ("words", pa.list_(pa.string()))])


def read_labelled(path: Path) -> pa.Table:
    """Labelled documents in a zstd-compressed file of tab-separated lines without a header.

    Parameters
    ----------
    path : split, label, id and text a line; nothing is quoted

    Returns
    -------
    pyarrow.Table
        ``split``, ``label``, ``id`` and ``text``, strings. An id is ``split/label/id``, so that it is unique.
    """
    if not path.is_file():
        sys.exit(f"{path} is no file; name one of labelled documents with --data")
    with pa.input_stream(str(path), compression="zstd") as stream:
        table = csv.read_csv(
            stream,
            read_options=csv.ReadOptions(column_names=COLUMNS),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string())),
        )
    ids = pc.binary_join_element_wise(table["split"], table["label"], table["id"], "/")
    return table.set_column(COLUMNS.index("id"), "id", ids)


def separate(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lower-cased words between blanks, each mark of punctuation a word of its own, as lists of strings.

    That is how gensim's notebook cuts these reviews, and "!" and "?" tell much about them; this project's own tokenizer
    would leave them out.
    """
    blank = pc.replace_substring(pc.utf8_lower(texts), "<br />", " ")
    marked = pc.replace_substring_regex(blank, pattern=MARKS, replacement=r" \1 ")
    return pc.utf8_split_whitespace(pc.utf8_trim_whitespace(marked))


def analyze(texts: pa.ChunkedArray) -> pa.Array:
    """The words that this project's tokenizer finds, as lists of strings; sentences are put one behind the other."""
    analyzer, words, lengths = build_analyzer(TextConfig()), [], []
    for batch in texts.chunks:
        counts = np.zeros(len(batch), np.int64)
        for part in analyzer.words(batch):
            counts += np.bincount(part.documents, minlength=len(batch))
            buffers = [
                None,
                pa.py_buffer(part.offsets.tobytes()),
                pa.py_buffer(part.text[: part.offsets[-1]].tobytes()),
            ]
            words.append(pa.StringArray.from_buffers(len(part), *buffers[1:]))
        lengths.append(counts)
    offsets = np.append(0, np.cumsum(np.concatenate(lengths)))
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.concat_arrays(words))


def write_tokens(ids: pa.ChunkedArray, words: pa.Array | pa.ChunkedArray, path: Path, seed: int = 1) -> None:
    """Write documents in a random order that the seed fixes, as ``id`` and ``words``."""
    order = pa.array(np.random.default_rng(seed).permutation(len(ids)))
    table = pa.table({"id": ids, "words": words}).take(order).cast(SCHEMA)
    pq.write_table(table, path, compression="zstd", row_group_size=2048)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Documents as words, which are one Python string each however often they occur.

    Attributes
    ----------
    ids : list of str
    words : (tokens,) object
    offsets : (documents + 1,) int64
        Document ``d`` is ``words[offsets[d]:offsets[d + 1]]``.
    """

    ids: list[str]
    words: npt.NDArray[np.object_]
    offsets: npt.NDArray[np.int64]

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """The documents of a file that `write_tokens` has written, in its order."""
        table = pq.read_table(path).combine_chunks()
        lists = table["words"].combine_chunks()
        encoded = lists.flatten().dictionary_encode()
        strings = np.array(encoded.dictionary.to_pylist(), object)
        lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
        offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
        return cls(table["id"].to_pylist(), strings[encoded.indices.to_numpy()], offsets)

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self.ids)

    def __iter__(self) -> Iterator[list[str]]:
        """The words of each document."""
        for begin, end in zip(self.offsets, self.offsets[1:], strict=False):
            yield self.words[begin:end].tolist()


def labels_of(table: pa.Table, ids: Sequence[str]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """The label of each id, and whether it is one of those to train a classifier on."""
    rows = dict(zip(table["id"].to_pylist(), range(len(table)), strict=True))
    taken = table.take(pa.array([rows[name] for name in ids]))
    return np.array(taken["label"].to_pylist()), np.array(taken["split"].to_pylist()) == "train"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the words of labelled documents, or of articles, for programs that are not run by a benchmark."""
    parser = argparse.ArgumentParser(description=(main.__doc__ or "").partition("\n")[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--labelled", type=Path, metavar="FILE", help="split, label, id and text, .tsv.zst")
    source.add_argument("--articles", type=Path, metavar="DIR", help="Parquet files with 'id' and 'text'")
    parser.add_argument("--documents", type=int, metavar="N", help="so many of them, drawn at random (default: all)")
    parser.add_argument("--words", type=int, metavar="N", help="the first so many words of each (default: all)")
    parser.add_argument("--tokens", type=Path, required=True, metavar="FILE", help="Parquet file to write")
    options = parser.parse_args(argv)
    if options.labelled is not None:
        table = read_labelled(options.labelled)
    else:
        table = pa.concat_tables(pq.read_table(file, columns=["id", "text"]) for file in data_files(options.articles))
    chosen = np.random.default_rng(1).permutation(len(table))[: options.documents]
    table = table.take(pa.array(np.sort(chosen)))
    words = analyze(table["text"])
    if options.words is not None:
        words = pc.list_slice(words, 0, options.words)
    write_tokens(table["id"].cast(pa.string()), words, options.tokens)
    return 0


if __name__ == "__main__":
    sys.exit(main())
