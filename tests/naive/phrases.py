"""Phrases as gensim and the C program find them, on lists of words, one pair after the other."""

from __future__ import annotations

import math
from collections import Counter


def candidates(sentence, connectors, known):
    """Pairs with the connector words between them, as tuples of words; unknown words are gaps."""
    start, between = None, []
    for word in sentence:
        if word not in known:
            start, between = None, []
        elif word not in connectors:
            if start is not None:
                yield (start, *between, word)
            start, between = word, []
        elif start is not None:
            between.append(word)


def count(sentences, connectors, known):
    """(words, pairs), each a counter."""
    words, pairs = Counter(), Counter()
    for sentence in sentences:
        words.update(sentence)
        pairs.update(candidates(sentence, connectors, known))
    return words, pairs


def score(scorer, together, one, other, tokens, distinct, min_count):
    if scorer == "npmi":
        if together < min_count:
            return -math.inf
        p = together / tokens
        return math.log(p / ((one / tokens) * (other / tokens))) / -math.log(p)
    if scorer == "gensim":
        return (together - min_count) / (one * other) * distinct
    if one < min_count or other < min_count:
        return -math.inf
    return (together - min_count) / one / other * tokens


def find(sentences, scorer, threshold, min_count, connectors=()):
    """The phrases of one pass, {parts: (count, first, second, score)}."""
    words = Counter(word for sentence in sentences for word in sentence)
    known = set(words)
    words, pairs = count(sentences, connectors, known)
    distinct = len([word for word in words if word not in connectors]) + len(pairs)
    found = {}
    for parts, together in pairs.items():
        one, other = words[parts[0]], words[parts[-1]]
        value = score(scorer, together, one, other, sum(words.values()), distinct, min_count)
        if value > threshold:
            found[parts] = (together, one, other, value)
    return found


def join(sentence, phrases, connectors=()):
    """From left to right; what has been joined begins nothing else."""
    out, start, between = [], None, []
    for word in sentence:
        if word in connectors:
            (between if start is not None else out).append(word)
            continue
        if start is not None and (start, *between, word) in phrases:
            out.append("_".join([start, *between, word]))
            start, between = None, []
            continue
        if start is not None:
            out += [start, *between]
        start, between = word, []
    return out + ([start, *between] if start is not None else between)
