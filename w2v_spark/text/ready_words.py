"""Documents that are lists of words already."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.text.words import MAX_WORD_BYTES, NEW_DOCUMENT, Seen, Words, string_buffers


def ready_words(column: pa.Array, seen: Seen, keep_unusable: bool, most: int) -> Iterator[Words]:
    """Yield the words of lists as they are, at most ``most`` at a time.

    Parameters
    ----------
    column : list<string> or large_list<string>
        One document a row, one sentence each.
    seen : Seen
        Bytes, invalid UTF-8 and overlong words are added.
    keep_unusable : bool
        Whether words that are null, empty or overlong are handed on, as empty ones, and not left out.
    """
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    documents = np.repeat(np.arange(len(column), dtype=np.int32), sizes)
    words = column.flatten()
    seen.bytes += pc.sum(pc.binary_length(words)).as_py() or 0
    words = _valid(words, seen)
    lengths = pc.fill_null(pc.binary_length(words), 0).to_numpy(zero_copy_only=False)
    seen.overlong_words += int((lengths > MAX_WORD_BYTES).sum())
    usable = (lengths > 0) & (lengths <= MAX_WORD_BYTES)
    if not usable.all():
        kept = pa.array(usable)
        if keep_unusable:
            words = pc.if_else(kept, words, pa.scalar("", words.type))
        else:
            words, documents = words.filter(kept), documents[usable]
    text, starts = string_buffers(words)
    breaks = np.where(np.diff(documents, prepend=-1) != 0, NEW_DOCUMENT, 0).astype(np.uint8)
    for begin in range(0, len(breaks), most):
        end = min(begin + most, len(breaks))
        base = starts[begin]
        offsets: npt.NDArray[np.int32] = (starts[begin : end + 1] - base).astype(np.int32)
        yield Words(text[base : starts[end]], offsets, breaks[begin:end], documents[begin:end])


def _valid(words: pa.Array, seen: Seen) -> pa.Array:
    """The words, those that are not UTF-8 with a replacement character for each invalid sequence."""
    try:
        words.validate(full=True)
        return words
    except pa.ArrowInvalid:
        raw = words.cast(pa.binary()).to_pylist()
    valid = [None if word is None else word.decode(errors="replace") for word in raw]
    for before, after in zip(raw, valid, strict=True):
        if after is not None:
            seen.invalid_utf8 += after.count("\ufffd") - before.count("\ufffd".encode())
            seen.invalid_bytes += len(before) - len(before.decode(errors="ignore").encode())
    return pa.array(valid, words.type)
