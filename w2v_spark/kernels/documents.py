"""Documents to the means of their words' vectors: split, then sum up rows."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import kernel

SEPARATOR_BYTES: Final = 4


@kernel
def split_words(text, starts, separator, out, offsets, firsts):
    """Cut documents of joined words at a separator, and lay the words one behind the other; how many there are.

    Parameters
    ----------
    text : (bytes,) uint8
        Document ``d`` is ``text[starts[d]:starts[d + 1]]``.
    starts : (n + 1,) int64
    separator : (4,) uint8
        Between two words of a document.
    out : (>= bytes,) uint8, offsets : (words + 1,) int32
        Filled: word ``w`` is ``out[offsets[w]:offsets[w + 1]]``. There are at most bytes // 4 + n words.
    firsts : (n + 1,) int64
        Filled: the words of document ``d`` are ``firsts[d]`` to ``firsts[d + 1]``, at least one, perhaps empty.
    """
    s0, s1, s2, s3 = separator[0], separator[1], separator[2], separator[3]
    word, size = 0, 0
    for d in range(len(starts) - 1):
        firsts[d] = word
        offsets[word] = size
        word += 1
        position, end = starts[d], starts[d + 1]
        while position < end:
            byte = text[position]
            if (
                byte == s0
                and position + 3 < end
                and text[position + 1] == s1
                and text[position + 2] == s2
                and text[position + 3] == s3
            ):
                offsets[word] = size
                word += 1
                position += 4
            else:
                out[size] = byte
                size += 1
                position += 1
    firsts[len(starts) - 1] = word
    offsets[word] = size
    return word


@kernel
def mean_rows(ids, firsts, matrix, count_unknown, out):
    """The mean of the rows of each document's words; zeros where there is none.

    Parameters
    ----------
    ids : (words,) int32
        Rows of the matrix, or -1 for unknown words.
    firsts : (n + 1,) int64
        The words of document ``d`` are ``ids[firsts[d]:firsts[d + 1]]``.
    matrix : (V, D) float32
    count_unknown : bool
        Whether unknown words count as vectors of zeros, or not at all.
    out : (n, D) float64
        Overwritten. Sums are float64, in the order of the words.
    """
    dim = matrix.shape[1]
    for d in range(len(firsts) - 1):
        words = 0
        for k in range(dim):
            out[d, k] = 0.0
        for w in range(firsts[d], firsts[d + 1]):
            i = np.int64(ids[w])
            if i >= 0:
                words += 1
                for k in range(dim):
                    out[d, k] += matrix[i, k]
            elif count_unknown:
                words += 1
        if words > 1:
            share = 1.0 / words
            for k in range(dim):
                out[d, k] *= share
