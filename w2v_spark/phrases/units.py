"""What the words of a text become before they are looked up: concepts of a dictionary, and phrases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from w2v_spark.config import Config, TextConfig
from w2v_spark.phrases.concepts import ConceptMapper
from w2v_spark.phrases.connectors import read_connectors
from w2v_spark.phrases.dictionary import Dictionary, load_dictionary
from w2v_spark.phrases.joiner import PhraseJoiner
from w2v_spark.phrases.table import PhraseTable
from w2v_spark.publishing.layout import DICTIONARY, PHRASES
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer, build_analyzer
from w2v_spark.text.whole_sentences import ChangingAnalyzer


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What becomes of words, in this order.

    Attributes
    ----------
    dictionary : Dictionary, optional
    phrases : PhraseTable, optional
    """

    dictionary: Dictionary | None = None
    phrases: PhraseTable | None = None

    @classmethod
    def read(cls, directory: Directory, digests: Mapping[str, str] | None = None) -> Self:
        """Those of a result, or of a run, which knows the digests of its files.

        Raises
        ------
        StoreError
            A file is missing or damaged.
        """
        if digests is None:
            there: dict[str, str | None] = {name: None for name in (DICTIONARY, PHRASES) if directory.exists(name)}
        else:
            there = {name: digests[name] for name in (DICTIONARY, PHRASES) if name in digests}
        return cls(
            Dictionary.read(directory, DICTIONARY, there[DICTIONARY]) if DICTIONARY in there else None,
            PhraseTable.read(directory, PHRASES, there[PHRASES]) if PHRASES in there else None,
        )

    def with_phrases(self, phrases: PhraseTable | None) -> Self:
        """With other phrases."""
        return replace(self, phrases=phrases)

    def files(self, metadata: Mapping[str, str] | None = None) -> dict[str, bytes]:
        """What `read` reads, by name, with what the files are to say of the model."""
        tables = {DICTIONARY: self.dictionary, PHRASES: self.phrases}
        return {name: table.to_bytes(metadata) for name, table in tables.items() if table is not None}

    def concepts(self) -> frozenset[str]:
        """All concepts of the dictionary."""
        return frozenset() if self.dictionary is None else frozenset(self.dictionary.table["concept"].to_pylist())

    def analyzer(self, config: TextConfig) -> Analyzer:
        """What reads text as a model has read it: the analyzer of its ``[text]``, and what words become.

        Raises
        ------
        ConfigError, MissingExtra
            See `build_analyzer`.
        """
        analyzer = build_analyzer(config)
        if self.dictionary is not None:
            analyzer = ChangingAnalyzer(analyzer, ConceptMapper(self.dictionary))
        if self.phrases is not None and len(self.phrases):
            analyzer = ChangingAnalyzer(analyzer, PhraseJoiner(self.phrases))
        return analyzer


NO_UNITS = Units()
"""Words as they are."""


def load_units(config: Config, warn: Callable[[str], None]) -> Units:
    """What the words of a text that is read for the first time become, by the files that a configuration names.

    Raises
    ------
    ConfigError, InputError
        One of them cannot be used.
    """
    read_connectors(config.phrases.connector_words)
    dictionary = load_dictionary(config.text)
    for doubt in () if dictionary is None else dictionary.doubts:
        warn(doubt)
    return Units(dictionary)
