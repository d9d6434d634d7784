"""Pairs of ids listed as they stand in a text, and added up in groups so small that each stays in a core's caches.

One table of all pairs would be waited for at every pair. So pairs are scattered over groups by their hash first, and
the groups are counted one after the other. All pairs of a part are in neighbouring groups, wherever they were listed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.phrases.candidates import GAP, WORD, Kinds
from w2v_spark.phrases.pair_table import NO_NUMBERS, Numbers, Pairs, PairTable, hash_of
from w2v_spark.phrases.scores import Bounds

_GROUP: Final = 1 << 13  # pairs, those that are there more than once as often


class Sums(NamedTuple):
    """Distinct pairs with their counts, those of each part together.

    Attributes
    ----------
    pairs : Pairs
    ends : (parts,) int64
        Where each part ends.
    """

    pairs: Pairs
    ends: Numbers

    def part(self, number: int) -> Pairs:
        """The pairs of a part."""
        return self.pairs.between(int(self.ends[number - 1]) if number else 0, int(self.ends[number]))


def list_pairs(signed: npt.NDArray[np.int32], kinds: Kinds, bounds: Bounds) -> Pairs:
    """The candidates in some sentences, as often as they stand there.

    Parameters
    ----------
    signed : (tokens,) int32
        Ids, the last of each sentence complemented; whole sentences.
    kinds : Kinds
    bounds : Bounds
        Which pairs need not be counted.
    """
    ids = np.empty(len(signed), np.int64)
    runs = np.empty(len(signed) if len(kinds.connectors) else 0, np.int64)
    limits = np.where((kinds.of == WORD)[:, None], bounds.limits, -np.inf).astype(np.float32)
    factor = np.float32(bounds.factor)
    n = write_pairs(signed, kinds.of, limits, factor, kinds.base, kinds.most_connectors, ids, runs)
    return Pairs(ids[:n], runs[:n], NO_NUMBERS)


def add_up(pairs: Pairs, parts: int, only: int | None = None) -> Sums:
    """Add up pairs by part.

    Parameters
    ----------
    pairs : Pairs
    parts : int
        Pairs are spread over so many, by their hash.
    only : int, optional
        All pairs are of this part; the sums have no other then.
    """
    listed = len(pairs.ids)
    wanted = listed // _GROUP + 1
    fine = wanted if only is not None else -(-wanted // parts)  # groups of each part
    first, number = (0, parts * fine) if only is None else (only * fine, fine)
    sizes = np.zeros(number, np.int64)
    size_groups(pairs.ids, pairs.runs, first, parts * fine, sizes)
    ends = np.cumsum(sizes)
    own = Pairs(np.empty(listed, np.int64), np.empty(len(pairs.runs), np.int64), np.empty(listed, np.int64))
    scatter_pairs(*pairs, first, parts * fine, ends - sizes, *own)
    given = own if len(pairs.counts) else own._replace(counts=NO_NUMBERS)
    table, done, start = PairTable(), 0, 0
    stops = np.zeros(number, np.int64)
    for group, end in enumerate(ends.tolist()):
        table.add(given.between(start, end))
        done += table.take(own.between(done, end))  # over what has been added already
        start, stops[group] = end, done
    return Sums(own.between(0, done), stops[fine - 1 :: fine])


@kernel
def write_pairs(signed, kinds, limits, factor, base, most_connectors, ids, runs):
    """Write the candidates in some sentences, see `list_pairs`; how many there are.

    The first limit of what is no word is -inf. A pair is written as it comes and written over unless it counts, since
    no processor can foresee which ones do.
    """
    n, start, run, length = np.int64(0), np.int64(-1), np.int64(0), np.int64(0)
    most, least = np.float32(0), np.float32(0)  # of the word that a pair may begin with
    for t in range(len(signed)):
        i = np.int64(signed[t])
        last = i >> np.int64(63)  # -1: the last of a sentence
        i ^= last
        other, less = limits[i, 0], limits[i, 1]
        if other > -np.inf:
            ids[n] = (start << np.int64(32)) | i
            if len(runs) > 0:
                runs[n] = run
            n += np.int64((min(most, other) * factor > least * less) & (start >= 0))
            start, most, least = i | last, other, less
            run = length = np.int64(0)
        elif kinds[i] == GAP or length == most_connectors:
            start = np.int64(-1)
        else:
            run, length, start = run * base + kinds[i], length + 1, start | last
        if start < 0:
            run = length = np.int64(0)
    return n


@inline
def _group(pair, run, first, groups):
    """By other bits of the hash than those that place a pair in a table."""
    return np.int64(((hash_of(pair, run) >> np.uint64(32)) * np.uint64(groups)) >> np.uint64(32)) - first


@kernel
def size_groups(ids, runs, first, groups, sizes):
    """How many pairs each group from the first one on has."""
    for n in range(len(ids)):
        sizes[_group(ids[n], runs[n] if len(runs) > 0 else np.int64(0), first, groups)] += 1


@kernel
def scatter_pairs(ids, runs, counts, first, groups, places, own_ids, own_runs, own_counts):
    """Write the pairs of each group from its place on, which moves."""
    for n in range(len(ids)):
        run = runs[n] if len(runs) > 0 else np.int64(0)
        group = _group(ids[n], run, first, groups)
        place = places[group]
        places[group] = place + 1
        own_ids[place] = ids[n]
        if len(runs) > 0:
            own_runs[place] = run
        if len(counts) > 0:
            own_counts[place] = counts[n]
