"""Fewer topics of many: the tree that merging the smallest one again and again gives."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from w2v_spark.topics.centroids import to_unit
from w2v_spark.vectors.blocks import Matrix


@dataclass(frozen=True, slots=True)
class Node:
    """A topic of the tree: one that was found, a leaf, or one that merging has made.

    Attributes
    ----------
    row : int
        Leaves are 0 to T - 1, the others follow in the order of the merges.
    level : int
        How many topics there are when this one appears; T for leaves.
    parent : int, optional
        The row of the topic that it is merged into; None for the last one.
    parent_level : int
        The level of that, 0 for the last one. So this topic is one of k topics for ``parent_level < k <= level``.
    first_leaf, last_leaf : int
        Its leaves, by places that the tree gives them: each topic has consecutive ones. Of a leaf both are its place.
    """

    row: int
    level: int
    parent: int | None = None
    parent_level: int = 0
    first_leaf: int = 0
    last_leaf: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Hierarchy:
    """The whole tree: 2 T - 1 topics.

    Attributes
    ----------
    nodes : list of Node
        In the order of their rows.
    vectors : float32, (2 T - 1, D)
        Of length 1.
    sizes : int64, (2 T - 1,)
        Documents.
    """

    nodes: list[Node]
    vectors: Matrix
    sizes: npt.NDArray[np.int64]

    def leaves(self, row: int) -> list[int]:
        """The rows of the leaves below a topic."""
        node = self.nodes[row]
        return [
            leaf.row
            for leaf in self.nodes
            if leaf.first_leaf == leaf.last_leaf and node.first_leaf <= leaf.first_leaf <= node.last_leaf
        ]


def build_hierarchy(vectors: Matrix, sizes: npt.NDArray[np.int64]) -> Hierarchy:
    """Merge the smallest topic with its most similar one until one is left.

    Parameters
    ----------
    vectors : float32, (T, D)
        Of length 1; there may be none.
    sizes : int64, (T,)
        Documents of each.

    Notes
    -----
    The vector of a merged topic is the mean of both, weighted by their sizes, scaled to length 1. Top2Vec (Angelov
    2020, section 2.6) gives all documents to the new topics after each merge. Here a document stays below the topic
    that it has, so that the documents of a merged topic are those of its leaves, exactly. Of equal sizes the last topic
    is merged, of equal similarities the first is taken. Cost: ``T^2 D`` operations.
    """
    count = len(vectors)
    if not count:
        return Hierarchy([], vectors, sizes)
    everything = np.zeros((2 * count - 1, vectors.shape[1]), dtype=np.float32)
    everything[:count] = vectors
    documents = np.zeros(2 * count - 1, dtype=np.int64)
    documents[:count] = sizes
    nodes = [Node(row, count) for row in range(count)]
    children: dict[int, tuple[int, int]] = {}
    alive = list(range(count))
    for row in range(count, 2 * count - 1):
        small = min(alive, key=lambda topic: (documents[topic], -topic))
        alive.remove(small)
        similarities = everything[alive].astype(np.float64) @ everything[small].astype(np.float64)
        near = alive.pop(int(np.argmax(similarities)))
        pair = everything[[near, small]].astype(np.float64)
        everything[row] = to_unit((pair * documents[[near, small], None]).sum(axis=0, keepdims=True))[0]
        documents[row] = documents[near] + documents[small]
        level = len(alive) + 1
        nodes.append(Node(row, level))
        for child in (near, small):
            nodes[child] = replace(nodes[child], parent=row, parent_level=level)
        children[row] = (near, small)
        alive.append(row)
    return Hierarchy(_place_leaves(nodes, children), everything, documents)


def _place_leaves(nodes: list[Node], children: dict[int, tuple[int, int]]) -> list[Node]:
    """Give leaves their places, from the root down, and every topic the range of its own."""
    placed = list(nodes)
    waiting, order = [nodes[-1].row], []
    place = 0
    while waiting:
        row = waiting.pop()
        order.append(row)
        if row in children:
            near, small = children[row]
            waiting += [small, near]
        else:
            placed[row] = replace(placed[row], first_leaf=place, last_leaf=place)
            place += 1
    for row in reversed(order):
        if row in children:
            first, last = (placed[child] for child in children[row])
            placed[row] = replace(placed[row], first_leaf=first.first_leaf, last_leaf=last.last_leaf)
    return placed
