"""Concepts in the place of their forms, by plain lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def replace(sentence: Sequence[str], forms: Mapping[tuple[str, ...], str]) -> list[str]:
    """From left to right the longest form that begins at a word."""
    longest, out, place = max(map(len, forms)), [], 0
    while place < len(sentence):
        sizes = [n for n in range(longest, 0, -1) if tuple(sentence[place : place + n]) in forms]
        taken = [n for n in sizes if place + n <= len(sentence)]
        out.append(forms[tuple(sentence[place : place + taken[0]])] if taken else sentence[place])
        place += taken[0] if taken else 1
    return out
