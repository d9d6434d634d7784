"""The Huffman tree of hierarchical softmax, as one path of inner nodes for each word."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import kernel


def build_paths(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The way from the root to each word in the Huffman tree of the counts.

    The construction and its choice among equal counts are those of the original C program, so codes have the same
    lengths. Nodes are numbered from the root, the last one made, down to V - 2, so frequent nodes lie close together.

    Parameters
    ----------
    counts : (V,) int64
        Falling.

    Returns
    -------
    starts : (V + 1,) int64
        The path of word w is ``steps[starts[w]:starts[w + 1]]``, root first.
    steps : (sum of the lengths of all paths,) int32
        ``2 * node + label`` of each inner node on the way; the label is 1 where the code has the bit 0.

    Notes
    -----
    Cost: linear in V and in the length of the paths, which is about ``V log2(V)`` numbers.
    """
    size = len(counts)
    parents, bits, lengths = (np.zeros(2 * size - 1, kind) for kind in (np.int64, np.int8, np.int64))
    _join(counts.astype(np.int64), parents, bits)
    _measure(parents, lengths)
    starts = np.concatenate([[0], np.cumsum(lengths[:size])]).astype(np.int64)
    steps = np.empty(starts[-1], np.int32)
    _write_paths(parents, bits, starts, steps)
    return starts, steps


@kernel
def _join(counts, parents, bits):
    """Parent and code bit of each node: leaves 0 to V - 1, then inner nodes as they are made."""
    size = len(counts)
    weights = np.empty(2 * size - 1, np.int64)
    weights[:size] = counts
    leaf, inner = size - 1, size
    for node in range(size, 2 * size - 1):
        for bit in range(2):
            if leaf >= 0 and (inner == node or weights[leaf] < weights[inner]):
                child = leaf
                leaf -= 1
            else:
                child = inner
                inner += 1
            parents[child] = node
            bits[child] = bit
            weights[node] = weights[child] if bit == 0 else weights[node] + weights[child]


@kernel
def _measure(parents, lengths):
    """How far each node is from the root, the last node."""
    for node in range(len(parents) - 2, -1, -1):
        lengths[node] = lengths[parents[node]] + 1


@kernel
def _write_paths(parents, bits, starts, steps):
    """Walk from each leaf to the root."""
    root = len(parents) - 1
    for word in range(len(starts) - 1):
        node = word
        for p in range(starts[word + 1] - 1, starts[word] - 1, -1):
            steps[p] = 2 * (root - parents[node]) + 1 - bits[node]
            node = parents[node]
