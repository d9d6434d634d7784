"""The settings of ``[text]``: part of the table in `w2v_spark.config.sections`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from w2v_spark.config.choices import (
    Alphabet,
    Apostrophes,
    Normalize,
    ReverseComplement,
    Sentences,
    Tokenizer,
    UnknownLetters,
)
from w2v_spark.config.setting import setting

Auto = Literal["auto"]
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How text becomes sentences of words."""

    column: str = setting(
        "text",
        "column that holds the documents, a string or an `array<string>` of words; not used for text, FASTA and FASTQ",
        mllib="`inputCol`",
    )
    tokenizer: Tokenizer | str = setting(
        Tokenizer.UNICODE,
        "what a word is: what Unicode's word boundaries say, whatever stands between white space, a sentence a line, "
        "what ICU's dictionaries say (for Chinese, Japanese, Thai, Khmer; extra `icu`), `k` letters of a sequence of "
        "DNA, RNA or protein, or what a function of yours gives: `package.module:function` or an entry point of the "
        "group `w2v_spark.tokenizers`",
        param="tokenizer",
        c_program="always whitespace",
    )
    normalize: Normalize = setting(
        Normalize.NFC,
        "normal form of Unicode that text is brought into, so that the ways to write a character are one; lists of "
        "words stay as they are",
        param="normalize",
    )
    lowercase: bool | Auto = setting(
        "auto",
        'fold case by the rules of Unicode; "auto": yes with the tokenizers "unicode" and "icu", no with others; '
        "lists of words stay as they are",
        param="lowercase",
    )
    apostrophes: Apostrophes = setting(
        Apostrophes.SPLIT,
        "what an apostrophe between two word characters does: split the word, or belong to it",
        param="apostrophes",
    )
    sentences: Sentences = setting(
        Sentences.PUNCTUATION,
        "where sentences end: at punctuation and blank lines, or at every line break and nowhere else",
        param="sentences",
    )
    max_sentence_length: int = setting(
        1000,
        "words of the vocabulary after which a sentence is cut",
        1,
        1_000_000,
        param="maxSentenceLength",
        gensim="`max_sentence_length` of `LineSentence`",
        mllib="`maxSentenceLength`",
        mllib_default="1000",
        c_program="fixed at 1000",
    )
    dictionary: str = setting(
        "",
        "file of forms and concepts: wherever a form stands in the text, one word or several, its concept takes its "
        "place before anything is counted; a form, a tab and a concept in each line, or Parquet with two columns",
        param="dictionary",
    )
    k: int | Range = setting(
        3,
        "letters of a k-mer, or the least and the most of them, of which each position draws one by its sequence's "
        "content",
        1,
        15,
        limit="or two, as `[3, 8]`; at most 15 for DNA and RNA, 7 for proteins, 6 for letters",
        param="k",
    )
    frames: bool = setting(
        False,
        "k-mers do not overlap: the sequence is read `k` times, from its first, second, ... letter on, a sentence each",
        param="frames",
    )
    stride: int = setting(1, "letters from one k-mer to the next; 1 with `frames`", 1, 1_000_000, param="stride")
    alphabet: Alphabet = setting(
        Alphabet.PROTEIN, "letters that k-mers are made of, whatever their case", param="alphabet"
    )
    reverse_complement: ReverseComplement = setting(
        ReverseComplement.NONE,
        "the other strand of DNA and RNA is not read, is read too, gives the k-mer where that is the smaller by "
        "alphabet, or is read in place of the first by the content's chance",
        param="reverseComplement",
    )
    unknown: UnknownLetters = setting(
        UnknownLetters.SPLIT,
        "letters outside the alphabet split a sequence, or belong to k-mers as they are",
        param="unknownLetters",
    )

    @property
    def lowers(self) -> bool:
        """Whether words are lower-cased."""
        if self.lowercase == "auto":
            return self.tokenizer in (Tokenizer.UNICODE, Tokenizer.ICU)
        return self.lowercase
