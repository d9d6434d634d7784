"""The section [model] of the table of settings: what is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from w2v_spark.config.choices import Architecture, Objective, PublishedRows
from w2v_spark.config.setting import setting
from w2v_spark.errors import ConfigError, Name

WholeSentence = Literal["sentence"]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What is trained, and which part of it is published."""

    architecture: Architecture = setting(
        Architecture.SKIPGRAM,
        "what meets a target: each neighbour by itself (skipgram), all of them together (cbow), and for vectors of "
        "documents the document's row by itself (pv_dbow) or together with the neighbours (pv_dm)",
        param="architecture",
        gensim="`sg=1`, `sg=0`; `dm=0`, `dm=1` of `Doc2Vec`",
        mllib="always skip-gram",
        c_program="`-cbow 0`, `-cbow 1`",
    )
    objective: Objective = setting(
        Objective.NEGATIVE_SAMPLING,
        "how a target is told from other words: against noise words, or along the branches of a Huffman tree; or which "
        "counts are factorised in place of training: of pairs of words (ppmi_svd), or of words in documents (lsa)",
        param="objective",
        gensim="`hs=0`, `hs=1`; `LsiModel`",
        mllib="always hierarchical softmax",
        c_program="`-hs 0`, `-hs 1`",
    )
    dim: int = setting(
        100,
        "numbers in a vector",
        1,
        1024,
        param="vectorSize",
        gensim="`vector_size`",
        mllib="`vectorSize`",
        mllib_default="100",
        c_program="`-size`",
    )
    window: int | WholeSentence = setting(
        5,
        'neighbours on each side, at most; "sentence": all words of the sentence',
        1,
        10_000,
        param="windowSize",
        param_note="0: the whole sentence",
        gensim="`window`",
        mllib="`windowSize`",
        mllib_default="5",
        c_program="`-window`",
    )
    negatives: int = setting(
        5,
        "noise words drawn for each window; negative sampling only",
        1,
        64,
        param="negative",
        gensim="`negative`",
        c_program="`-negative`",
    )
    noise_exponent: float = setting(
        0.75,
        "noise words are drawn by count to this power: 1 as they occur, 0 all alike",
        -2.0,
        2.0,
        param="noiseExponent",
        gensim="`ns_exponent`",
        c_program="fixed at 0.75",
    )
    cbow_mean: bool = setting(
        True,
        "cbow and pv_dm take the mean of the rows; false: their sum",
        param="cbowMean",
        gensim="`cbow_mean`, `dm_mean`",
        c_program="always the mean",
    )
    dbow_words: bool = setting(
        True,
        "pv_dbow trains words in the same windows, as skip-gram does; false: rows of documents alone, and a word's "
        "vector is what it is scored by",
        document_param="dbowWords",
        gensim="`dbow_words` of `Doc2Vec` (0)",
    )
    shrink_window: bool = setting(
        True,
        'each word\'s reach is drawn from 1 to `window`; false: it is always the whole window, as with "sentence"',
        param="shrinkWindow",
        gensim="`shrink_windows`",
        mllib="always shrinks",
        c_program="always shrinks",
    )
    subwords: bool = setting(
        False,
        "a word is the mean of its own row and the rows of its n-grams, which give vectors to words outside the "
        "vocabulary as well; skipgram and cbow only",
        param="subwords",
        gensim="`FastText` in place of `Word2Vec`",
    )
    min_n: int = setting(
        3,
        "letters of an n-gram, at least; a word is read as `<word>`",
        1,
        64,
        limit="not above `model.max_n`",
        param="minN",
        gensim="`min_n` of `FastText`",
    )
    max_n: int = setting(6, "letters of an n-gram, at most", 1, 64, param="maxN", gensim="`max_n` of `FastText`")
    bucket: int = setting(
        0,
        "rows that n-grams share by their hash; 0: each n-gram that enough words have has a row of its own",
        0,
        2**31 - 1,
        param="bucket",
        gensim="`bucket` of `FastText` (2,000,000)",
    )
    min_ngram_words: int = setting(
        1,
        "words of the vocabulary that must have an n-gram for it to get a row; where `bucket` is 0. More of them save "
        "memory",
        1,
        2**31 - 1,
        param="minNgramWords",
    )
    published_rows: PublishedRows = setting(
        PublishedRows.INPUT,
        'the rows that are published as vectors; only "input" with hierarchical softmax and lsa, and with ppmi_svd '
        "those of words, of contexts, or the sum of both",
        param="publishedRows",
        gensim="input: `wv`; output: `syn1neg`",
        mllib="always input",
        c_program="always input",
    )


def check_subwords(model: ModelConfig) -> None:
    """Refuse bounds of n-grams that cross, and models that have none. Raises `ConfigError`."""
    if not model.subwords:
        return
    if model.min_n > model.max_n:
        raise ConfigError(
            Name("model.min_n"), f" = {model.min_n} is above ", Name("model.max_n"), f" = {model.max_n}; an n-gram has "
            "at least as many letters as the first and at most as many as the second: lower the first",
        )  # fmt: skip
    if model.architecture not in (Architecture.SKIPGRAM, Architecture.CBOW):
        raise ConfigError(
            Name("model.subwords"), " = true is not allowed with ", Name("model.architecture"),
            f" = '{model.architecture}': models of documents have words without n-grams; expected 'skipgram' or 'cbow'",
        )  # fmt: skip
    if model.published_rows is not PublishedRows.INPUT:
        raise ConfigError(
            Name("model.published_rows"), f" = '{model.published_rows}' is not allowed with ", Name("model.subwords"),
            " = true: n-grams have input rows alone, which output rows cannot be compared with; expected 'input'",
        )  # fmt: skip
