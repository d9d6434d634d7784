"""The settings of ``[phrases]``: part of the table in `w2v_spark.config.sections`."""

from __future__ import annotations

from dataclasses import dataclass

from w2v_spark.config.choices import PhraseScorer
from w2v_spark.config.setting import setting
from w2v_spark.config.text_section import Auto


@dataclass(frozen=True, slots=True)
class PhrasesConfig:
    """Which words are joined to one because they stand beside each other."""

    passes: int = setting(
        0,
        "how often pairs are joined: one pass joins two words, two join up to four; 0: none",
        0,
        4,
        param="phrasePasses",
        gensim="`Phrases`, once a pass",
        c_program="`word2phrase`, once a pass",
    )
    scorer: PhraseScorer = setting(
        PhraseScorer.WORD2PHRASE,
        "how a pair is scored: as the C program does, as gensim does, or by normalised pointwise mutual information",
        param="phraseScorer",
        gensim='`scoring`: "default", "npmi"',
        c_program="always word2phrase",
    )
    threshold: float | Auto = setting(
        "auto",
        "pairs that score higher are phrases, half as much in each later pass; of one scorer it means nothing to "
        'another; "auto": 100, 10 and 0.5',
        -1.0,
        1e12,
        param="phraseThreshold",
        gensim="`threshold`",
        c_program="`-threshold`",
    )
    min_count: int = setting(
        5,
        "occurrences that a pair needs; those above count for word2phrase and gensim",
        1,
        2**62,
        param="phraseMinCount",
        gensim="`min_count`",
        c_program="`-min-count`",
    )
    connector_words: str = setting(
        "",
        "words that may stand within a phrase but not at its ends, as in bank_of_america: en, de, fr or es for the "
        "common ones of a language, several with commas, or a file with a word a line; empty: none",
        param="phraseConnectorWords",
        gensim="`connector_words`",
    )
