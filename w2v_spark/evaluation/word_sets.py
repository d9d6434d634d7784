"""Files of named sets of words for tests of association (WEAT, RND), in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from w2v_spark.errors import InputError
from w2v_spark.evaluation.correlation import Values
from w2v_spark.evaluation.sources import Source, as_file, stem
from w2v_spark.evaluation.text_files import read_text
from w2v_spark.evaluation.word_lookup import VectorLookup

_ALSO: Final = {"targ1": "X", "targ2": "Y", "attr1": "A", "attr2": "B"}  # as the files of May et al. 2019 have them
_WANTED: Final = 'expected {"name": ..., %s}, each a list of words, or {"label": [words]}; or a list of such tests'
LEAST_COVERAGE: Final = 0.8
"""Of each set of words: with fewer known ones a test is refused."""


@dataclass(frozen=True, slots=True)
class WordSets:
    """A test of association.

    Attributes
    ----------
    name : str
    where : str
        File and line, for errors.
    labels : mapping of str to str
        What the sets are called, by their keys: X, Y, A, B.
    words : mapping of str to tuple of str
    """

    name: str
    where: str
    labels: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]


def read_word_sets(source: Source, sizes: Mapping[str, int], apart: Sequence[tuple[str, str]]) -> tuple[WordSets, ...]:
    """Read one test or a list of them.

    Parameters
    ----------
    source : str or Path, or what `find_set` finds
    sizes : mapping of str to int
        The keys of the sets that there have to be, and no others, and how many words each has at least.
    apart : sequence of pairs of str
        Keys of which no word may be in both sets.

    Raises
    ------
    InputError
        It cannot be read or is otherwise. The message names the file, and the line or the test.
    """
    text = read_text(source)
    try:
        content = json.loads(text)
        json.dumps(content, ensure_ascii=False).encode()  # a half of a pair of surrogates can be in no report
    except json.JSONDecodeError as error:
        raise InputError(f"{source}, line {error.lineno}: no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: no JSON: {error}") from error
    tests = content if isinstance(content, list) else [content]
    if not tests:
        raise InputError(f"{source} holds no test; {_wanted(sizes)}")
    return tuple(_Reader(source, text, number, sizes).read(test, apart) for number, test in enumerate(tests))


def _wanted(sizes: Mapping[str, int]) -> str:
    return _WANTED % ", ".join(f'"{key}": ...' for key in sizes)


class _Reader:
    """Reads one test of a file, and knows where its sets stand in the text."""

    def __init__(self, source: Source, text: str, number: int, sizes: Mapping[str, int]) -> None:
        self._source, self._text, self._number, self._sizes = source, text, number, sizes

    def read(self, test: Any, apart: Sequence[tuple[str, str]]) -> WordSets:
        if not isinstance(test, dict):
            self._refuse(f"{_wanted(self._sizes)}, found {json.dumps(test)[:80]}")
        given = {_ALSO.get(key, key): (key, value) for key, value in test.items() if key != "name"}
        if set(given) != set(self._sizes):
            found = ", ".join(map(repr, test)) or "nothing"
            self._refuse(f"{_wanted(self._sizes)}, found {found[:80]}", next((key for key in test), ""))
        labels, words = {}, {}
        for key, least in self._sizes.items():
            labels[key], words[key] = self._set(*given[key], key)
            if len(words[key]) < least:
                found = f"{key} ({labels[key]}) has {len(words[key])} words"
                self._refuse(f"{found}, expected {least} or more", given[key][0])
        for first, second in apart:
            if common := sorted(set(words[first]) & set(words[second])):
                self._refuse(f"{common[0]!r} is in both {first} and {second}", given[second][0])
        name = test.get("name", self._name(labels))
        if not isinstance(name, str):
            self._refuse(f"expected a text as its name, found {json.dumps(name)[:80]}", "name")
        return WordSets(name, self._where(given[next(iter(self._sizes))][0]), labels, words)

    def _set(self, key: str, value: Any, name: str) -> tuple[str, tuple[str, ...]]:
        """The label and the words of a set, each once."""
        label: Any = name
        if isinstance(value, dict) and set(value) == {"category", "examples"}:
            label, value = value["category"], value["examples"]
        elif isinstance(value, dict) and len(value) == 1:
            ((label, value),) = value.items()
        if not (isinstance(label, str) and isinstance(value, list) and all(isinstance(w, str) and w for w in value)):
            self._refuse(f'{name}: expected a list of words, or {{"label": [words]}}', key)
        return label, tuple(dict.fromkeys(value))

    def _name(self, labels: Mapping[str, str]) -> str:
        if any(key == label for key, label in labels.items()):
            return stem(as_file(self._source)) + (f" {self._number + 1}" if self._number else "")
        targets = [label for key, label in labels.items() if key in "XY"]
        return f"{'/'.join(targets)}, {labels['A']}/{labels['B']}"

    def _where(self, key: str) -> str:
        """The file, and the line at which a key of this test stands."""
        places = [found.start() for found in re.finditer(rf'"{re.escape(key)}"\s*:', self._text)]
        if not places:
            return f"{self._source}, line 1" if not self._number else f"{self._source}, test {self._number + 1}"
        place = places[min(self._number, len(places) - 1)]
        return f"{self._source}, line {self._text.count(chr(10), 0, place) + 1}"

    def _refuse(self, message: str, key: str = "") -> NoReturn:
        raise InputError(f"{self._where(key)}: {message}")


@dataclass(frozen=True, slots=True, eq=False)
class KnownSets:
    """Those words of a test that have vectors.

    Attributes
    ----------
    words : mapping of str to tuple of str
    unit : mapping of str to float64, (n, D)
        Vectors of length 1, or zero.
    missing : mapping of str to list of str
    """

    words: Mapping[str, tuple[str, ...]]
    unit: Mapping[str, Values]
    missing: Mapping[str, list[str]]


def find_known(lookup: VectorLookup, test: WordSets, sizes: Mapping[str, int]) -> KnownSets:
    """Look the words up.

    Raises
    ------
    InputError
        Fewer than 80 % of the words of a set are known, or fewer than the test needs.
    """
    words, unit, missing = {}, {}, {}
    for key, given in test.words.items():
        unit[key], known = lookup.units(given)
        words[key] = tuple(word for word, there in zip(given, known, strict=True) if there)
        missing[key] = [word for word, there in zip(given, known, strict=True) if not there]
        if len(words[key]) < max(LEAST_COVERAGE * len(given), sizes[key]):
            raise InputError(
                f"{test.where}: the vectors know {len(words[key])} of {len(given)} words of {key} "
                f"({test.labels[key]}), expected {LEAST_COVERAGE:.0%} and {sizes[key]} or more; unknown are "
                f"{', '.join(missing[key])[:200]}"
            )
    return KnownSets(words, unit, missing)
