"""The Huffman tree of the original C program (its function CreateBinaryTree), and the least cost of any tree.

Imports nothing from the package.
"""

import heapq
import math


def huffman_paths(counts):
    """For each word the inner nodes from the root down to it, as [(node, 1 - code bit), ...].

    counts (V,) fall. The C program numbers inner nodes as they are made; here the last one made, the root, is 0.
    """
    size = len(counts)
    count = [int(c) for c in counts] + [math.inf] * size
    parent, binary = [0] * (2 * size), [0] * (2 * size)
    leaf, inner = size - 1, size

    def take_smallest():
        nonlocal leaf, inner
        if leaf >= 0 and count[leaf] < count[inner]:
            leaf -= 1
            return leaf + 1
        inner += 1
        return inner - 1

    for made in range(size, 2 * size - 1):
        first, second = take_smallest(), take_smallest()
        count[made] = count[first] + count[second]
        parent[first] = parent[second] = made
        binary[second] = 1
    root = 2 * size - 2
    paths = []
    for word in range(size):
        path, node = [], word
        while node != root:
            path.append((root - parent[node], 1 - binary[node]))
            node = parent[node]
        paths.append(path[::-1])
    return paths


def least_cost(counts):
    """The sum of count times code length in the best tree: what its inner nodes count together."""
    heap, cost = [int(c) for c in counts], 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    return cost
