"""Topics step by step in float64, as slow and as plain as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def unit(rows: Any) -> Any:
    rows = np.asarray(rows, dtype=np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest(rows: Any, topics: Any) -> Any:
    """The nearest topic of each row, and its cosine."""
    cosines = unit(rows) @ unit(topics).T
    return cosines.argmax(axis=1), cosines.max(axis=1)


def information_gain(documents: Sequence[Sequence[str]], topics: Sequence[int], words: Sequence[Sequence[str]]) -> Any:
    """By topic, in nats."""
    total = sum(map(len, documents))
    gains = [0.0] * len(words)
    for document, topic in zip(documents, topics, strict=True):
        for word in words[topic]:
            both = document.count(word) / total
            if both:
                everywhere = sum(other.count(word) for other in documents) / total
                gains[topic] += both * math.log(both / (len(document) / total * everywhere))
    return gains


def npmi(documents: Sequence[Sequence[str]], words: Sequence[str]) -> float:
    """The mean over pairs of words."""
    values = []
    for i, one in enumerate(words):
        for other in words[i + 1 :]:
            a, b, both = (
                sum(all(word in document for word in pair) for document in documents) / len(documents)
                for pair in ([one], [other], [one, other])
            )
            values.append(-1 if not both else 1 if both == 1 else math.log(both / (a * b)) / -math.log(both))
    return sum(values) / len(values)
