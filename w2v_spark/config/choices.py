"""Settings that are one of several names."""

from __future__ import annotations

from enum import StrEnum


class Sentences(StrEnum):
    """Where a sentence ends: at terminal punctuation, or only at the end of a line."""

    PUNCTUATION = "punctuation"
    LINE = "line"


class Apostrophes(StrEnum):
    """Whether an apostrophe between two word characters belongs to the word (``don't``) or splits it."""

    SPLIT = "split"
    KEEP = "keep"


class Tokenizer(StrEnum):
    """What Unicode says, what stands between white space, what ICU's dictionaries say, or k-mers of sequences."""

    UNICODE = "unicode"
    WHITESPACE = "whitespace"
    ICU = "icu"
    KMER = "kmer"


class Alphabet(StrEnum):
    """What the letters of a sequence are."""

    PROTEIN = "protein"
    DNA = "dna"
    RNA = "rna"
    LETTERS = "letters"


class ReverseComplement(StrEnum):
    """Whether the other strand is not read, read too, read where its k-mer is smaller, or read by chance instead."""

    NONE = "none"
    BOTH = "both"
    CANONICAL = "canonical"
    RANDOM = "random"


class UnknownLetters(StrEnum):
    """Whether letters outside the alphabet split a sequence or stay in its k-mers."""

    SPLIT = "split"
    KEEP = "keep"


class Normalize(StrEnum):
    """The normal form that text is brought into, so that the ways to write a character are one."""

    NFC = "nfc"
    NFKC = "nfkc"
    NONE = "none"


class Architecture(StrEnum):
    """Which input rows meet a target."""

    SKIPGRAM = "skipgram"
    CBOW = "cbow"
    PV_DBOW = "pv_dbow"
    PV_DM = "pv_dm"


class Objective(StrEnum):
    """Which output rows a target is scored against, or which counts are factorised."""

    NEGATIVE_SAMPLING = "negative_sampling"
    HIERARCHICAL_SOFTMAX = "hierarchical_softmax"
    PPMI_SVD = "ppmi_svd"
    LSA = "lsa"


class PublishedRows(StrEnum):
    """Which of a word's two rows is published as its vector, or the sum of both."""

    INPUT = "input"
    OUTPUT = "output"
    SUM = "sum"


class TermWeights(StrEnum):
    """What the count of a word in a document becomes."""

    LOG_ENTROPY = "log_entropy"
    TF_IDF = "tf_idf"


class Freeze(StrEnum):
    """Which of the two matrices stays as it is while the other one is trained."""

    NONE = "none"
    INPUT = "input"
    OUTPUT = "output"


class Merge(StrEnum):
    """How the displacements of the shards become one."""

    CURVATURE = "curvature"
    MEAN = "mean"


class PhraseScorer(StrEnum):
    """By which formula two words are a phrase: that of the C program, that of gensim, or mutual information."""

    WORD2PHRASE = "word2phrase"
    GENSIM = "gensim"
    NPMI = "npmi"
